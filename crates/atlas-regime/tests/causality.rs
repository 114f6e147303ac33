//! No output up to a session may depend on a later one; and the check that says so is itself
//! checked on rules that leak.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use atlas_regime::continuous::{ContinuousFilter, ContinuousModel, ContinuousParams};
use atlas_regime::hmm::{HmmFilter, HmmModel};
use atlas_regime::rolling::{RollingDetector, RollingParams};
use atlas_regime::sparse::SparseParams;
use atlas_regime::{
    Clipper, Dated, Detector, DetectorParams, DetectorStream, Feature, FeatureStream, Filter,
    FitOptions, Inputs, JumpModel, JumpParams, PenaltyChoice, RateQuote, Rows, Scaler,
    SessionClose, SlidingFilter, Trend, VixParams, VixPolicy, VixRule, accrued_interest,
    simple_returns,
};
use chrono::NaiveDate;
use proptest::prelude::*;
use support::Market;

/// Outputs per session, as bits.
type Outputs = Vec<Vec<u64>>;

/// Runs a rule on a market, on the same market cut after some sessions and with everything after
/// them changed, and gives the first session whose output differs.
fn first_leak(market: &Market, rule: &dyn Fn(&Market) -> Outputs) -> Option<usize> {
    let n = market.dates.len();
    let whole = rule(market);
    assert_eq!(whole.len(), n, "one output per session");
    for cut in [n / 3, n / 2, n - 130, n - 2] {
        let mut shorter = market.clone();
        shorter.truncate(cut + 1);
        let mut changed = market.clone();
        for t in cut + 1..n {
            let bend = if t % 3 == 0 { 0.93 } else { 1.04 };
            changed.closes[t] = changed.closes[t - 1] * bend;
            changed.vix[t] *= 1.7;
            changed.rates[t] += 1.0;
        }
        for other in [rule(&shorter), rule(&changed)] {
            let differs = |t: &usize| whole[*t] != other[*t];
            if let Some(t) = (0..=cut).find(differs) {
                return Some(t);
            }
        }
    }
    None
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn features(market: &Market) -> Vec<Vec<f64>> {
    let stream = FeatureStream::new(&Feature::PAPER).unwrap();
    let data = stream.batch(&simple_returns(&market.closes)).unwrap();
    data.chunks(3)
        .map(|row| row.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect())
        .collect()
}

/// A model that knows nothing of the market.
fn fixed_model(penalty: f64) -> JumpModel {
    let centers = vec![Some(vec![0.004, 0.1, 0.1]), Some(vec![0.015, -0.1, -0.05])];
    JumpModel::from_centers(centers, penalty).unwrap()
}

/// A hidden Markov model that knows nothing of the market.
fn fixed_chain() -> HmmModel {
    let moves = vec![vec![0.98, 0.02], vec![0.05, 0.95]];
    let (means, variances) = (vec![vec![0.0006], vec![-0.001]], vec![vec![5e-5], vec![4e-4]]);
    HmmModel::from_parameters(vec![0.5, 0.5], moves, means, variances).unwrap()
}

fn rolling_params() -> RollingParams {
    RollingParams {
        penalties: vec![2.0, 10.0, 40.0],
        lookback: 120,
        warm_up: 40,
        refit_every: 20,
        choose_every: 7,
        validation: 60,
        restarts: 3,
        ..RollingParams::default()
    }
}

fn rolling(market: &Market) -> Outputs {
    let mut detector = RollingDetector::new(rolling_params().check().unwrap()).unwrap();
    let sessions = market.dates.iter().zip(&market.closes).zip(&market.rates);
    sessions
        .map(|((date, close), rate)| {
            let said = detector.push(*date, *close, rate * 1e-5).unwrap();
            serde_json::to_string(&said).unwrap().bytes().map(u64::from).collect()
        })
        .collect()
}

#[test]
fn features_filters_and_rules_do_not_look_ahead() {
    let market = Market::new(420, 21);
    let check = |name: &str, rule: &dyn Fn(&Market) -> Outputs| {
        assert_eq!(first_leak(&market, rule), None, "{name}");
    };
    check("features", &|m| features(m).iter().map(|row| bits(row)).collect());
    check("online filter", &|m| {
        let mut filter = Filter::new(&fixed_model(0.01)).unwrap();
        let step = |row: &Vec<f64>| {
            let e = filter.push(row).unwrap();
            vec![u64::from(e.state), e.margin.to_bits()]
        };
        features(m).iter().map(step).collect()
    });
    check("sliding filter", &|m| {
        let mut filter = SlidingFilter::new(&fixed_model(0.01), 50).unwrap();
        let step = |row: &Vec<f64>| {
            let e = filter.push(row).unwrap();
            vec![u64::from(e.state), e.margin.to_bits()]
        };
        features(m).iter().map(step).collect()
    });
    check("hidden Markov filter", &|m| {
        let mut filter = HmmFilter::new(&fixed_chain()).unwrap();
        let step = |r: &f64| {
            filter.push(&[*r]).unwrap();
            bits(filter.probabilities())
        };
        simple_returns(&m.closes).iter().map(step).collect()
    });
    check("VIX shock", &|m| {
        let mut rule = VixRule::new(VixParams::default().check().unwrap());
        let step = |close: &f64| {
            vec![u64::from(rule.push(Some(*close)).unwrap().unwrap().shock.is_some())]
        };
        m.vix.iter().map(step).collect()
    });
    check("trend and range", &|m| {
        let mut trend = Trend::new();
        let step = |c: &f64| {
            let reading = trend.push(c * 1.01, c * 0.99, *c).unwrap();
            vec![reading.map_or(0, |r| r.score.to_bits())]
        };
        m.closes.iter().map(step).collect()
    });
    check("rolling detector", &rolling);
}

/// The package's nine features, logarithms among them, where they are defined.
fn package_features(market: &Market) -> Vec<Vec<f64>> {
    let stream = FeatureStream::new(&Feature::PACKAGE).unwrap();
    let data = stream.batch(&simple_returns(&market.closes)).unwrap();
    let defined = |x: &f64| if x.is_finite() { *x } else { -9.0 };
    data.chunks(9).map(|row| row.iter().map(defined).collect()).collect()
}

/// A continuous model that knows nothing of the market, fitted to a made-up sample.
fn fixed_mixture() -> ContinuousModel {
    let other = Market::new(150, 999);
    let data = features(&other).split_off(30).concat();
    let params =
        ContinuousParams { jump: JumpParams::new(2, 0.05), grid_size: 0.1, mode_loss: false };
    let rows = Rows::new(&data, 3).unwrap();
    params.check().unwrap().fit_with(rows, &FitOptions::default()).unwrap().model
}

/// The same for the model with feature weights.
fn fixed_sparse() -> JumpModel {
    let other = Market::new(150, 998);
    let data = features(&other).split_off(30).concat();
    let params = SparseParams::new(3, 1e-3, 2.0).check().unwrap();
    params.fit(Rows::new(&data, 3).unwrap(), None).unwrap().model.states().clone()
}

/// A stream of the four-regime detector under some settings, said as text.
fn streamed(market: &Market, params: &DetectorParams) -> Outputs {
    let mut stream = DetectorStream::new(params.clone().check().unwrap()).unwrap();
    let said = |t: usize| {
        let date = market.dates[t];
        let close = SessionClose::new(date, market.closes[t])
            .vix(Dated { date, value: market.vix[t] })
            .rate(Dated { date, value: market.rates[t] });
        stream.push(&close).unwrap();
        format!("{:?}", stream.estimate()).bytes().map(u64::from).collect()
    };
    (0..market.dates.len()).map(said).collect()
}

#[test]
fn mixtures_logarithms_scalers_rates_and_streams_do_not_look_ahead() {
    let market = Market::new(420, 31);
    let check = |name: &str, rule: &dyn Fn(&Market) -> Outputs| {
        assert_eq!(first_leak(&market, rule), None, "{name}");
    };
    check("log features", &|m| package_features(m).iter().map(|row| bits(row)).collect());
    check("continuous filter", &|m| {
        let mut filter = ContinuousFilter::new(&fixed_mixture()).unwrap();
        let step = |row: &Vec<f64>| {
            let e = filter.push(row).unwrap();
            vec![u64::from(e.state), u64::try_from(e.vertex).unwrap(), filter.values()[0].to_bits()]
        };
        features(m).iter().map(step).collect()
    });
    check("filter with feature weights", &|m| {
        let mut filter = Filter::new(&fixed_sparse()).unwrap();
        let step = |row: &Vec<f64>| vec![u64::from(filter.push(row).unwrap().state)];
        features(m).iter().map(step).collect()
    });
    check("hidden Markov states", &|m| {
        let mut filter = HmmFilter::new(&fixed_chain()).unwrap();
        let step = |r: &f64| {
            filter.push(&[*r]).unwrap();
            vec![u64::try_from(filter.viterbi_state()).unwrap()]
        };
        simple_returns(&m.closes).iter().map(step).collect()
    });
    check("clipper and scaler of the past", &|m| scaled_by(m, |t| t + 1));
    check("excess returns", &|m| {
        let quote = RateQuote::Discount;
        let interest = accrued_interest(&m.dates, &m.dates, &m.rates, quote).unwrap();
        let pairs = simple_returns(&m.closes).into_iter().zip(interest);
        pairs.map(|(r, i)| bits(&[r - i])).collect()
    });
    check("VIX readings", &|m| {
        let params = VixParams { level: Some(25.0), ..VixParams::default() };
        let mut rule = VixRule::new(params.check().unwrap());
        let step = |close: &f64| said(&rule.push(Some(*close)).unwrap());
        m.vix.iter().map(step).collect()
    });
    check("trend readings", &|m| {
        let mut trend = Trend::new();
        let step = |c: &f64| said(&trend.push(c * 1.01, c * 0.99, *c).unwrap());
        m.closes.iter().map(step).collect()
    });
}

#[test]
fn streams_of_every_profile_do_not_look_ahead() {
    let market = Market::new(300, 32);
    let small = |params| DetectorParams {
        lookback: 150,
        rows_min: 80,
        warm_up: 60,
        refit_every: 63,
        restarts: 2,
        ..params
    };
    let calibrated = small(DetectorParams { penalty: 4.0, ..DetectorParams::calibrated() });
    let candidates = vec![1.0, 4.0, 16.0];
    let choice = PenaltyChoice { candidates, validation: 60, ..PenaltyChoice::default() };
    let choosing = DetectorParams { choice: Some(choice), ..calibrated.clone() };
    for params in [calibrated, small(DetectorParams::seed()), choosing] {
        assert_eq!(first_leak(&market, &|m| streamed(m, &params)), None);
    }
}

/// What is said, as text.
fn said(what: &impl std::fmt::Debug) -> Vec<u64> {
    format!("{what:?}").bytes().map(u64::from).collect()
}

/// Features clipped and scaled by the moments of the first `known(t)` rows.
fn scaled_by(market: &Market, known: impl Fn(usize) -> usize) -> Outputs {
    let data = features(market).concat();
    let scale = |(t, row): (usize, &[f64])| {
        let sample = Rows::new(&data[..known(t).max(1) * 3], 3).unwrap();
        let mut row = row.to_vec();
        Clipper::fit(sample, 3.0).unwrap().apply(&mut row).unwrap();
        Scaler::fit(sample).unwrap().apply(&mut row).unwrap();
        bits(&row)
    };
    data.chunks(3).enumerate().map(scale).collect()
}

/// Every way of judging has its leak, and each is caught.
#[test]
fn leaks_planted_in_mixtures_logarithms_scalers_rates_and_streams_are_caught() {
    // Later rows change few smoothed states: one market among some must show it.
    let caught = |name: &str, rule: &dyn Fn(&Market) -> Outputs| {
        let shows = |seed| first_leak(&Market::new(420, seed), rule).is_some();
        assert!((33..53).any(shows), "{name}");
    };
    caught("smoothed mixtures", &|m| {
        let data = features(m).concat();
        let path = fixed_mixture().smoothed_vertices(Rows::new(&data, 3).unwrap()).unwrap();
        path.iter().map(|vertex| vec![u64::from(*vertex)]).collect()
    });
    caught("Viterbi states of the whole series", &|m| {
        let returns = simple_returns(&m.closes);
        let path = fixed_chain().viterbi(Rows::new(&returns, 1).unwrap()).unwrap();
        path.iter().map(|state| vec![u64::from(*state)]).collect()
    });
    let rows = |m: &Market| m.dates.len();
    caught("scaler of the whole series", &|m| scaled_by(m, |_| rows(m)));
    caught("scaler that knows one row more", &|m| scaled_by(m, |t| (t + 2).min(rows(m))));
    caught("log features less their mean", &|m| {
        let rows = package_features(m);
        let logs: Vec<f64> = rows.iter().map(|row| row[1]).collect();
        let mean = logs.iter().sum::<f64>() / f64::from(u32::try_from(logs.len()).unwrap());
        logs.iter().map(|x| bits(&[x - mean])).collect()
    });
    caught("interest at the next session's rate", &|m| {
        let next: Vec<f64> = m.rates.iter().skip(1).chain(m.rates.last()).copied().collect();
        let quote = RateQuote::Discount;
        let interest = accrued_interest(&m.dates, &m.dates, &next, quote).unwrap();
        // A rate of the session itself shows one session later: what is accrued then is known now.
        interest.iter().skip(1).chain(interest.last()).map(|i| bits(&[*i])).collect()
    });
    caught("the highest VIX of the week around", &|m| {
        let top = |t: usize| m.vix[t.saturating_sub(2)..(t + 3).min(rows(m))].iter().copied();
        (0..rows(m)).map(|t| bits(&[top(t).fold(0.0, f64::max)])).collect()
    });
    caught("a stream fed with tomorrow's close", &|m| {
        let mut early = m.clone();
        early.closes.rotate_left(1);
        let last = early.closes.len() - 1;
        early.closes[last] = m.closes[last];
        let params = DetectorParams {
            lookback: 150,
            rows_min: 80,
            warm_up: 60,
            restarts: 1,
            penalty: 4.0,
            ..DetectorParams::calibrated()
        };
        streamed(&early, &params)
    });
}

#[test]
fn both_profiles_do_not_look_ahead() {
    let market = Market::new(760, 22);
    let persistent = DetectorParams { penalty: 4.0, ..DetectorParams::calibrated() };
    for params in [persistent, DetectorParams::seed()] {
        let params =
            DetectorParams { lookback: 300, rows_min: 120, warm_up: 100, restarts: 3, ..params };
        let detector = Detector::new(params.check().unwrap());
        let rule = |m: &Market| -> Outputs {
            let judge = |t: usize| match t % 11 {
                0 if t >= 260 => format!("{:?}", detector.detect(&m.inputs(t))),
                _ => String::new(),
            };
            (0..m.dates.len()).map(|t| judge(t).bytes().map(u64::from).collect()).collect()
        };
        assert_eq!(first_leak(&market, &rule), None);
    }
}

#[test]
fn a_planted_global_z_score_is_caught() {
    let rule = |m: &Market| -> Outputs {
        let returns = simple_returns(&m.closes);
        let mean = returns.iter().sum::<f64>() / f64::from(u32::try_from(returns.len()).unwrap());
        returns.iter().map(|r| bits(&[r - mean])).collect()
    };
    assert!(first_leak(&Market::new(420, 23), &rule).is_some());
}

#[test]
fn planted_smoothed_states_are_caught() {
    let rule = |m: &Market| -> Outputs {
        let data: Vec<f64> = features(m).concat();
        let path = fixed_model(0.1).smoothed_states(Rows::new(&data, 3).unwrap()).unwrap();
        path.iter().map(|s| vec![u64::from(*s)]).collect()
    };
    // Of the first twenty, the markets in which the best path changes its mind near a cut.
    for seed in [3, 6, 17, 18] {
        assert!(first_leak(&Market::new(420, seed), &rule).is_some(), "{seed}");
    }
}

/// What a choice of the penalty went by at the end of a session: states per candidate, newest last.
type Window = Vec<Vec<u8>>;

/// The first session some later choice did not remember as it was emitted on its day, with the
/// session that misremembers it.
///
/// Cutting or changing the future cannot show this: today's centres know nothing later than today,
/// and still the past they would have emitted is not the one that was emitted.
fn first_rewritten(windows: &[Window]) -> Option<(usize, usize)> {
    let newest = |w: &Window| -> Vec<Option<u8>> { w.iter().map(|s| s.last().copied()).collect() };
    let emitted: Vec<Vec<Option<u8>>> = windows.iter().map(newest).collect();
    for (t, window) in windows.iter().enumerate() {
        for (i, states) in window.iter().enumerate() {
            for (back, state) in states.iter().rev().enumerate() {
                if emitted[t - back][i] != Some(*state) {
                    return Some((t - back, t));
                }
            }
        }
    }
    None
}

/// What a detector with a choice of the penalty goes by and says on a session.
struct Day {
    /// From its checkpoint.
    window: Window,
    /// Whether each candidate's fit has two states, so that it can be chosen.
    runs: Vec<bool>,
    /// State of each candidate; nothing before the first fit.
    states: Vec<u8>,
    penalty: Option<f64>,
}

fn window(filed: &serde_json::Value, pointer: &str) -> Window {
    serde_json::from_value(filed.pointer(pointer).unwrap().clone()).unwrap()
}

/// The rolling detector day by day.
fn choices(market: &Market, params: &RollingParams) -> Vec<Day> {
    let mut detector = RollingDetector::new(params.clone().check().unwrap()).unwrap();
    let sessions = market.dates.iter().zip(&market.closes).zip(&market.rates);
    let step = |((date, close), rate): ((&NaiveDate, &f64), &f64)| {
        let said = detector.push(*date, *close, rate * 1e-5).unwrap();
        let filed = serde_json::to_value(detector.checkpoint()).unwrap();
        let fitted = filed.pointer("/state/refit/fitted").and_then(|f| f.as_array());
        Day {
            window: window(&filed, "/state/contest/emitted"),
            runs: fitted.into_iter().flatten().map(|f| !f["filter"].is_null()).collect(),
            states: said.as_ref().map(|said| said.candidates.clone()).unwrap_or_default(),
            penalty: said.and_then(|said| said.penalty),
        }
    };
    sessions.map(step).collect()
}

/// The session-by-session detector with a choice of the penalty, on raw returns, day by day. Its
/// candidates' states are the newest ones of its checkpoint's window, where that has grown or moved.
fn stream_choices(market: &Market, params: &DetectorParams) -> Vec<Day> {
    let mut stream = DetectorStream::new(params.clone().check().unwrap()).unwrap();
    let step = |t: usize| {
        stream.push(&SessionClose::new(market.dates[t], market.closes[t])).unwrap();
        let filed = serde_json::to_value(stream.checkpoint()).unwrap();
        let window = window(&filed, "/state/raw/contest/emitted");
        let penalty = stream.estimate().ok().and_then(|said| said.evidence.penalty);
        let states: Vec<u8> = window.iter().filter_map(|states| states.last().copied()).collect();
        Day { runs: vec![true; window.len()], states, window, penalty }
    };
    (0..market.dates.len()).map(step).collect()
}

/// The defect: at every refit the whole history is run again under the centres just fitted.
fn rewritten(market: &Market) -> Vec<Window> {
    let params = rolling_params();
    let data = features(market);
    let returns = simple_returns(&market.closes);
    let mut windows: Vec<Window> = Vec::new();
    let mut models: Vec<JumpModel> = Vec::new();
    for t in 0..data.len() {
        if t >= params.lookback && t.is_multiple_of(params.refit_every) {
            let sample = data[t - params.lookback..t].concat();
            let earned = &returns[t - params.lookback..t];
            let fit = |penalty: &f64| {
                let jump = JumpParams { restarts: 2, ..JumpParams::new(2, penalty * 1e-5) };
                let rows = Rows::new(&sample, 3).unwrap();
                jump.check().unwrap().fit(rows, Some(earned)).unwrap().model
            };
            models = params.penalties.iter().map(fit).collect();
        }
        let from = (t + 1).saturating_sub(params.validation);
        let emit = |model: &JumpModel| {
            let mut filter = Filter::new(model).unwrap();
            let states: Vec<u8> =
                data[..=t].iter().map(|x| filter.push(x).unwrap().state).collect();
            states[from..].to_vec()
        };
        windows.push(models.iter().map(emit).collect());
    }
    // Sessions before the first fit have no states to compare with.
    windows.retain(|w| !w.is_empty());
    for (n, window) in windows.iter_mut().enumerate() {
        for states in window {
            let kept = states.len().min(n + 1);
            states.drain(..states.len() - kept);
        }
    }
    windows
}

#[test]
fn a_penalty_chosen_by_todays_centres_over_the_past_is_caught() {
    let market = Market::new(420, 25);
    let windows: Vec<Window> =
        choices(&market, &rolling_params()).into_iter().map(|day| day.window).collect();
    assert!(windows.last().unwrap().iter().all(|states| states.len() > 60));
    assert_eq!(first_rewritten(&windows), None);
    let caught = first_rewritten(&rewritten(&market));
    assert!(caught.is_some_and(|(emitted, choice)| emitted < choice), "{caught:?}");
    // It is no look-ahead by the cut of the future, which is why it needs a check of its own.
    let rule = |m: &Market| -> Outputs {
        let none = m.dates.len() - rewritten(m).len();
        let said = |w: &Window| w.concat().into_iter().map(u64::from).collect();
        let outputs = rewritten(m);
        (0..none).map(|_| Vec::new()).chain(outputs.iter().map(said)).collect()
    };
    assert_eq!(first_leak(&Market::new(400, 25), &rule), None);
}

/// No session.
const NONE: &[usize] = &[];

/// On what terms candidates are compared, and which one is in force before the first choice.
struct Terms<'a> {
    penalties: &'a [f64],
    every: usize,
    validation: usize,
    first: Option<usize>,
}

