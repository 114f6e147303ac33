//! Settings chosen on one half of the span and shown on the other.

#![expect(clippy::print_stdout, reason = "prints a part of a study")]

use atlas_regime::{DetectorParams, LadderParams, RegimeEstimate, RegimeRule, VixParams};
use chrono::NaiveDate;
use rayon::prelude::*;

use super::falls::{Called, Fall};
use super::labels::{Market, Reading, WAYS, between, budget, changes, day, full};
use super::{Outcome, mean};

/// What is varied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    pub lookback: usize,
    /// Of the state.
    pub penalty: f64,
    pub label_penalty: f64,
    pub neutral_quantile: f64,
    pub bear_quantile: f64,
    pub crash_quantile: f64,
    pub hold_min: u32,
    pub refit_every: usize,
}

/// The default profile.
pub const DEFAULT: Setting = Setting {
    lookback: 2000,
    penalty: 35.0,
    label_penalty: 50.0,
    neutral_quantile: 0.95,
    bear_quantile: 0.50,
    crash_quantile: 0.98,
    hold_min: 18,
    refit_every: 126,
};

/// The default profile before it was chosen anew.
pub const FORMER: Setting =
    Setting { lookback: 3000, penalty: 50.0, crash_quantile: 0.95, hold_min: 10, ..DEFAULT };

impl Setting {
    fn params(self) -> DetectorParams {
        let calibrated = DetectorParams::calibrated();
        let ladder = LadderParams {
            penalty: self.label_penalty,
            neutral_quantile: self.neutral_quantile,
            bear_quantile: self.bear_quantile,
            crash_quantile: self.crash_quantile,
            ..LadderParams::default()
        };
        DetectorParams {
            penalty: self.penalty,
            lookback: self.lookback,
            refit_every: self.refit_every,
            rule: RegimeRule::Ladder(ladder),
            vix: VixParams { hold_min: self.hold_min, ..calibrated.vix },
            ..calibrated
        }
    }

    fn name(self) -> String {
        let Self { lookback, penalty, label_penalty, crash_quantile, hold_min, .. } = self;
        format!(
            "{lookback} rows, λ {penalty}, label {label_penalty}, crash {crash_quantile}, hold \
             {hold_min}"
        )
    }
}

/// One setting on raw returns and in excess of the bill.
pub struct Tried {
    pub setting: Setting,
    bases: [Vec<RegimeEstimate>; 2],
}

impl Tried {
    fn all(market: &Market, settings: &[Setting]) -> Outcome<Vec<Self>> {
        let one = |setting: &Setting| {
            let said = |excess| market.judge(setting.params(), excess).map_err(|e| e.to_string());
            Ok(Self { setting: *setting, bases: [said(false)?, said(true)?] })
        };
        let tried: Result<Vec<Self>, String> = settings.par_iter().map(one).collect();
        Ok(tried?)
    }

    /// Changes a year on either basis, override included.
    fn changes(&self, (first, last): (NaiveDate, NaiveDate)) -> [f64; 2] {
        [0, 1].map(|i| changes(between(&self.bases[i], first, last), full))
    }

    /// Excess Sharpe ratio of a follower of the budget, mean of both bases.
    fn sharpe(&self, market: &Market, half: &Half, label: Reading) -> f64 {
        let of = |said: &Vec<_>| {
            let part = between(said, half.span.0, half.span.1);
            market.allocation(part, |e| budget(label(e))).sharpe
        };
        mean(&self.bases.iter().map(of).collect::<Vec<_>>())
    }

    /// What a follower of the budget lost in the falls of a half as a part of what the index lost,
    /// mean of falls and bases.
    fn suffered(&self, market: &Market, half: &Half, label: Reading) -> f64 {
        let falls = half.falls.iter();
        let of = |fall: &Fall| [0, 1].map(|i| fall.suffered(market, &self.bases[i], label));
        mean(&falls.flat_map(of).collect::<Vec<_>>())
    }
}

/// A part of the span with the falls in it.
struct Half {
    name: &'static str,
    span: (NaiveDate, NaiveDate),
    falls: Vec<Fall>,
}

