//! The part of the dashboard that changes.

use std::fmt::{self, Write as _};

use atlas_core::{Rounding, Usd};

use super::view::{Gauge, View};
use crate::sheet::svg::{Escaped, Plot};

/// The live part as HTML.
///
/// # Errors
/// None in fact: writing to memory does not fail.
pub fn live(view: &View) -> Result<String, fmt::Error> {
    let mut out = String::new();
    state(&mut out, view)?;
    curve(&mut out, view)?;
    gauges(&mut out, &view.gauges)?;
    positions(&mut out, view)?;
    orders(&mut out, view)?;
    signals(&mut out, view)?;
    pairs(&mut out, "Why this regime", &view.evidence, "No decision has been made yet.")?;
    pairs(&mut out, "Execution quality", &view.quality, "Nothing has filled yet.")?;
    incidents(&mut out, view)?;
    write!(out, "<footer>{}</footer>", Escaped(&view.journal))?;
    Ok(out)
}

fn state(out: &mut String, view: &View) -> fmt::Result {
    let class = if view.state == "ACTIVE" { "ok" } else { "bad" };
    write!(out, "<p class=\"state {class}\" id=\"state\">{}</p>", Escaped(&view.state))?;
    for cause in &view.causes {
        write!(out, "<p class=\"bad\">{}</p>", Escaped(cause))?;
    }
    out.write_str("<div class=\"cards\">")?;
    // Cents always take two places here; the exact amounts are in the journal.
    let money = |amount: Usd| format!("{:.2} USD", amount.to_cents(Rounding::HalfEven).value());
    let equity = view.equity.map_or_else(|| "unknown".to_owned(), money);
    let cash = money(view.cash);
    for (name, value) in [("equity", equity), ("cash", cash), ("breaker", view.breaker.clone())] {
        write!(out, "<div class=\"card\"><span>{name}</span><b>{}</b></div>", Escaped(&value))?;
    }
    out.write_str("</div>")?;
    let class = if view.clean { "" } else { " class=\"bad\"" };
    write!(out, "<p{class}>{}</p>", Escaped(&view.compared))?;
    match &view.held_by {
        Some(holder) => write!(out, "<p>Held by {}.</p>", Escaped(holder)),
        None => out.write_str("<p>No process holds the account.</p>"),
    }
}

fn curve(out: &mut String, view: &View) -> fmt::Result {
    out.write_str("<section><h2>Equity</h2>")?;
    let own: Vec<f64> = view.curve.iter().map(|point| point.equity).collect();
    if own.len() < 2 {
        return out.write_str("<p>Too few days for a curve.</p></section>");
    }
    let plot = Plot::around(260.0, own.len(), own.iter().copied());
    plot.open(out, "equity at the end of each day, with the regime in force behind it")?;
    let mut from = 0;
    for (at, point) in view.curve.iter().enumerate() {
        let next = view.curve.get(at + 1).map(|next| next.regime.as_str());
        if next != Some(point.regime.as_str()) {
            let to = (at + 1).min(own.len() - 1);
            plot.shade(out, &format!("r-{}", point.regime), (from, to), &point.regime)?;
            from = to;
        }
    }
    plot.y_axis(out, |value| format!("{value:.0}"))?;
    plot.line(out, "l1", own.iter().copied())?;
    out.write_str("</svg>")?;
    let ends = view.curve.first().zip(view.curve.last());
    if let Some((first, last)) = ends {
        write!(out, "<p class=\"key\">{} to {}", first.date, last.date)?;
        for regime in ["bull", "neutral", "bear", "crash"] {
            write!(out, " <span class=\"kr r-{regime}\"></span>{regime}")?;
        }
        out.write_str("</p>")?;
    }
    out.write_str("</section>")
}

