//! Both profiles of the detector on the S&P 500 from 1996, on raw returns and in excess of the
//! bill: how often labels change, what each regime was like, how long falls took to be seen with
//! and without the shock rule, what a follower lost in them, what that rule earned, and how
//! settings chosen on one half of the span fare on the other.
//!
//! `cargo run --release -p atlas-regime --example detector_study [DATA]` prints Markdown;
//! `docs/studies/regime-detector.md` quotes it.

#![expect(clippy::print_stdout, reason = "a study prints its report")]

mod support;

use atlas_core::Regime;
use atlas_regime::{DecidedBy, DetectorParams, Naming, RegimeEstimate, VixEvidence};
use chrono::NaiveDate;
use support::falls::{Called, Fall};
use support::halves::{halves, neighbours};
use support::labels::{
    Market, Reading, Run, WAYS, between, budget, changes, day, defensive, full, model,
};
use support::{Dated, Figures, Outcome, YEAR, deviation, float, mean};

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
    let without_vix = |e: &&RegimeEstimate| matches!(e.evidence.vix, VixEvidence::Missing { .. });
    println!(
        "S&P 500 price index from {}, judged daily 1996-01-02 to {}; raw returns, and in excess \
         of DTB3 (a discount rate). Cash earns DTB3 in all of them. Sessions without a VIX close: \
         {}.\n",
        market.index.dates[0],
        market.last,
        runs[0].said.iter().filter(without_vix).count()
    );
    for last in [day(2022, 12, 31)?, market.last] {
        println!("## 1996-01-02 to {last}\n");
        side_by_side(&runs, &market, last);
    }
    println!("## Changes of the four-regime label a year, without / with the override\n");
    parts(&runs)?;
    println!("## How falls were called\n");
    falls(&runs, &market)?;
    println!("## Chosen on one half, shown on the other\n");
    halves(&market)?;
    println!("## One setting changed at a time, override included\n");
    neighbours(&market)?;
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
    for (way, label) in WAYS {
        cells(&format!("changes a year: four regimes, {way}"), &runs, |said| {
            format!("{:.2}", changes(said, label))
        });
        cells(&format!("days called bear or crash, {way}"), &runs, |said| {
            let days = said.iter().filter(|e| defensive(label(e))).count();
            format!("{:.0} %", 100.0 * float(days) / float(said.len()))
        });
        cells(&format!("defensive spells, of which false alarms, {way}"), &runs, |said| {
            let (spells, alarms) = market.false_alarms(said, label);
            format!("{spells}, {alarms} ({:.0} %)", 100.0 * float(alarms) / float(spells))
        });
        let figures = |said: &[RegimeEstimate]| market.allocation(said, |e| budget(label(e)));
        cells(&format!("turnover a year, {way}"), &runs, |said| {
            format!("{:.0} %", 100.0 * figures(said).turnover)
        });
        cells(&format!("growth; volatility; excess Sharpe; drawdown, {way}"), &runs, |s| {
            four(&figures(s))
        });
    }
    cells("growth; volatility; excess Sharpe; drawdown, index held", &runs, |said| {
        four(&market.allocation(said, |_| 1.0))
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

/// When falls were called, and what a follower of the budget lost in them.
fn falls(runs: &[Run], market: &Market) -> Outcome<()> {
    let falls = Fall::all(&market.index)?;
    let rows = |cell: &dyn Fn(&Fall, &[RegimeEstimate], Reading) -> String| {
        for fall in &falls {
            for (way, label) in WAYS {
                cells(&format!("{}, {way}", fall.name()), runs, |said| cell(fall, said, label));
            }
        }
        println!();
    };
    println!("First defensive label: sessions after the peak, index by then, part of the fall.\n");
    heading("fall from the peak to its lowest close", runs);
    rows(&|fall, said, label| match fall.called(market, said, label) {
        Called::Never => "never".to_owned(),
        Called::Before => "already at the peak".to_owned(),
        Called::After { sessions, part, down, too_late } => {
            let late = if too_late { ", **after the low**" } else { "" };
            format!("{sessions}: {:+.1} %, {:.0} %{late}", 100.0 * down, 100.0 * part)
        }
    });
    let flickers = runs.iter().map(|run| {
        let ways = falls.iter().flat_map(|fall| WAYS.map(|(_, label)| (fall, label)));
        ways.filter(|(fall, label)| fall.flickers(&run.said, *label)).count()
    });
    println!(
        "Cells in which a settled label, ten of eleven defensive, begins on another session: \
         {}.\n",
        flickers.sum::<usize>()
    );
    println!(
        "Return of a follower of the budget 100/70/30/0 from the peak to the low, from t + 2 on, \
         before costs and interest; the same as a part of the index's loss; sessions of the fall \
         labelled defensive.\n"
    );
    heading("fall", runs);
    rows(&|fall, said, label| {
        format!(
            "{:+.1} %, {:.0} %; {:.0} %",
            100.0 * fall.followed(market, said, label),
            100.0 * fall.suffered(market, said, label),
            100.0 * fall.covered(said, label)
        )
    });
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
