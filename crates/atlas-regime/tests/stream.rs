//! The detector session by session: it says what detections say, goes on from checkpoints as if it
//! had never stopped, and refuses what it cannot use without forgetting the rest.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

#[path = "support/damage.rs"]
mod damage;
#[expect(dead_code, reason = "other tests use all of it")]
mod support;

use atlas_regime::{
    Dated, Detector, DetectorCheckpoint, DetectorParams, DetectorStream, Error, PenaltyChoice,
    RegimeEstimate, ReturnBasis, Series, SessionClose, VixPolicy,
};
use damage::{damages, pointers};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::Market;

type Said = Result<RegimeEstimate, Error>;

fn small(params: DetectorParams) -> DetectorParams {
    DetectorParams { lookback: 150, rows_min: 80, warm_up: 60, refit_every: 21, ..params }
}

/// Both profiles and one that chooses its penalty, all quick.
fn profile(i: usize) -> DetectorParams {
    let calibrated =
        small(DetectorParams { restarts: 3, penalty: 4.0, ..DetectorParams::calibrated() });
    match i {
        0 => calibrated,
        1 => small(DetectorParams { restarts: 3, ..DetectorParams::seed() }),
        _ => {
            let candidates = vec![1.0, 4.0, 16.0];
            let choice = PenaltyChoice {
                candidates,
                choose_every: 7,
                validation: 60,
                ..PenaltyChoice::default()
            };
            DetectorParams { choice: Some(choice), ..calibrated }
        }
    }
}

fn stream(params: DetectorParams) -> DetectorStream {
    DetectorStream::new(params.check().unwrap()).unwrap()
}

/// A session of a market whose rate ends on session `rates` and whose VIX misses some.
fn session(market: &Market, rates: usize, t: usize) -> SessionClose {
    let date = market.dates[t];
    let mut session = SessionClose::new(date, market.closes[t]);
    if t % 97 != 96 {
        session = session.vix(Dated { date, value: market.vix[t] });
    }
    if t < rates { session.rate(Dated { date, value: market.rates[t] }) } else { session }
}

/// The same as series up to session `t`.
fn detect(detector: &Detector, market: &Market, rates: usize, t: usize) -> Said {
    let seen: Vec<usize> = (0..=t).filter(|t| t % 97 != 96).collect();
    let dates: Vec<_> = seen.iter().map(|&t| market.dates[t]).collect();
    let values: Vec<_> = seen.iter().map(|&t| market.vix[t]).collect();
    let rates = rates.min(t + 1);
    let mut inputs = market.inputs(t);
    inputs.vix = Some(Series { dates: &dates, values: &values });
    inputs.rate = Some(Series { dates: &market.dates[..rates], values: &market.rates[..rates] });
    detector.detect(&inputs)
}

#[test]
fn a_stream_says_what_detections_say() {
    let market = Market::new(420, 41);
    for i in 0..3 {
        for policy in [VixPolicy::Refuse, VixPolicy::CarryOn] {
            let params = DetectorParams { vix_missing: policy, ..profile(i) };
            let detector = Detector::new(params.clone().check().unwrap());
            // The rate ends on session 300: returns are raw from some days after on.
            let mut stream = stream(params);
            let (mut said, mut refused, mut raw) = (0, 0, 0);
            for t in 0..420 {
                stream.push(&session(&market, 300, t)).unwrap();
                if t % 11 != 0 && t % 97 < 95 {
                    continue; // Not asked, which must make no difference.
                }
                let found = stream.estimate();
                assert_eq!(found, detect(&detector, &market, 300, t), "profile {i}, session {t}");
                match found {
                    Ok(estimate) => {
                        said += 1;
                        raw += u32::from(estimate.evidence.returns != ReturnBasis::Excess);
                    }
                    Err(_) => refused += 1,
                }
            }
            assert!(said > 20 && refused > 8 && raw > 4, "{said} {refused} {raw}");
        }
    }
}

#[test]
fn a_chosen_penalty_is_one_of_the_candidates_and_changes() {
    let market = Market::new(900, 42);
    let mut stream = stream(profile(2));
    let mut penalties = Vec::new();
    for t in 0..900 {
        let date = market.dates[t];
        let close = SessionClose::new(date, market.closes[t]);
        stream.push(&close.vix(Dated { date, value: market.vix[t] })).unwrap();
        let Ok(estimate) = stream.estimate() else { continue };
        let evidence = estimate.evidence;
        if evidence.chosen_session.is_none() {
            assert_eq!(evidence.penalty, Some(4.0), "the detector's own before the first choice");
        } else {
            assert!(evidence.chosen_session.is_some_and(|at| at % 7 == 0 && at <= t));
        }
        penalties.extend(evidence.penalty);
    }
    penalties.dedup();
    assert!(penalties.len() > 3, "{penalties:?}");
    assert!(penalties.iter().all(|p| [1.0, 4.0, 16.0].contains(p)));
}

#[test]
fn a_session_that_cannot_be_judged_is_part_of_the_past_of_the_next() {
    let market = Market::new(300, 43);
    let mut stream = stream(profile(0));
    for t in 0..300 {
        let date = market.dates[t];
        let mut close = SessionClose::new(date, market.closes[t]);
        if t != 280 {
            close = close.vix(Dated { date, value: market.vix[t] });
        }
        stream.push(&close).unwrap();
        if t == 280 {
            let last = Some(market.dates[279]);
            assert_eq!(stream.estimate(), Err(Error::VixMissing { as_of: date, last }));
        }
    }
    assert_eq!(stream.estimate().unwrap().evidence.session, 299);
}

