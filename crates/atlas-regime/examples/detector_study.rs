//! Both profiles of the detector on the S&P 500 from 1996: how often labels change, what each
//! regime was like, how long crises took to be seen, what the shock rule earned.
//!
//! `cargo run --release -p atlas-regime --example detector_study [DATA]` prints Markdown;
//! `docs/studies/regime-detector.md` quotes it.

#![expect(clippy::print_stdout, reason = "a study prints its report")]

mod support;

use atlas_core::Regime;
use atlas_regime::{
    DecidedBy, Detector, DetectorParams, Inputs, Naming, RegimeEstimate, VixPolicy,
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

fn main() -> Outcome<()> {
    let root = data_folder();
    let start = day(1990, 1, 2)?;
    let index = Dated::read(&root.join("daily/SPX.csv.gz"), "close")?.since(start);
    let vix = Dated::read(&root.join("daily/VIX.csv.gz"), "close")?;
    let last = *index.dates.last().ok_or("an empty index")?;
    println!("S&P 500 price index from {start}, judged daily 1996-01-02 to {last}, raw returns.\n");
    for (name, params) in
        [("seed", DetectorParams::seed()), ("calibrated", DetectorParams::calibrated())]
    {
        // A VIX close is missing on four sessions; they are judged without the shock rule.
        let params = DetectorParams { vix_missing: VixPolicy::CarryOn, ..params };
        let detector = Detector::new(params.check()?);
        let inputs =
            Inputs { index: index.series(), vix: Some(vix.series()), rate: None, as_of: last };
        let said = detector.history(&inputs, day(1996, 1, 2)?)?;
        println!("## Profile {name}\n");
        report(&said, &index)?;
    }
    Ok(())
}

fn report(said: &[RegimeEstimate], index: &Dated) -> Outcome<()> {
    let model: Reading = |e| e.evidence.model_regime;
    let full: Reading = |e| e.regime;
    let years = float(said.len()) / YEAR;
    let changes = |label: Reading| {
        let changed = said.windows(2).filter(|p| label(&p[0]) != label(&p[1])).count();
        float(changed) / years
    };
    let states = said.windows(2).filter(|p| p[0].evidence.state != p[1].evidence.state).count();
    println!(
        "Changes a year: two states {:.1}, four regimes {:.1}, with the shock override {:.1}.\n",
        float(states) / years,
        changes(model),
        changes(full)
    );
    println!("| regime | share of days | next session: mean, annualised | volatility |");
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
    allocation(said, index, model, full);
    overrides(said, index);
    crises(said, index)?;
    false_alarms(said, index);
    Ok(())
}

/// The regime's budget held from the next session but one, 10 basis points a side.
fn allocation(said: &[RegimeEstimate], index: &Dated, model: Reading, full: Reading) {
    let ways: [(&str, Reading); 2] = [("regimes", model), ("with shock override", full)];
    println!(
        "\n| budget 100/70/30/0 from t + 2 | growth | vol | Sharpe (zero rate) | drawdown | turnover | exposure |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let returns: Vec<f64> = said[2..]
        .iter()
        .map(|e| index.values[e.evidence.session] / index.values[e.evidence.session - 1] - 1.0)
        .collect();
    let cash = vec![0.0; returns.len()];
    for (name, label) in ways {
        let held: Vec<f64> = said.iter().map(|e| budget(label(e))).collect();
        let figures = Figures::of(&held[..returns.len()], &returns, &cash, 0.001);
        println!("{}", figures.row(name, ""));
    }
    let whole = vec![1.0; returns.len()];
    println!("{}\n", Figures::of(&whole, &returns, &cash, 0.0).row("index held", ""));
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

/// Sessions from the index's peak to the first of ten defensive labels out of eleven.
fn crises(said: &[RegimeEstimate], index: &Dated) -> Outcome<()> {
    println!("| fall from the peak on | bear or crash since | sessions | index down by then |");
    println!("| --- | --- | --- | --- |");
    for (year, month, date) in [
        (2000, 9, 1),
        (2007, 10, 9),
        (2011, 4, 29),
        (2015, 7, 20),
        (2018, 9, 20),
        (2020, 2, 19),
        (2022, 1, 3),
    ] {
        let peak = day(year, month, date)?;
        let from = said.partition_point(|e| e.as_of < peak);
        let settled = |t: &usize| {
            let ahead = &said[*t..(*t + 11).min(said.len())];
            defensive(ahead[0].evidence.model_regime)
                && ahead.iter().filter(|e| defensive(e.evidence.model_regime)).count() >= 10
        };
        let Some(found) = (from..said.len()).find(settled) else { continue };
        let level = |t: usize| index.values[said[t].evidence.session];
        println!(
            "| {peak} | {} | {} | {:.1} % |",
            said[found].as_of,
            found - from,
            100.0 * (level(found) / level(from) - 1.0)
        );
    }
    println!();
    Ok(())
}

/// Defensive spells (model, without override) during which the index did not fall.
fn false_alarms(said: &[RegimeEstimate], index: &Dated) {
    let (mut spells, mut alarms, mut start) = (0, 0, None);
    for t in 0..said.len() {
        let now = defensive(said[t].evidence.model_regime);
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
    println!(
        "Defensive spells: {spells}, of which {alarms} ended with the index no lower (false alarms).\n"
    );
}