impl Half {
    fn both(market: &Market) -> Outcome<[Self; 2]> {
        let falls = Fall::all(&market.index)?;
        let half = |name, from, to| -> Outcome<Self> {
            let span = (day(from, 1, 1)?, day(to, 12, 31)?);
            let falls = falls.iter().filter(|f| f.peak >= span.0 && f.peak <= span.1);
            Ok(Self { name, span, falls: falls.copied().collect() })
        };
        Ok([half("1996 to 2010", 1996, 2010)?, half("2011 to 2022", 2011, 2022)?])
    }
}

/// Four figures of a setting: Sharpe ratio and part suffered, in either half.
type Row = [f64; 4];

/// Chooses among settings on one half and shows what was chosen on the other.
pub fn halves(market: &Market) -> Outcome<()> {
    let mut settings = Vec::new();
    for lookback in [1500, 2000, 2500, 3000] {
        for penalty in [20.0, 35.0, 50.0] {
            for label_penalty in [35.0, 50.0, 70.0] {
                for crash_quantile in [0.80, 0.95, 0.98] {
                    let own = Setting { lookback, penalty, ..DEFAULT };
                    settings.push(Setting { label_penalty, crash_quantile, ..own });
                }
            }
        }
    }
    let tried = Tried::all(market, &settings)?;
    let former = Setting { hold_min: 18, ..FORMER };
    let extra = Tried::all(market, &[DEFAULT, FORMER, former])?;
    let span = (day(1996, 1, 1)?, day(2022, 12, 31)?);
    let halves = Half::both(market)?;
    let allowed = |t: &&Tried| t.changes(span).iter().all(|c| *c <= 6.0);
    let kept: Vec<&Tried> = tried.iter().filter(allowed).collect();
    println!("{} settings, {} of them with at most six changes a year.\n", tried.len(), kept.len());
    for (way, label) in WAYS {
        println!("### {way}\n");
        let row = |t: &Tried| -> Row {
            let [a, b] = &halves;
            let sharpe = |half| t.sharpe(market, half, label);
            let suffered = |half| t.suffered(market, half, label);
            [sharpe(a), sharpe(b), suffered(a), suffered(b)]
        };
        let all: Vec<Row> = tried.iter().map(row).collect();
        let rows: Vec<Row> = kept.iter().map(|t| row(t)).collect();
        println!(
            "Rank correlation of the halves over all settings: Sharpe ratio {:+.2}, part suffered \
             {:+.2}.\n",
            rank_correlation(&all, 0, 1),
            rank_correlation(&all, 2, 3)
        );
        println!(
            "| setting | Sharpe 1996 to 2010 | 2011 to 2022 | part of the falls suffered 1996 to \
             2010 | 2011 to 2022 | changes a year 1996 to 2022, raw, excess |"
        );
        println!("| --- |{}", " --- |".repeat(5));
        for (column, half) in (0..4).map(|c| (c, &halves[c % 2])) {
            let best = |i: &usize| if column < 2 { -rows[*i][column] } else { rows[*i][column] };
            let chosen = (0..rows.len()).min_by(|i, j| best(i).total_cmp(&best(j)));
            let Some(chosen) = chosen else { continue };
            let by = if column < 2 { "Sharpe" } else { "falls" };
            let name = format!("best by {by} in {}: {}", half.name, kept[chosen].setting.name());
            print_row(&name, rows[chosen], kept[chosen].changes(span));
        }
        for (name, t) in
            ["**default**", "former default", "former default, hold 18"].iter().zip(&extra)
        {
            print_row(&format!("{name}: {}", t.setting.name()), row(t), t.changes(span));
        }
        let middle = |column: usize| {
            let mut values: Vec<f64> = rows.iter().map(|r| r[column]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let [a, b, c, d] = [0, 1, 2, 3].map(middle);
        println!("| median of those kept | {a:.2} | {b:.2} | {c:.2} | {d:.2} | |\n");
    }
    Ok(())
}

fn print_row(name: &str, [a, b, c, d]: Row, [raw, excess]: [f64; 2]) {
    println!("| {name} | {a:.2} | {b:.2} | {c:.2} | {d:.2} | {raw:.2}, {excess:.2} |");
}

/// Spearman's, without care for ties, of which floats have none to speak of.
fn rank_correlation(rows: &[Row], a: usize, b: usize) -> f64 {
    let ranks = |column: usize| {
        let below = |x: f64| super::float(rows.iter().filter(|r| r[column] < x).count());
        rows.iter().map(|r| below(r[column])).collect::<Vec<_>>()
    };
    let (x, y) = (ranks(a), ranks(b));
    let (mx, my) = (mean(&x), mean(&y));
    let product = |p: &[f64], mp: f64, q: &[f64], mq: f64| -> f64 {
        p.iter().zip(q).map(|(p, q)| (p - mp) * (q - mq)).sum()
    };
    product(&x, mx, &y, my) / (product(&x, mx, &x, mx) * product(&y, my, &y, my)).sqrt()
}

/// The default with one setting changed at a time.
pub fn neighbours(market: &Market) -> Outcome<()> {
    let mut changed = vec![("default".to_owned(), DEFAULT)];
    for hold_min in [5, 10, 15, 21] {
        changed.push((format!("minimum hold {hold_min}"), Setting { hold_min, ..DEFAULT }));
    }
    for penalty in [20.0, 30.0, 40.0, 50.0, 70.0] {
        changed.push((format!("λ of the state {penalty}"), Setting { penalty, ..DEFAULT }));
    }
    for label_penalty in [20.0, 35.0, 40.0, 60.0, 70.0] {
        let name = format!("λ of the label {label_penalty}");
        changed.push((name, Setting { label_penalty, ..DEFAULT }));
    }
    for lookback in [1500, 1750, 2250, 2500, 3000] {
        changed.push((format!("{lookback} rows"), Setting { lookback, ..DEFAULT }));
    }
    for q in [0.80, 0.90, 0.95, 1.0] {
        changed.push((format!("crash quantile {q}"), Setting { crash_quantile: q, ..DEFAULT }));
    }
    for q in [0.80, 0.90, 0.98] {
        changed.push((format!("neutral quantile {q}"), Setting { neutral_quantile: q, ..DEFAULT }));
    }
    for q in [0.35, 0.60] {
        changed.push((format!("bear quantile {q}"), Setting { bear_quantile: q, ..DEFAULT }));
    }
    for refit_every in [21, 63, 252] {
        changed.push((format!("refit every {refit_every}"), Setting { refit_every, ..DEFAULT }));
    }
    changed.push(("former default".to_owned(), FORMER));
    let settings: Vec<Setting> = changed.iter().map(|(_, setting)| *setting).collect();
    let tried = Tried::all(market, &settings)?;
    let falls = Fall::all(&market.index)?;
    println!(
        "| | changes a year | Sharpe | 2008: called | suffered | 2020: called | suffered | 2022: called | suffered |"
    );
    println!("| --- |{}", " --- |".repeat(8));
    let span = (day(1996, 1, 1)?, day(2022, 12, 31)?);
    let whole = Half { name: "", span, falls: Vec::new() };
    for ((name, _), t) in changed.iter().zip(&tried) {
        let [raw, excess] = t.changes(span);
        print!("| {name} | {raw:.2}, {excess:.2} | {:.2} |", t.sharpe(market, &whole, full));
        for fall in [2, 6, 7].map(|i| &falls[i]) {
            let called = [0, 1].map(|i| match fall.called(market, &t.bases[i], full) {
                Called::Before => "before".to_owned(),
                Called::After { sessions, part, .. } => {
                    format!("{sessions} ({:.0} %)", 100.0 * part)
                }
                Called::Never => "never".to_owned(),
            });
            let part =
                [0, 1].map(|i| format!("{:.0}", 100.0 * fall.suffered(market, &t.bases[i], full)));
            print!(" {} | {} % |", called.join(", "), part.join(", "));
        }
        println!();
    }
    println!();
    Ok(())
}
