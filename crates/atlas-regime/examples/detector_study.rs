//! Both profiles of the detector on the S&P 500 from 1996, on raw returns and in excess of the
//! bill: how often labels change, what each regime was like, how long crises took to be seen with
//! and without the shock rule, and what that rule earned.
//!
//! `cargo run --release -p atlas-regime --example detector_study [DATA]` prints Markdown;
//! `docs/studies/regime-detector.md` quotes it.

#![expect(clippy::print_stdout, reason = "a study prints its report")]

mod support;

use std::fmt::Write as _;

use atlas_core::Regime;
use atlas_regime::{
    DecidedBy, Detector, DetectorParams, Inputs, Naming, RateQuote, RegimeEstimate, VixEvidence,
    VixParams, VixPolicy, accrued_interest,
};
use chrono::NaiveDate;
use support::{Dated, Figures, Outcome, YEAR, data_folder, deviation, float, mean};

fn day(year: i32, month: u32, day: u32) -> Outcome<NaiveDate> {
    Ok(NaiveDate::from_ymd_opt(year, month, day).ok_or("a date")?)
}

const fn budget(regime: Regime) -> f64 {
    match regime {
        Regime::Bull => 1.0,
        Regime::Neutral => 0.7,
        Regime::Bear => 0.3,
        Regime::Crash => 0.0,
    }
}

const fn defensive(regime: Regime) -> bool {
    matches!(regime, Regime::Bear | Regime::Crash)
}

/// A way of reading a label off an estimate.
type Reading = fn(&RegimeEstimate) -> Regime;

/// The label a user acts on.
fn full(e: &RegimeEstimate) -> Regime {
    e.regime
}

/// The label before the shock override.
fn model(e: &RegimeEstimate) -> Regime {
    e.evidence.model_regime
}

/// Market data, and the interest of each session of the index.
struct Market {
    index: Dated,
    vix: Dated,
    bill: Dated,
    interest: Vec<f64>,
    last: NaiveDate,
}

/// One configuration and what it said on every session.
struct Run {
    name: String,
    said: Vec<RegimeEstimate>,
}

impl Market {
    fn read() -> Outcome<Self> {
        let root = data_folder();
        let index = Dated::read(&root.join("daily/SPX.csv.gz"), "close")?.since(day(1990, 1, 2)?);
        let vix = Dated::read(&root.join("daily/VIX.csv.gz"), "close")?;
        let bill = Dated::read(&root.join("rates/DTB3.csv.gz"), "rate_pct")?;
        let interest =
            accrued_interest(&index.dates, &bill.dates, &bill.values, RateQuote::Discount)?;
        let last = *index.dates.last().ok_or("an empty index")?;
        Ok(Self { index, vix, bill, interest, last })
    }

    fn judge(&self, params: DetectorParams, excess: bool) -> Outcome<Vec<RegimeEstimate>> {
        // A few VIX closes are missing; a shock in force then stays, a new one cannot be seen.
        let params = DetectorParams {
            vix_missing: VixPolicy::CarryOn,
            rate_quote: RateQuote::Discount,
            ..params
        };
        let detector = Detector::new(params.check()?);
        let inputs = Inputs {
            index: self.index.series(),
            vix: Some(self.vix.series()),
            rate: excess.then(|| self.bill.series()),
            as_of: self.last,
        };
        Ok(detector.history(&inputs, day(1996, 1, 2)?)?)
    }
}

fn main() -> Outcome<()> {
    let market = Market::read()?;
    let mut runs = Vec::new();
    for (name, params) in
        [("seed", DetectorParams::seed()), ("calibrated", DetectorParams::calibrated())]
    {
        for (basis, excess) in [("raw", false), ("excess", true)] {
            let said = market.judge(params.clone(), excess)?;
            runs.push(Run { name: format!("{name}, {basis}"), said });
        }
    }
    println!(
        "S&P 500 price index from {}, judged daily 1996-01-02 to {}; raw returns, and in excess \
         of DTB3 (a discount rate). Cash earns DTB3 in all of them. Sessions without a VIX close: \
         {}.\n",
        market.index.dates[0],
        market.last,
        runs[0]
            .said
            .iter()
            .filter(|e| matches!(e.evidence.vix, VixEvidence::Missing { .. }))
            .count()
    );
    for last in [day(2022, 12, 31)?, market.last] {
        println!("## 1996-01-02 to {last}\n");
        side_by_side(&runs, &market, last);
    }
    println!("## Changes of the four-regime label a year, without / with the override\n");
    parts(&runs)?;
    println!("## Neighbouring minimum holds of the shock rule, calibrated\n");
    holds(&market)?;
    println!("## How falls were called\n");
    crises(&runs, &market.index)?;
    for run in &runs {
        println!("## Details: {}\n", run.name);
        regimes(&run.said, &market.index);
        overrides(&run.said, &market.index);
    }
    Ok(())
}

