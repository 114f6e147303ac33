//! What every strategy keeps: no look-ahead, no scale, no surprise, no opinion during warm-up.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use atlas_strategy::ensemble::{Conflict, Ensemble, Rule, Trial, Vote};
use atlas_strategy::filter::{Filtered, MomentumFilter, VolumeFilter};
use atlas_strategy::indicator::Ohlcv;
use atlas_strategy::reversion::{RsiReversion, ZScoreReversion};
use atlas_strategy::strat::Strat;
use atlas_strategy::trend::{AdaptiveSma, MacdTrend, SmaCross, SmaSet, TimeSeriesMomentum};
use atlas_strategy::{EveryOther, Opinion, Stage, Strategy, opinions};
use proptest::prelude::*;
use proptest::strategy::Strategy as _;

type Boxed = Box<dyn Strategy>;
type Make = fn() -> Boxed;

const ALL: [Make; 12] = [
    || Box::new(SmaCross::new(SmaSet::FAST).unwrap()),
    || Box::new(SmaCross::new(SmaSet::MEDIUM).unwrap()),
    || Box::new(AdaptiveSma::new().unwrap()),
    || Box::new(MacdTrend::new(6, 13, 5).unwrap()),
    || Box::new(TimeSeriesMomentum::new(30, 5).unwrap()),
    || Box::new(RsiReversion::new(14, 30.0, 50.0).unwrap()),
    || Box::new(ZScoreReversion::new(20, -2.0, 0.0).unwrap()),
    || Box::new(Strat::default()),
    || Box::new(EveryOther::default()),
    || {
        let strategy = MacdTrend::new(6, 13, 5).unwrap();
        let strategy = Filtered::new(strategy, VolumeFilter::new(20, 1.25).unwrap());
        Box::new(Filtered::new(strategy, MomentumFilter::new(3).unwrap()))
    },
    || {
        let members: Vec<Boxed> = vec![
            Box::new(SmaCross::new(SmaSet::FAST).unwrap()),
            Box::new(RsiReversion::new(14, 30.0, 50.0).unwrap()),
            Box::new(Strat::default()),
        ];
        let vote = Vote::Consensus { needed: 2 };
        Box::new(Ensemble::new(members, vote, Conflict::Reduce).unwrap())
    },
    || {
        let members: Vec<Boxed> = vec![
            Box::new(SmaCross::new(SmaSet::FAST).unwrap()),
            Box::new(ZScoreReversion::new(20, -2.0, 0.0).unwrap()),
        ];
        let rule = |vote| Rule { vote, conflict: Conflict::Reduce };
        let rules = vec![rule(Vote::Confidence), rule(Vote::Weighted(vec![1.0, 2.0]))];
        Box::new(Trial::new(members, rules).unwrap())
    },
];

fn bars() -> impl proptest::strategy::Strategy<Value = Vec<Ohlcv>> {
    let step = (-300_i32..300, 0_i32..100, 0_i32..100, 0_u32..1_000);
    prop::collection::vec(step, 70..110).prop_map(|steps| {
        let mut last = 5_000;
        let cents = |ticks: i32| f64::from(ticks) / 100.0;
        let bar = |(step, above, below, volume): (i32, i32, i32, u32)| {
            let open = last;
            last = (last + step).clamp(1_000, 20_000);
            Ohlcv {
                open: cents(open),
                high: cents(open.max(last) + above),
                low: cents(open.min(last) - below),
                close: cents(last),
                volume: f64::from(volume),
            }
        };
        steps.into_iter().map(bar).collect()
    })
}

fn scaled(bars: &[Ohlcv], factor: f64) -> Vec<Ohlcv> {
    let times = |bar: &Ohlcv| Ohlcv {
        open: bar.open * factor,
        high: bar.high * factor,
        low: bar.low * factor,
        close: bar.close * factor,
        volume: bar.volume,
    };
    bars.iter().map(times).collect()
}

/// Whether opinions about a prefix stay what they were once the future is known, however it is.
fn is_causal(
    decide: impl Fn(&[Ohlcv]) -> Vec<Option<Opinion>>,
    bars: &[Ohlcv],
    cut: usize,
) -> bool {
    let mut other = bars.to_vec();
    let shock = Ohlcv { open: 1.0, high: 900.0, low: 0.5, close: 800.0, volume: 1e9 };
    other[cut..].fill(shock);
    let whole = decide(bars);
    whole[..cut] == decide(&bars[..cut]) && whole[..cut] == decide(&other)[..cut]
}

