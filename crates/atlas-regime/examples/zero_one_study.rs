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
/// The penalty of the detector's default profile.
const DEFAULT: f64 = 50.0;
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

impl States {
    /// States under one fixed penalty.
    fn fixed(&self, candidate: usize) -> Vec<Option<u8>> {
        self.candidates.iter().map(|all| all.as_ref().map(|all| all[candidate])).collect()
    }
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
    let strict = RollingParams { warm_up: 60, ..RollingParams::paper(PENALTIES.to_vec()) };
    let short = RollingParams { lookback: 1000, validation: 1008, ..strict.clone() };
    for (title, params) in [
        ("Strict protocol: 3 000 rows, eight years of validation", strict),
        ("Shortened variant: 1 000 rows, four years of validation", short),
    ] {
        println!("## {title}\n");
        let states = roll(&market, params.clone())?;
        let chosen = states.chosen.iter().position(Option::is_some).ok_or("never valid")? + 2;
        let refit = states.candidates.iter().position(Option::is_some).ok_or("no refit")? + 2;
        let dates = &market.index.dates;
        println!("### From the first chosen penalty, {}\n", dates[chosen]);
        table(&market, &states, &params, (chosen, true))?;
        println!("### From the first refit, {}\n", dates[refit]);
        table(&market, &states, &params, (refit, false))?;
        println!("### From the first refit to the first chosen penalty, Sharpe ratios only\n");
        early(&market, &states, (refit, chosen));
    }
    Ok(())
}

/// Everything over one span: the chosen penalty if there is one, every fixed penalty, the hidden
/// Markov model and the null models.
fn table(
    market: &Market,
    states: &States,
    params: &RollingParams,
    (first, with_chosen): (usize, bool),
) -> Outcome<()> {
    println!(
        "| strategy | growth | vol | Sharpe | drawdown | turnover | exposure | shifts a year | \
         bear share | own spells at random: median Sharpe | reach it |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut exposures = Vec::new();
    if with_chosen {
        let figures = timed(market, "jump model, chosen penalty", &states.chosen, first);
        exposures.push(("chosen penalty".to_owned(), figures.exposure));
    }
    for (i, penalty) in PENALTIES.iter().enumerate() {
        let figures =
            timed(market, &format!("jump model, penalty {penalty}"), &states.fixed(i), first);
        if (penalty - DEFAULT).abs() < 0.5 {
            exposures.push((format!("penalty {penalty}"), figures.exposure));
        }
    }
    let markov = hidden_markov(market, params, first)?;
    timed(market, "hidden Markov model", &markov, first);
    nulls(market, &exposures, first);
    println!();
    Ok(())
}

/// One row: positions that follow states, beside their own spells in random order.
fn timed(market: &Market, name: &str, states: &[Option<u8>], first: usize) -> Figures {
    let held = hold(states.iter().copied());
    let held = &held[..states.len()];
    let known: Vec<u8> = states[first - 2..].iter().flatten().copied().collect();
    let (shifts, bears) = shifts_and_bears(&known);
    let figures = market.figures(held, first);
    let (better, median) = permuted(market, held, figures.sharpe, first);
    let more =
        format!(" {shifts:.1} | {:.0} % | {median:.2} | {:.1} % |", 100.0 * bears, 100.0 * better);
    println!("{}", figures.row(name, &more));
    figures
}

/// The sessions that only the longer span has, where the fixed penalties earn what the chosen one
/// cannot.
fn early(market: &Market, states: &States, (from, to): (usize, usize)) {
    let sharpe = |held: &[f64]| {
        let of = |all: &[f64]| all[from..to].to_vec();
        Figures::of(&of(held), &of(&market.returns), &of(&market.interest), COST).sharpe
    };
    print!("Index held {:.2}", sharpe(&vec![1.0; market.returns.len()]));
    for (i, penalty) in PENALTIES.iter().enumerate() {
        print!("; penalty {penalty}: {:.2}", sharpe(&hold(states.fixed(i).into_iter())));
    }
    println!(".\n");
}

/// Two Gaussian states on log returns, refitted with the jump model on as many rows; the state is
/// the last one of the most likely path.
fn hidden_markov(
    market: &Market,
    params: &RollingParams,
    first: usize,
) -> Outcome<Vec<Option<u8>>> {
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
    Ok(states)
}

/// What the strategy has to beat.
fn nulls(market: &Market, exposures: &[(String, f64)], first: usize) {
    let n = market.returns.len();
    let show = |name: &str, positions: &[f64]| {
        println!("{}", market.figures(positions, first).row(name, " | | | |"));
    };
    show("index held", &vec![1.0; n]);
    for (whose, exposure) in exposures {
        show(&format!("constant exposure, average of {whose}"), &vec![*exposure; n]);
    }
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
