//! The 0/1 strategy of Shu, Yu and Mulvey (2024) on the S&P 500 total-return index: their strict
//! protocol from its first valid day, a shortened one, and what it has to beat.
//!
//! `cargo run --release -p atlas-regime --example zero_one_study [DATA]` prints Markdown;
//! `docs/studies/zero-one-strategy.md` quotes it.

#![expect(clippy::print_stdout, reason = "a study prints its report")]

mod support;

use atlas_regime::hmm::{HmmFilter, HmmModel, HmmParams};
use atlas_regime::rolling::{RollingDetector, RollingParams};
use atlas_regime::{MarketState, Mt19937, RateQuote, Rows, accrued_interest, simple_returns};
use chrono::NaiveDate;
use support::{Dated, Figures, Outcome, YEAR, data_folder, deviation, float, mean};

/// Candidate penalties; the paper does not publish its own.
const PENALTIES: [f64; 10] = [5.0, 10.0, 15.0, 25.0, 35.0, 50.0, 70.0, 100.0, 150.0, 220.0];
/// Cost of a change, one way.
const COST: f64 = 0.001;

/// Returns and interest of every session, and positions decided elsewhere.
struct Market {
    index: Dated,
    returns: Vec<f64>,
    interest: Vec<f64>,
}

impl Market {
    fn read() -> Outcome<Self> {
        let root = data_folder();
        let first = NaiveDate::from_ymd_opt(1990, 1, 2).ok_or("a date")?;
        let index = Dated::read(&root.join("daily/SPXTR.csv.gz"), "close")?.since(first);
        let bill = Dated::read(&root.join("rates/DTB3.csv.gz"), "rate_pct")?;
        let interest =
            accrued_interest(&index.dates, &bill.dates, &bill.values, RateQuote::Discount)?;
        Ok(Self { returns: simple_returns(&index.values), index, interest })
    }

    /// Figures of positions from session `from` on; `positions[t]` is held in session t.
    fn figures(&self, positions: &[f64], from: usize) -> Figures {
        Figures::of(&positions[from..], &self.returns[from..], &self.interest[from..], COST)
    }
}

/// Per session: state under the chosen penalty and under every candidate, where known.
struct States {
    chosen: Vec<Option<u8>>,
    candidates: Vec<Option<Vec<u8>>>,
}

fn roll(market: &Market, params: RollingParams) -> Outcome<States> {
    let mut detector = RollingDetector::new(params.check()?)?;
    let mut out = States { chosen: Vec::new(), candidates: Vec::new() };
    for t in 0..market.index.dates.len() {
        let said =
            detector.push(market.index.dates[t], market.index.values[t], market.interest[t])?;
        let state = said.as_ref().and_then(|e| e.state).map(|s| u8::from(s == MarketState::Bear));
        out.chosen.push(state);
        out.candidates.push(said.map(|e| e.candidates));
    }
    Ok(out)
}

/// A state of session t is held from t + 2 on; all in before any is known.
fn hold(states: impl Iterator<Item = Option<u8>>) -> Vec<f64> {
    let mut out = vec![1.0; 2];
    out.extend(states.map(|s| if s == Some(1) { 0.0 } else { 1.0 }));
    out
}

fn shifts_and_bears(states: &[u8]) -> (f64, f64) {
    let shifts = states.windows(2).filter(|p| p[0] != p[1]).count();
    let bears: f64 = states.iter().map(|s| f64::from(*s)).sum();
    (float(shifts) * YEAR / float(states.len()), bears / float(states.len()))
}

fn main() -> Outcome<()> {
    let market = Market::read()?;
    let n = market.index.dates.len();
    println!(
        "S&P 500 total return, 1990-01-02 to {}, three-month bill (DTB3, bond-equivalent), \
         signal of t held from t + 2, 10 basis points a side, penalties {PENALTIES:?}.\n",
        market.index.dates[n - 1]
    );
    let head = "| growth | vol | Sharpe | drawdown | turnover | exposure |";
    let strict = RollingParams { warm_up: 60, ..RollingParams::paper(PENALTIES.to_vec()) };
    let short = RollingParams { lookback: 1000, validation: 1008, ..strict.clone() };
    for (title, params) in [
        ("Strict protocol: 3 000 rows, eight years of validation", strict),
        ("Shortened variant: 1 000 rows, four years of validation", short),
    ] {
        let states = roll(&market, params.clone())?;
        let first = states.chosen.iter().position(Option::is_some).ok_or("never valid")? + 2;
        println!("## {title}, valid from {}\n", market.index.dates[first]);
        println!("| strategy {head} shifts a year | bear share |");
        println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        let held = hold(states.chosen.iter().copied());
        let (shifts, bears) =
            shifts_and_bears(&states.chosen.iter().flatten().copied().collect::<Vec<u8>>());
        let more = format!(" {shifts:.1} | {:.0} % |", 100.0 * bears);
        let figures = market.figures(&held[..n], first);
        println!("{}", figures.row("jump model, chosen penalty", &more));
        hidden_markov(&market, &params, first)?;
        nulls(&market, &held[..n], &figures, first);
        println!("\n### By fixed penalty, from the first refit\n");
        println!("| penalty {head} shifts a year | bear share |");
        println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        let first = states.candidates.iter().position(Option::is_some).ok_or("no refit")? + 2;
        for (i, penalty) in PENALTIES.iter().enumerate() {
            let one: Vec<Option<u8>> =
                states.candidates.iter().map(|c| c.as_ref().map(|c| c[i])).collect();
            let (shifts, bears) =
                shifts_and_bears(&one.iter().flatten().copied().collect::<Vec<_>>());
            let more = format!(" {shifts:.1} | {:.0} % |", 100.0 * bears);
            let held = hold(one.into_iter());
            println!("{}", market.figures(&held[..n], first).row(&penalty.to_string(), &more));
        }
        println!();
    }
    Ok(())
}