/// A table's head with one column for each run.
fn heading(first: &str, runs: &[Run]) {
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    println!("| {first} | {} |", names.join(" | "));
    println!("| --- |{}", " --- |".repeat(runs.len()));
}

/// A line of such a table.
fn cells(name: &str, runs: &[Run], cell: impl Fn(&[RegimeEstimate]) -> String) {
    let cells: Vec<String> = runs.iter().map(|run| cell(&run.said)).collect();
    println!("| {name} | {} |", cells.join(" | "));
}

/// What was said between two dates.
fn between(said: &[RegimeEstimate], first: NaiveDate, last: NaiveDate) -> &[RegimeEstimate] {
    let from = said.partition_point(|e| e.as_of < first);
    &said[from..said.partition_point(|e| e.as_of <= last)]
}

fn changes(said: &[RegimeEstimate], label: Reading) -> f64 {
    let changed = said.windows(2).filter(|p| label(&p[0]) != label(&p[1])).count();
    float(changed) * YEAR / float(said.len())
}

fn side_by_side(runs: &[Run], market: &Market, last: NaiveDate) {
    let runs: Vec<Run> = runs
        .iter()
        .map(|run| {
            let end = run.said.partition_point(|e| e.as_of <= last);
            Run { name: run.name.clone(), said: run.said[..end].to_vec() }
        })
        .collect();
    heading("", &runs);
    cells("changes a year: two states", &runs, |said| {
        let moved = said.windows(2).filter(|p| p[0].evidence.state != p[1].evidence.state);
        format!("{:.1}", float(moved.count()) * YEAR / float(said.len()))
    });
    let ways: [(&str, Reading); 2] = [("model alone", model), ("override included", full)];
    for (way, label) in ways {
        cells(&format!("changes a year: four regimes, {way}"), &runs, |said| {
            format!("{:.2}", changes(said, label))
        });
        cells(&format!("days called bear or crash, {way}"), &runs, |said| {
            let days = said.iter().filter(|e| defensive(label(e))).count();
            format!("{:.0} %", 100.0 * float(days) / float(said.len()))
        });
        cells(&format!("defensive spells, of which false alarms, {way}"), &runs, |said| {
            let (spells, alarms) = false_alarms(said, &market.index, label);
            format!("{spells}, {alarms} ({:.0} %)", 100.0 * float(alarms) / float(spells))
        });
        let figures = |said: &[RegimeEstimate]| allocation(said, market, |e| budget(label(e)));
        cells(&format!("turnover a year, {way}"), &runs, |said| {
            format!("{:.0} %", 100.0 * figures(said).turnover)
        });
        cells(&format!("growth; volatility; excess Sharpe; drawdown, {way}"), &runs, |s| {
            four(&figures(s))
        });
    }
    cells("growth; volatility; excess Sharpe; drawdown, index held", &runs, |said| {
        four(&allocation(said, market, |_| 1.0))
    });
    println!();
}

fn four(f: &Figures) -> String {
    format!(
        "{:.1} %; {:.1} %; {:.2}; {:.0} %",
        100.0 * f.growth,
        100.0 * f.volatility,
        f.sharpe,
        100.0 * f.drawdown
    )
}

/// Changes a year in parts of the span.
fn parts(runs: &[Run]) -> Outcome<()> {
    heading("", runs);
    for (first, last) in [
        (1996, 2001),
        (2002, 2007),
        (2008, 2013),
        (2014, 2018),
        (2019, 2022),
        (2023, 2024),
        (1996, 2022),
        (1996, 2024),
    ] {
        let (from, to) = (day(first, 1, 1)?, day(last, 12, 31)?);
        cells(&format!("{first} to {last}"), runs, |said| {
            let part = between(said, from, to);
            format!("{:.2} / {:.2}", changes(part, model), changes(part, full))
        });
    }
    println!();
    Ok(())
}

/// Changes a year, override included, when shocks are held for another number of sessions.
fn holds(market: &Market) -> Outcome<()> {
    println!(
        "| minimum hold, sessions | 1996 to 2022, raw | excess | 1996 to 2024, raw | excess |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for hold_min in [5, 8, 10, 12, 15, 21] {
        let mut line = [String::new(), String::new()];
        for excess in [false, true] {
            let params = DetectorParams::calibrated();
            let vix = VixParams { hold_min, ..params.vix.clone() };
            let said = market.judge(DetectorParams { vix, ..params }, excess)?;
            for (text, last) in line.iter_mut().zip([day(2022, 12, 31)?, market.last]) {
                let part = between(&said, day(1996, 1, 1)?, last);
                write!(text, " {:.2} |", changes(part, full))?;
            }
        }
        println!("| {hold_min} |{}", line.concat());
    }
    println!();
    Ok(())
}