/// Works every choice out anew from what was recorded day by day, `runs` saying who can be chosen;
/// gives the sessions that disagree, and how many choices and changes there were.
fn worked_out(
    days: &[Day],
    excess: &dyn Fn(usize) -> f64,
    terms: &Terms<'_>,
    eligible: &dyn Fn(&Day, usize) -> bool,
) -> (Vec<usize>, u32, u32) {
    let (mut wrong, mut chosen, mut changes) = (Vec::new(), 0, 0);
    let mut record: Vec<(Vec<u8>, f64)> = Vec::new();
    let mut expected = terms.first;
    for (t, day) in days.iter().enumerate() {
        if day.states.is_empty() {
            continue;
        }
        record.push((day.states.clone(), excess(t)));
        if t.is_multiple_of(terms.every) && record.len() >= terms.validation + 2 {
            let mut best: Option<(usize, f64)> = None;
            for i in (0..terms.penalties.len()).filter(|i| eligible(day, *i)) {
                let Some(ratio) = ratio(&record, i, terms.validation) else { continue };
                if best.is_none_or(|(_, most)| ratio > most - 1e-12) {
                    best = Some((i, ratio));
                }
            }
            let before = expected;
            expected = best.map(|(i, _)| i).or(expected);
            chosen += 1;
            changes += u32::from(before.is_some() && before != expected);
        }
        if day.penalty != expected.map(|i| terms.penalties[i]) {
            wrong.push(t);
        }
    }
    (wrong, chosen, changes)
}

