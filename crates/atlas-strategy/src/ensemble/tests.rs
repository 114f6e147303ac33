use super::*;

/// Says what it was told to, bar by bar.
struct Scripted(Vec<Option<(Direction, f64)>>, usize);

impl Strategy for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        let (direction, confidence) = self.0[self.1]?;
        self.1 += 1;
        Some(Opinion {
            direction,
            strength: 1.0,
            confidence,
            horizon: 5,
            stop: Some(bar.close - confidence),
            target: None,
            evidence: crate::Evidence::default(),
        })
    }
}

const LONG: Direction = Direction::Long;
const EXIT: Direction = Direction::Exit;

fn vote(ballots: &[Option<(Direction, f64)>], vote: Vote, conflict: Conflict) -> Option<Opinion> {
    let members = ballots.iter().map(|ballot| Scripted(vec![*ballot], 0)).collect();
    let mut ensemble = Ensemble::new(members, vote, conflict).unwrap();
    let bar = Ohlcv { open: 9.0, high: 9.0, low: 9.0, close: 9.0, volume: 1.0 };
    ensemble.push(&bar)
}

#[test]
fn votes_are_counted_by_their_rule() {
    let two = || Vote::Consensus { needed: 2 };
    let split = [Some((LONG, 0.9)), Some((LONG, 0.5)), Some((EXIT, 0.2)), None];
    let direction = |opinion: Option<Opinion>| opinion.map(|opinion| opinion.direction);
    assert_eq!(direction(vote(&split, two(), Conflict::Skip)), None);
    let reduced = vote(&split, two(), Conflict::Reduce).unwrap();
    assert_eq!(reduced.direction, LONG);
    assert!((reduced.strength - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!(reduced.stop, Some(8.5), "the nearest stop counts");
    assert_eq!(direction(vote(&split[..1], Vote::Confidence, Conflict::Skip)), Some(LONG));
    let weights = Vote::Weighted(vec![1.0, 1.0, 3.0, 0.0]);
    assert_eq!(direction(vote(&split, weights, Conflict::Reduce)), Some(EXIT));
    let confident = vote(&split, Vote::Confidence, Conflict::Reduce);
    assert_eq!(direction(confident), Some(LONG));
    let tie = [Some((LONG, 0.5)), Some((EXIT, 0.5))];
    assert_eq!(direction(vote(&tie, Vote::Confidence, Conflict::Reduce)), None);
    assert_eq!(
        direction(vote(&split[..1], Vote::Consensus { needed: 1 }, Conflict::Skip)),
        Some(LONG)
    );
}

#[test]
fn agreement_is_tracked_and_nonsense_refused() {
    let scripts = [
        vec![Some((LONG, 1.0)), Some((LONG, 1.0)), Some((EXIT, 1.0))],
        vec![Some((LONG, 1.0)), Some((EXIT, 1.0)), Some((EXIT, 1.0))],
    ];
    let members = scripts.into_iter().map(|script| Scripted(script, 0)).collect();
    let mut ensemble = Ensemble::new(members, Vote::Confidence, Conflict::Skip).unwrap();
    assert_eq!(ensemble.agreement().between(0, 1), None);
    let bar = Ohlcv { open: 9.0, high: 9.0, low: 9.0, close: 9.0, volume: 1.0 };
    for _ in 0..3 {
        ensemble.push(&bar);
    }
    assert!((ensemble.agreement().between(0, 1).unwrap() - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(ensemble.ballots().len(), 2);
    assert_eq!(ensemble.agreement().between(0, 2), None);
    let none = Vec::<Scripted>::new();
    assert!(Ensemble::new(none, Vote::Confidence, Conflict::Skip).is_err());
    for vote in [
        Vote::Consensus { needed: 2 },
        Vote::Consensus { needed: 0 },
        Vote::Weighted(vec![]),
        Vote::Weighted(vec![f64::NAN]),
    ] {
        let one = vec![Scripted(Vec::new(), 0)];
        assert!(Ensemble::new(one, vote, Conflict::Skip).is_err());
    }
}

fn at(close: f64) -> Ohlcv {
    Ohlcv { open: close, high: close, low: close, close, volume: 1.0 }
}

fn scripted(script: &[Direction]) -> Scripted {
    Scripted(script.iter().map(|side| Some((*side, 1.0))).collect(), 0)
}

/// Closes 100, 110, 99, 108.9: +10 %, −10 %, +10 %.
const CLOSES: [f64; 4] = [100.0, 110.0, 99.0, 108.9];

#[test]
fn members_are_followed_and_credited() {
    let members = vec![scripted(&[LONG, LONG, EXIT, EXIT]), scripted(&[LONG, EXIT, LONG, LONG])];
    let vote = Vote::Consensus { needed: 1 };
    let mut ensemble = Ensemble::new(members, vote, Conflict::Reduce).unwrap();
    let verdicts: Vec<Option<Opinion>> =
        CLOSES.iter().map(|close| ensemble.push(&at(*close))).collect();
    // Both long, then a tie twice and a tie again: the side of the first vote stays.
    assert_eq!(verdicts.iter().flatten().count(), 1);
    let found = ensemble.attribution();
    let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
    let sums: Vec<f64> = found.members().iter().map(Track::sum).collect();
    assert!(near(sums[0], 0.1 - 0.1) && near(sums[1], 0.1 + 0.1), "{sums:?}");
    assert!(near(found.ensemble().sum(), 0.1));
    assert!(near(found.credit()[0], 0.05) && near(found.credit()[1], 0.05));
    assert_eq!((found.members()[0].bars(), found.members()[0].held()), (3, 2));
    assert!(found.weights()[0].abs() < 1e-12 && found.weights()[1] > 0.0);
    // Returns 0.1, −0.1, 0 and 0.1, 0, 0.1.
    let expected = (0.01 / 3.0) / ((0.02_f64 / 3.0).sqrt() * (0.02_f64 / 3.0 - 0.04 / 9.0).sqrt());
    assert!(near(found.correlation(0, 1).unwrap(), expected));
    assert!(near(found.correlation(1, 1).unwrap(), 1.0));
    assert_eq!(found.correlation(0, 2), None);
}

#[test]
fn sides_correlate() {
    let mut ensemble = Ensemble::new(
        vec![scripted(&[LONG, LONG, EXIT, EXIT]), scripted(&[LONG, EXIT, EXIT, EXIT])],
        Vote::Confidence,
        Conflict::Skip,
    )
    .unwrap();
    assert_eq!(ensemble.agreement().correlation(0, 1), None);
    for close in CLOSES {
        ensemble.push(&at(close));
    }
    let found = ensemble.agreement();
    // Of four bars one both long, two and one long: (4·1 − 2·1) / (√(2·2) √(1·3)).
    assert!((found.correlation(0, 1).unwrap() - 2.0 / 12_f64.sqrt()).abs() < 1e-12);
    assert!((found.correlation(0, 0).unwrap() - 1.0).abs() < 1e-12);
    assert!((found.between(0, 1).unwrap() - 0.75).abs() < 1e-12);
    assert_eq!(found.correlation(2, 0), None);
}

#[test]
fn rules_are_tried_on_the_same_ballots() {
    let members = || vec![scripted(&[LONG, EXIT, LONG, LONG]), scripted(&[EXIT, EXIT, LONG, EXIT])];
    let rule = |weights: [f64; 2]| Rule {
        vote: Vote::Weighted(weights.to_vec()),
        conflict: Conflict::Reduce,
    };
    let mut trial = Trial::new(members(), vec![rule([1.0, 2.0]), rule([2.0, 1.0])]).unwrap();
    assert_eq!(trial.score(1), None);
    let followed: Vec<Direction> =
        CLOSES.iter().map(|close| trial.push(&at(*close)).unwrap().direction).collect();
    assert_eq!(followed, [EXIT, EXIT, LONG, EXIT], "the first rule is followed");
    let sums: Vec<f64> = trial.arms().iter().map(|arm| arm.track.sum()).collect();
    assert!((sums[0] - 0.1).abs() < 1e-12 && (sums[1] - 0.2).abs() < 1e-12, "{sums:?}");
    // Beyond the first: 0.1, 0, 0.
    assert!((trial.score(1).unwrap() - 1.0).abs() < 1e-9);
    assert_eq!((trial.score(0), trial.score(2)), (None, None));
    let consensus = Rule { vote: Vote::Consensus { needed: 3 }, conflict: Conflict::Skip };
    assert!(Trial::new(members(), vec![rule([1.0, 1.0])]).is_err());
    assert!(Trial::new(members(), vec![rule([1.0, 1.0]), consensus]).is_err());
    assert!(Trial::new(Vec::<Scripted>::new(), vec![rule([1.0, 1.0]), rule([1.0, 2.0])]).is_err());
}