fn regimes(said: &[RegimeEstimate], index: &Dated) {
    println!(
        "| regime (model alone) | share of days | next session: mean, annualised | volatility |"
    );
    println!("| --- | --- | --- | --- |");
    let next = |e: &RegimeEstimate| {
        let t = e.evidence.session;
        index.values.get(t + 1).map(|next| next / index.values[t] - 1.0)
    };
    for regime in Regime::ALL {
        let days: Vec<&RegimeEstimate> = said.iter().filter(|e| model(e) == regime).collect();
        let returns: Vec<f64> = days.iter().filter_map(|e| next(e)).collect();
        println!(
            "| {regime} | {:.0} % | {:+.1} % | {:.1} % |",
            100.0 * float(days.len()) / float(said.len()),
            100.0 * YEAR * mean(&returns),
            100.0 * YEAR.sqrt() * deviation(&returns)
        );
    }
    println!();
}

/// The regime's budget held from the next session but one, 10 basis points a side, the rest at the
/// bill.
fn allocation(
    said: &[RegimeEstimate],
    market: &Market,
    budget: impl Fn(&RegimeEstimate) -> f64,
) -> Figures {
    let held: Vec<f64> = said[..said.len() - 2].iter().map(budget).collect();
    let sessions = || said[2..].iter().map(|e| e.evidence.session);
    let closes = &market.index.values;
    let returns: Vec<f64> = sessions().map(|t| closes[t] / closes[t - 1] - 1.0).collect();
    let interest: Vec<f64> = sessions().map(|t| market.interest[t]).collect();
    Figures::of(&held, &returns, &interest, 0.001)
}

/// What the shock override alone did: the sessions on which it put the strategy that is fully
/// invested in bull and neutral, and out in bear and crash, out of an index the model would hold.
fn overrides(said: &[RegimeEstimate], index: &Dated) {
    let shocked = |e: &RegimeEstimate| e.evidence.decided_by == DecidedBy::VixShock;
    let shocks = said.windows(2).filter(|p| !shocked(&p[0]) && shocked(&p[1])).count()
        + usize::from(said.first().is_some_and(shocked));
    let days = said.iter().filter(|e| shocked(e)).count();
    // Signal of t, held from t + 2 on.
    let missed: Vec<f64> = said
        .iter()
        .filter(|e| shocked(e) && !defensive(e.evidence.model_regime))
        .filter_map(|e| {
            let t = e.evidence.session;
            index.values.get(t + 2).map(|close| close / index.values[t + 1] - 1.0)
        })
        .collect();
    let growth = missed.iter().fold(1.0, |all, r| all * (1.0 + r)) - 1.0;
    println!(
        "Shock override: {shocks} shocks, {days} sessions under it; on {} of them the model says \
         bull or neutral. A 0/1 strategy is out of the index then because of the override alone, \
         and the index makes {:+.1} % in all on the sessions the signals are held (mean {:+.3} % \
         a session, volatility {:.1} % a year, before costs).\n",
        missed.len(),
        100.0 * growth,
        100.0 * mean(&missed),
        100.0 * YEAR.sqrt() * deviation(&missed)
    );
    let crossed = |e: &&RegimeEstimate| {
        e.evidence.rungs.is_some_and(|r| r.windows(2).any(|p| p[0].total_cmp(&p[1]).is_ge()))
    };
    let exchanged = |e: &&RegimeEstimate| {
        e.evidence.model_age == 0 && matches!(e.evidence.naming, Naming::Exchanged { .. })
    };
    println!(
        "Sessions with rungs in one place: {}. Refits whose names disagree with the nearest \
         centres of the refit before: {}.\n",
        said.iter().filter(crossed).count(),
        said.iter().filter(exchanged).count()
    );
}

/// Peaks of the index before falls.
const PEAKS: [(i32, u32, u32); 7] = [
    (2000, 9, 1),
    (2007, 10, 9),
    (2011, 4, 29),
    (2015, 7, 20),
    (2018, 9, 20),
    (2020, 2, 19),
    (2022, 1, 3),
];