/// Every choice equals one worked out anew from what was recorded day by day; a fit with one state
/// only is not chosen, even where always holding would have earned most.
#[test]
fn every_choice_follows_from_the_states_as_they_were_emitted() {
    let (mut chosen, mut changes, mut tempted) = (0, 0, 0);
    for (seed, largest) in [(25, 40.0), (26, 40.0), (27, 40.0), (25, 1e9), (26, 1e9), (27, 1e9)] {
        let market = Market::new(420, seed);
        let params = RollingParams { penalties: vec![2.0, 10.0, largest], ..rolling_params() };
        let days = choices(&market, &params);
        let raw = simple_returns(&market.closes);
        let excess = |t: usize| raw[t] - market.rates[t] * 1e-5;
        let terms = Terms {
            penalties: &params.penalties,
            every: params.choose_every,
            validation: params.validation,
            first: None,
        };
        let (wrong, all, moved) = worked_out(&days, &excess, &terms, &|day, i| day.runs[i]);
        assert_eq!(wrong, NONE, "{seed} {largest}");
        (chosen, changes) = (chosen + all, changes + moved);
        let (wrong, ..) = worked_out(&days, &excess, &terms, &|_, _| true);
        tempted += wrong.len();
    }
    assert!(chosen > 100 && changes > 0 && tempted > 0, "{chosen} {changes} {tempted}");
}

