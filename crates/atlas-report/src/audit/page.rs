//! The audit as one page of HTML that needs nothing else.

use std::fmt::{self, Write as _};

use super::{Audit, Verdict, text};
use crate::sheet::style::CSS;
use crate::sheet::svg::{Escaped, Plot};

pub(super) fn html(audit: &Audit) -> Result<String, fmt::Error> {
    let mut out = String::new();
    write(&mut out, audit)?;
    Ok(out)
}

fn write(out: &mut String, audit: &Audit) -> fmt::Result {
    let title = format!("Audit of account {}", audit.account);
    write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{0}</title><style>{CSS}</style></head><body><main>\
         <h1>{0}</h1>",
        Escaped(&title)
    )?;
    if let Some((from, to)) = audit.stretch {
        let days = audit.days.len();
        write!(out, "<p>{from} to {to}: {} sessions, {days} carried out.</p>", audit.sessions)?;
    }
    let class = if audit.verdict == Verdict::Sound { "" } else { " class=\"bad\"" };
    write!(out, "<p{class}>Verdict: {}.</p>", audit.verdict.as_str())?;
    out.write_str(
        "<div class=\"wide\"><table><tr><th>criterion</th><th>holds</th><th>finding</th></tr>",
    )?;
    for criterion in &audit.criteria {
        let (class, holds) = if criterion.holds { ("", "yes") } else { (" class=\"bad\"", "no") };
        write!(
            out,
            "<tr><td>{}</td><td{class}>{holds}</td><td>{}</td></tr>",
            criterion.question.statement(),
            Escaped(&criterion.finding)
        )?;
    }
    out.write_str("</table></div><h2>Equity</h2>")?;
    equity(out, audit)?;
    out.write_str("<h2>Result</h2><dl>")?;
    for (name, value) in text::result(audit) {
        write!(out, "<dt>{name}</dt><dd>{}</dd>", Escaped(&value))?;
    }
    out.write_str("</dl><h2>Regimes</h2><dl>")?;
    for (regime, days) in &audit.regimes {
        write!(out, "<dt>{}</dt><dd>{days} days</dd>", Escaped(regime))?;
    }
    out.write_str("</dl><h2>Days</h2><div class=\"wide\"><table><tr>")?;
    for name in ["day", "regime", "orders filled", "equity", "return", "exposure", "heat"] {
        write!(out, "<th>{name}</th>")?;
    }
    out.write_str("</tr>")?;
    for day in &audit.days {
        out.write_str("<tr>")?;
        for cell in text::cells(day) {
            write!(out, "<td>{}</td>", Escaped(&cell))?;
        }
        out.write_str("</tr>")?;
    }
    out.write_str("</table></div>")?;
    let events: Vec<String> = audit.risk_events.iter().map(text::spell).collect();
    list(out, "Risk events", &events, "Nothing held trading back.")?;
    let incidents: Vec<String> = (audit.incidents.iter())
        .map(|i| format!("{} ({}): {}; {}", i.at, i.severity.as_str(), i.cause, i.action))
        .collect();
    list(out, "Operational issues", &incidents, "None.")?;
    list(out, "What persons did", &audit.interventions, "Nothing beside the commands.")?;
    out.write_str("</main></body></html>")
}

/// Equity by day, with the regime in force behind it.
fn equity(out: &mut String, audit: &Audit) -> fmt::Result {
    let own: Vec<f64> = audit.days.iter().map(|day| day.equity.to_f64()).collect();
    if own.len() < 2 {
        return out.write_str("<p>Too few days for a curve.</p>");
    }
    let plot = Plot::around(260.0, own.len(), own.iter().copied());
    plot.open(out, "equity at the end of each day, with the regime in force behind it")?;
    let mut from = 0;
    for (at, day) in audit.days.iter().enumerate() {
        let next = audit.days.get(at + 1).map(|next| next.regime.as_str());
        if next != Some(day.regime.as_str()) {
            let to = (at + 1).min(own.len() - 1);
            plot.shade(out, &format!("r-{}", day.regime), (from, to), &day.regime)?;
            from = to;
        }
    }
    plot.y_axis(out, |value| format!("{value:.0}"))?;
    plot.line(out, "l1", own.iter().copied())?;
    out.write_str("</svg><p class=\"key\"><span class=\"k1\"></span>equity")?;
    for regime in audit.regimes.keys() {
        write!(out, " <span class=\"kr r-{0}\"></span>{0}", Escaped(regime))?;
    }
    out.write_str("</p>")
}

fn list(out: &mut String, title: &str, lines: &[String], none: &str) -> fmt::Result {
    write!(out, "<h2>{title}</h2>")?;
    if lines.is_empty() {
        return write!(out, "<p>{none}</p>");
    }
    out.write_str("<ul>")?;
    for line in lines {
        write!(out, "<li>{}</li>", Escaped(line))?;
    }
    out.write_str("</ul>")
}