/// Two Gaussian states on log returns, refitted with the jump model on as many rows; the state is
/// the last one of the most likely path.
fn hidden_markov(market: &Market, params: &RollingParams, first: usize) -> Outcome<()> {
    let n = market.returns.len();
    let logs: Vec<f64> = market.returns.iter().map(|r| (1.0 + r).ln()).collect();
    let mut states = vec![None; n];
    let mut refit = first / params.refit_every * params.refit_every;
    while refit < n {
        let sample = &logs[refit - params.lookback..refit];
        let fit = HmmParams { iterations_max: 200, ..HmmParams::default() }
            .check()?
            .fit(Rows::new(sample, 1)?)?;
        let model: HmmModel = fit.model;
        let mut filter = HmmFilter::new(&model)?;
        for r in sample {
            filter.push(&[*r])?;
        }
        for t in refit..n.min(refit + params.refit_every) {
            filter.push(&[logs[t]])?;
            states[t] = Some(u8::from(filter.viterbi_state() == 1));
        }
        refit += params.refit_every;
    }
    let known: Vec<u8> = states[first..].iter().flatten().copied().collect();
    let (shifts, bears) = shifts_and_bears(&known);
    let held = hold(states.into_iter());
    let more = format!(" {shifts:.1} | {:.0} % |", 100.0 * bears);
    println!("{}", market.figures(&held[..n], first).row("hidden Markov model", &more));
    Ok(())
}

/// What the strategy has to beat.
fn nulls(market: &Market, held: &[f64], found: &Figures, first: usize) {
    let n = held.len();
    let show = |name: &str, positions: &[f64]| {
        println!("{}", market.figures(positions, first).row(name, " | |"));
    };
    show("index held", &vec![1.0; n]);
    show("constant exposure, same average", &vec![found.exposure; n]);
    let mut average = vec![1.0; n];
    for (t, position) in average.iter_mut().enumerate().skip(202) {
        let sma = mean(&market.index.values[t - 201..t - 1]);
        *position = if market.index.values[t - 2] > sma { 1.0 } else { 0.0 };
    }
    show("above its 200-session average", &average);
    let mut target = vec![1.0; n];
    for (t, position) in target.iter_mut().enumerate().skip(62) {
        let volatility = deviation(&market.returns[t - 61..t - 1]) * YEAR.sqrt();
        *position = (0.12 / volatility).min(1.0);
    }
    show("volatility target 12 %", &target);
    let (better, median) = permuted(market, held, found.sharpe, first);
    println!(
        "\nSpells in random order (1 000 times): median Sharpe {median:.2}; {:.1} % reach the \
         strategy's.",
        100.0 * better
    );
}

/// The same spells in and out of the market in random order.
fn permuted(market: &Market, held: &[f64], sharpe: f64, first: usize) -> (f64, f64) {
    let mut spells: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
    let mut length = 0;
    for t in first..held.len() {
        length += 1;
        let ends = held.get(t + 1).is_none_or(|next| (next - held[t]).abs() > 0.5);
        if ends {
            spells[usize::from(held[t] < 0.5)].push(length);
            length = 0;
        }
    }
    let starts_out = usize::from(held[first] < 0.5);
    let mut rng = Mt19937::new(1);
    let mut ratios = Vec::new();
    for _ in 0..1000 {
        for side in &mut spells {
            for i in (1..side.len()).rev() {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "below i + 1"
                )]
                let j = (rng.next_f64() * float(i + 1)) as usize;
                side.swap(i, j);
            }
        }
        let mut positions = vec![1.0; first];
        let (mut next, mut side) = ([0, 0], starts_out);
        while let Some(&length) = spells[side].get(next[side]) {
            let position = if side == 0 { 1.0 } else { 0.0 };
            positions.extend(std::iter::repeat_n(position, length));
            next[side] += 1;
            side = 1 - side;
        }
        positions.resize(held.len(), 1.0);
        ratios.push(market.figures(&positions, first).sharpe);
    }
    ratios.sort_by(f64::total_cmp);
    let better = ratios.iter().filter(|r| **r >= sharpe).count();
    (float(better) / 1000.0, ratios[500])
}