fn gauges(out: &mut String, gauges: &[Gauge]) -> fmt::Result {
    out.write_str("<section><h2>Risk against limits</h2><table>")?;
    for Gauge { name, value, limit } in gauges {
        write!(out, "<tr><th scope=\"row\">{}</th><td>", Escaped(name))?;
        match value {
            Some(value) => write!(
                out,
                "<meter min=\"0\" max=\"{limit:.6}\" low=\"{:.6}\" high=\"{:.6}\" optimum=\"0\" \
                 value=\"{:.6}\"></meter></td><td>{:.2} % of {:.2} %",
                limit * 0.5,
                limit * 0.8,
                value.max(0.0),
                value * 100.0,
                limit * 100.0
            )?,
            None => write!(out, "</td><td>unknown, limit {:.2} %", limit * 100.0)?,
        }
        out.write_str("</td></tr>")?;
    }
    out.write_str("</table></section>")
}

/// A table of words, or of figures, which stand to the right.
fn table(
    out: &mut String,
    (title, class): (&str, &str),
    columns: &[&str],
    rows: &[Vec<String>],
    none: &str,
) -> fmt::Result {
    write!(out, "<section><h2>{}</h2>", Escaped(title))?;
    if rows.is_empty() {
        return write!(out, "<p>{none}</p></section>");
    }
    write!(out, "<div class=\"wide\"><table class=\"{class}\"><tr>")?;
    for column in columns {
        write!(out, "<th scope=\"col\">{column}</th>")?;
    }
    out.write_str("</tr>")?;
    for row in rows {
        out.write_str("<tr>")?;
        for cell in row {
            write!(out, "<td>{}</td>", Escaped(cell))?;
        }
        out.write_str("</tr>")?;
    }
    out.write_str("</table></div></section>")
}

fn positions(out: &mut String, view: &View) -> fmt::Result {
    let dash = || "–".to_owned();
    let rows = view.positions.iter().map(|held| {
        vec![
            held.symbol.to_string(),
            held.qty.to_string(),
            held.cost.map_or_else(dash, |price| price.to_string()),
            held.price.map_or_else(dash, |price| price.to_string()),
            held.stop.map_or_else(dash, |stop| format!("{stop:.2}")),
            held.unrealised.map_or_else(dash, |gain| format!("{gain:+.2}")),
        ]
    });
    let columns = ["symbol", "shares", "cost", "price", "leaves at", "unrealised, USD"];
    table(out, ("Positions", "figures"), &columns, &rows.collect::<Vec<_>>(), "Nothing is held.")
}

fn orders(out: &mut String, view: &View) -> fmt::Result {
    let rows = view.orders.iter().map(|order| {
        let leaves = order.leaves.to_string();
        vec![order.what.clone(), order.status.clone(), leaves, order.id.clone()]
    });
    let columns = ["order", "status", "shares open", "name"];
    table(out, ("Working orders", "words"), &columns, &rows.collect::<Vec<_>>(), "No order works.")
}

fn signals(out: &mut String, view: &View) -> fmt::Result {
    let rows = view.signals.iter().map(|signal| {
        let symbol = signal.symbol.to_string();
        vec![symbol, signal.strategy.clone(), signal.end.clone(), signal.reason.clone()]
    });
    let title = view.day.map_or_else(|| "Signals".to_owned(), |day| format!("Signals of {day}"));
    let columns = ["symbol", "strategy", "end", "why"];
    table(out, (&title, "words"), &columns, &rows.collect::<Vec<_>>(), "There were none.")
}

fn pairs(out: &mut String, title: &str, pairs: &[(String, String)], none: &str) -> fmt::Result {
    write!(out, "<section><h2>{title}</h2>")?;
    if pairs.is_empty() {
        return write!(out, "<p>{none}</p></section>");
    }
    out.write_str("<dl>")?;
    for (name, value) in pairs {
        write!(out, "<dt>{}</dt><dd>{}</dd>", Escaped(name), Escaped(value))?;
    }
    out.write_str("</dl></section>")
}

fn incidents(out: &mut String, view: &View) -> fmt::Result {
    let rows = view.incidents.iter().map(|incident| {
        let (at, word) = (incident.at.to_string(), incident.severity.as_str().to_owned());
        vec![at, word, incident.cause.clone(), incident.action.clone()]
    });
    let columns = ["when", "severity", "what", "done about it"];
    table(out, ("Incidents", "words"), &columns, &rows.collect::<Vec<_>>(), "None.")
}