/// The same of the detector that is used: what it chose by was never rewritten, and every choice
/// follows from it.
#[test]
fn every_choice_of_the_stream_follows_from_the_states_as_they_were_emitted() {
    let (mut chosen, mut changes) = (0, 0);
    for seed in [42, 43] {
        let market = Market::new(700, seed);
        let choice = PenaltyChoice {
            candidates: vec![1.0, 4.0, 16.0],
            choose_every: 7,
            validation: 60,
            ..PenaltyChoice::default()
        };
        let params = DetectorParams {
            lookback: 150,
            rows_min: 80,
            warm_up: 60,
            refit_every: 21,
            restarts: 3,
            penalty: 4.0,
            vix_missing: VixPolicy::CarryOn,
            choice: Some(choice),
            ..DetectorParams::calibrated()
        };
        let days = stream_choices(&market, &params);
        let windows: Vec<Window> = days
            .iter()
            .filter(|day| !day.states.is_empty())
            .map(|day| day.window.clone())
            .collect();
        assert!(windows.len() > 500 && windows[windows.len() - 1][0].len() > 60);
        assert_eq!(first_rewritten(&windows), None, "{seed}");
        let raw = simple_returns(&market.closes);
        let penalties = [1.0, 4.0, 16.0];
        let terms = Terms { penalties: &penalties, every: 7, validation: 60, first: Some(1) };
        let (wrong, all, moved) = worked_out(&days, &|t| raw[t], &terms, &|day, i| day.runs[i]);
        assert_eq!(wrong, NONE, "{seed}");
        (chosen, changes) = (chosen + all, changes + moved);
    }
    assert!(chosen > 100 && changes > 3, "{chosen} {changes}");
}