/// When falls were called, and what a strategy that is out of the index in bear and crash lost
/// from the peak to the low; by the model alone and with the override.
fn crises(runs: &[Run], index: &Dated) -> Outcome<()> {
    println!("First defensive label: sessions after the peak, index by then, part of the fall.\n");
    heading("fall from the peak to its lowest close", runs);
    let mut later = 0;
    fall_rows(runs, index, |said, from, (trough, depth), label| {
        let Some(found) = first(said, from, label) else { return "never".to_owned() };
        if found == from {
            return "already at the peak".to_owned();
        }
        let level = |t: usize| index.values[said[t].evidence.session];
        let down = level(found) / level(from) - 1.0;
        let late = if said[found].as_of > trough { ", **after the low**" } else { "" };
        format!("{}: {:+.1} %, {:.0} %{late}", found - from, 100.0 * down, 100.0 * down / depth)
    })?;
    for (year, month, date) in PEAKS {
        let peak = day(year, month, date)?;
        for (run, label) in runs.iter().flat_map(|run| [(run, model as Reading), (run, full)]) {
            let from = run.said.partition_point(|e| e.as_of < peak);
            later += usize::from(first(&run.said, from, label) != settled(&run.said, from, label));
        }
    }
    println!(
        "\nCells in which a settled label, ten of eleven defensive, begins on another session: \
         {later}.\n"
    );
    println!(
        "From the peak to the low: return of a strategy that holds the index in bull and neutral, \
         from t + 2 on, before costs and interest; sessions of the fall labelled defensive.\n"
    );
    heading("fall", runs);
    fall_rows(runs, index, |said, from, (trough, _), label| {
        let to = said.partition_point(|e| e.as_of <= trough);
        let held = (from + 1..to).filter(|t| !defensive(label(&said[*t - 2])));
        let growth = held.fold(1.0, |all, t| {
            let session = said[t].evidence.session;
            all * index.values[session] / index.values[session - 1]
        });
        let days = said[from..to].iter().filter(|e| defensive(label(e))).count();
        let share = 100.0 * float(days) / float(to - from);
        format!("{:+.1} %, {share:.0} %", 100.0 * (growth - 1.0))
    })?;
    println!();
    Ok(())
}

/// Two rows for every fall; a cell is made from what was said, where the peak is in it, date and
/// depth of the low, and the label.
fn fall_rows(
    runs: &[Run],
    index: &Dated,
    cell: impl Fn(&[RegimeEstimate], usize, (NaiveDate, f64), Reading) -> String,
) -> Outcome<()> {
    let ways: [(&str, Reading); 2] = [("model alone", model), ("override included", full)];
    for (year, month, date) in PEAKS {
        let peak = day(year, month, date)?;
        let (trough, depth) = fall(index, peak);
        for (way, label) in ways {
            let name = format!("{peak} to {trough} ({:.1} %), {way}", 100.0 * depth);
            cells(&name, runs, |said| {
                cell(said, said.partition_point(|e| e.as_of < peak), (trough, depth), label)
            });
        }
    }
    Ok(())
}

fn first(said: &[RegimeEstimate], from: usize, label: Reading) -> Option<usize> {
    (from..said.len()).find(|t| defensive(label(&said[*t])))
}

/// The first of ten defensive labels out of eleven: looks ten sessions ahead.
fn settled(said: &[RegimeEstimate], from: usize, label: Reading) -> Option<usize> {
    (from..said.len()).find(|t| {
        let ahead = &said[*t..(*t + 11).min(said.len())];
        defensive(label(&ahead[0])) && ahead.iter().filter(|e| defensive(label(e))).count() >= 10
    })
}

/// Date of the lowest close before the peak's level is seen again, and how deep it is.
fn fall(index: &Dated, peak: NaiveDate) -> (NaiveDate, f64) {
    let from = index.dates.partition_point(|d| *d < peak);
    let top = index.values[from];
    let under = (from + 1..index.values.len()).take_while(|t| index.values[*t] < top);
    let lowest = under.min_by(|a, b| index.values[*a].total_cmp(&index.values[*b]));
    let lowest = lowest.unwrap_or(from);
    (index.dates[lowest], index.values[lowest] / top - 1.0)
}

/// Defensive spells, and those during which the index did not fall.
fn false_alarms(said: &[RegimeEstimate], index: &Dated, label: Reading) -> (usize, usize) {
    let (mut spells, mut alarms, mut start) = (0, 0, None);
    for t in 0..said.len() {
        let now = defensive(label(&said[t]));
        match (now, start) {
            (true, None) => start = Some(t),
            (false, Some(first)) => {
                let level = |t: usize| index.values[said[t].evidence.session];
                spells += 1;
                alarms += usize::from(level(t) >= level(first));
                start = None;
            }
            _ => {}
        }
    }
    (spells, alarms)
}