proptest! {
    #[test]
    fn strategies_keep_their_promises(bars in bars(), cut in 1_usize..70, exponent in -4_i32..4) {
        let factor = 2_f64.powi(exponent);
        let scaled = scaled(&bars, factor);
        for make in ALL {
            let whole = opinions(&mut make(), &bars);
            let name = make().name();
            prop_assert!(is_causal(|bars| opinions(&mut make(), bars), &bars, cut), "{}", name);
            prop_assert_eq!(&whole, &opinions(&mut make(), &bars), "{}", name);
            let warm = make().warm_up();
            prop_assert!(whole[..warm - 1].iter().all(Option::is_none), "{} warms up", name);
            for (plain, scaled) in whole.iter().zip(opinions(&mut make(), &scaled)) {
                let key = |o: &Opinion| (o.direction, o.strength.to_bits(), o.confidence.to_bits());
                prop_assert_eq!(plain.as_ref().map(key), scaled.as_ref().map(key), "{}", name);
                let stop = plain.as_ref().and_then(|o| o.stop).map(|stop| stop * factor);
                prop_assert_eq!(stop, scaled.and_then(|o| o.stop), "{}", name);
            }
            for opinion in whole.iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&opinion.confidence), "{}", name);
                prop_assert!(opinion.strength >= 0.0 && opinion.strength.is_finite(), "{}", name);
            }
        }
    }
}

/// A leak as it happens: a centred mean, an early look at the next close, a rank over the whole.
#[test]
fn planted_leaks_are_caught() {
    let bars: Vec<Ohlcv> = (0..80_u32)
        .map(|at| {
            let close = 50.0 + f64::from(at % 13);
            Ohlcv { open: close, high: close + 1.0, low: close - 1.0, close, volume: 1.0 }
        })
        .collect();
    let opinion = |long: bool| {
        let mut opinion = EveryOther::default().push(&bars[0]).unwrap();
        opinion.strength = if long { 1.0 } else { 2.0 };
        Some(opinion)
    };
    let centred = |bars: &[Ohlcv]| -> Vec<Option<Opinion>> {
        let mean = |at: usize| {
            let around = &bars[at.saturating_sub(1)..(at + 2).min(bars.len())];
            around.iter().map(|bar| bar.close).sum::<f64>()
                / f64::from(u32::try_from(around.len()).unwrap())
        };
        (0..bars.len()).map(|at| opinion(bars[at].close > mean(at))).collect()
    };
    let peeking = |bars: &[Ohlcv]| -> Vec<Option<Opinion>> {
        let next = |at: usize| bars.get(at + 1).is_some_and(|bar| bar.close > bars[at].close);
        (0..bars.len()).map(|at| opinion(next(at))).collect()
    };
    let ranked = |bars: &[Ohlcv]| -> Vec<Option<Opinion>> {
        let highest = bars.iter().map(|bar| bar.close).fold(0.0, f64::max);
        bars.iter().map(|bar| opinion(bar.close >= 0.9 * highest)).collect()
    };
    // A leak need not show at every cut; over a few it does.
    let caught = |decide: &dyn Fn(&[Ohlcv]) -> Vec<Option<Opinion>>| {
        (20..40).any(|cut| !is_causal(decide, &bars, cut))
    };
    assert!(caught(&centred));
    assert!(caught(&peeking));
    assert!(caught(&ranked));
    assert!(!caught(&|bars| opinions(&mut EveryOther::default(), bars)));
}

#[test]
fn the_test_strategy_says_that_it_is_one() {
    assert_eq!(EveryOther::default().stage(), Stage::TestOnly);
    let members: Vec<Boxed> = vec![Box::new(EveryOther::default()), Box::new(Strat::default())];
    let ensemble = Ensemble::new(members, Vote::Confidence, Conflict::Skip).unwrap();
    assert_eq!(ensemble.stage(), Stage::TestOnly);
    assert_eq!(Strat::default().stage(), Stage::Production);
}