#[test]
fn what_is_refused_changes_nothing() {
    let market = Market::new(40, 44);
    let mut stream = stream(profile(0));
    for t in 0..30 {
        stream.push(&session(&market, 40, t)).unwrap();
    }
    let (before, date) = (stream.clone(), market.dates[30]);
    let good = session(&market, 40, 30);
    let quote = |date, value| Dated { date, value };
    let refused = [
        SessionClose::new(market.dates[29], 100.0),
        SessionClose::new(date, 0.0),
        SessionClose::new(date, f64::NAN),
        SessionClose::new(date, f64::MAX),
        good.vix(quote(date, -1.0)),
        good.vix(quote(market.dates[31], 20.0)),
        good.vix(quote(market.dates[20], 20.0)),
        good.vix(quote(market.dates[29], 20.0)),
        good.rate(quote(date, f64::INFINITY)),
        good.rate(quote(market.dates[31], 1.0)),
        good.rate(quote(market.dates[3], 1.0)),
    ];
    for session in refused {
        assert!(stream.push(&session).is_err(), "{session:?}");
        assert_eq!(stream, before);
    }
    stream.push(&good).unwrap();
    assert_eq!((stream.sessions(), stream.last_session()), (31, Some(date)));
}

#[test]
fn a_rate_with_a_hole_or_a_late_start_is_refused_once_it_is_back() {
    let market = Market::new(300, 45);
    let date = |t: usize| market.dates[t];
    for (known, expected) in [
        (
            &[(0, 200), (240, 300)][..],
            Error::RateGap { session: date(205), last: date(199), days: 10 },
        ),
        (&[(240, 300)][..], Error::RateStartsLate { rate: date(240), index: date(0) }),
    ] {
        let mut stream = stream(DetectorParams { vix_missing: VixPolicy::CarryOn, ..profile(0) });
        for t in 0..300 {
            let mut close = SessionClose::new(date(t), market.closes[t]);
            if known.iter().any(|(from, to)| (*from..*to).contains(&t)) {
                close = close.rate(Dated { date: date(t), value: market.rates[t] });
            }
            stream.push(&close).unwrap();
            if t == 230 {
                let returns = stream.estimate().unwrap().evidence.returns;
                assert_ne!(returns, ReturnBasis::Excess);
            }
        }
        match (stream.estimate(), expected) {
            // The session is the first one more than ten days after the last rate.
            (Err(Error::RateGap { last, .. }), Error::RateGap { last: expected, .. }) => {
                assert_eq!(last, expected);
            }
            (found, expected) => assert_eq!(found, Err(expected)),
        }
    }
}

fn filed(stream: &DetectorStream) -> Value {
    serde_json::to_value(stream.checkpoint()).unwrap()
}

fn restored(value: Value) -> Option<Result<DetectorStream, Error>> {
    serde_json::from_value::<DetectorCheckpoint>(value).ok().map(DetectorStream::restore)
}

#[test]
fn every_damaged_field_is_refused_or_harmless() {
    let market = Market::new(260, 46);
    let mut whole = stream(profile(2));
    for t in 0..230 {
        whole.push(&session(&market, 400, t)).unwrap();
    }
    let json = filed(&whole);
    let go_on = |value: Value| {
        let Some(Ok(mut stream)) = restored(value) else { return false };
        for t in 230..234 {
            let before = stream.clone();
            if stream.push(&session(&market, 400, t)).is_err() {
                assert_eq!(stream, before, "a refused session changes nothing");
            }
            drop(stream.estimate());
        }
        true
    };
    assert!(go_on(json.clone()));
    let mut all = Vec::new();
    pointers(&json, "", &mut all);
    let (mut tried, mut refused) = (0, 0);
    for pointer in all.iter().step_by(11) {
        for damage in damages(json.pointer(pointer).unwrap()) {
            let mut broken = json.clone();
            *broken.pointer_mut(pointer).unwrap() = damage;
            tried += 1;
            refused += u32::from(!go_on(broken));
        }
    }
    assert!(tried > 100 && refused > tried / 2, "{refused} of {tried} refused");
}

#[test]
fn another_format_is_refused() {
    let mut json = filed(&stream(profile(0)));
    json["format"] = json!(99);
    let expected = atlas_regime::DETECTOR_CHECKPOINT_FORMAT;
    let refused = Error::Format { what: "the detector's checkpoint", found: 99, expected };
    assert_eq!(restored(json), Some(Err(refused)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn a_checkpoint_goes_on_as_if_it_had_never_stopped(
        seed in 0_u32..1000, stops in prop::collection::vec(0_usize..240, 1..4), i in 0_usize..3,
        rates in prop::sample::select(vec![0, 150, 200, 400]), asked in 1_usize..9,
    ) {
        let market = Market::new(240, seed);
        let (mut whole, mut halved) = (stream(profile(i)), stream(profile(i)));
        for t in 0..240 {
            if stops.contains(&t) {
                halved = restored(filed(&halved)).unwrap().unwrap();
                prop_assert_eq!(&halved, &whole);
            }
            let session = session(&market, rates, t);
            whole.push(&session).unwrap();
            halved.push(&session).unwrap();
            if t % asked == 0 {
                prop_assert_eq!(whole.estimate(), halved.estimate());
            }
        }
        prop_assert_eq!(whole.estimate(), halved.estimate());
        prop_assert_eq!(filed(&whole), filed(&halved));
    }
}