/// Mean over deviation of the last sessions of the 0/1 strategy under one candidate: the state of
/// two sessions ago is held, a change costs 10 basis points.
fn ratio(record: &[(Vec<u8>, f64)], candidate: usize, validation: usize) -> Option<f64> {
    let first = record.len() - validation;
    let held = |t: usize| record[t - 2].0[candidate] == 0;
    let earned: Vec<f64> = (first..record.len())
        .map(|t| {
            let before = if t < 3 { held(t) } else { held(t - 1) };
            let cost = if before == held(t) { 0.0 } else { 0.001 };
            if held(t) { record[t].1 - cost } else { -cost }
        })
        .collect();
    let n = f64::from(u32::try_from(earned.len()).unwrap());
    let mean = earned.iter().sum::<f64>() / n;
    let spread = earned.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    (spread > 1e-18).then(|| mean / spread.sqrt())
}

#[test]
fn back_adjusted_prices_are_caught() {
    // Every quarter pays a dividend; adjusting the past for it changes yesterday's price level.
    let rule = |m: &Market| -> Outputs {
        let mut factor = 1.0;
        let mut adjusted = vec![0.0; m.closes.len()];
        for t in (0..m.closes.len()).rev() {
            adjusted[t] = m.closes[t] * factor;
            if t % 63 == 0 {
                factor *= 0.995;
            }
        }
        // What is said is a rule on the level, not the adjusted price, which any check would catch.
        let level = m.closes[0];
        adjusted.iter().map(|p| vec![u64::from(*p > level)]).collect()
    };
    let market = Market::new(420, 26);
    assert!(first_leak(&market, &rule).is_some());
    let as_traded = |m: &Market| -> Outputs {
        m.closes.iter().map(|p| vec![u64::from(*p > m.closes[0])]).collect()
    };
    assert_eq!(first_leak(&market, &as_traded), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_checkpoint_goes_on_as_if_it_had_never_stopped(seed in 0_u32..1000, stop in 1_usize..330) {
        let market = Market::new(340, seed);
        let expected = rolling(&market);
        let mut detector = RollingDetector::new(rolling_params().check().unwrap()).unwrap();
        for (t, expected) in expected.iter().enumerate() {
            if t == stop {
                let json = serde_json::to_string(&detector.checkpoint()).unwrap();
                let stored = serde_json::from_str(&json).unwrap();
                let restored = RollingDetector::restore(stored).unwrap();
                prop_assert_eq!(&restored, &detector);
                detector = restored;
            }
            let said = detector.push(market.dates[t], market.closes[t], market.rates[t] * 1e-5);
            let said = serde_json::to_string(&said.unwrap()).unwrap();
            let said: Vec<u64> = said.bytes().map(u64::from).collect();
            prop_assert_eq!(&said, expected);
        }
    }

    #[test]
    fn features_in_one_go_equal_features_one_by_one(
        returns in prop::collection::vec(-0.2_f64..0.2, 1..200),
    ) {
        let batch = FeatureStream::new(&Feature::PACKAGE).unwrap().batch(&returns).unwrap();
        let mut stream = FeatureStream::new(&Feature::PACKAGE).unwrap();
        let mut row = [0.0; 9];
        for (r, expected) in returns.iter().zip(batch.chunks(9)) {
            stream.push(*r, &mut row).unwrap();
            prop_assert_eq!(bits(&row), bits(expected));
        }
    }

    #[test]
    fn the_detector_says_the_same_with_any_future(seed in 0_u32..1000, t in 300_usize..500) {
        let params = DetectorParams { lookback: 150, rows_min: 100, warm_up: 60, restarts: 2, penalty: 4.0, ..DetectorParams::calibrated() };
        let detector = Detector::new(params.check().unwrap());
        let market = Market::new(520, seed);
        let mut other = Market::new(520, seed + 5000);
        other.closes[..=t].copy_from_slice(&market.closes[..=t]);
        other.vix[..=t].copy_from_slice(&market.vix[..=t]);
        other.rates[..=t].copy_from_slice(&market.rates[..=t]);
        let inputs: Inputs<'_> = market.inputs(t);
        prop_assert_eq!(detector.detect(&inputs), detector.detect(&other.inputs(t)));
    }
}
