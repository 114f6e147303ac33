//! Descents from all starts side by side.

use super::lanes::{Trail, forward, lanes_of_a_vector};
use super::runs::{PrefixSums, Runs};
use crate::Rows;
use crate::descent::{Limits, Restart, Stop};
use crate::wide::Floats;

/// One descent in progress.
#[derive(Debug, Clone)]
struct Descent {
    centers: Vec<f64>,
    /// Every labelling so far; old ones are empty where they took too much room.
    history: Vec<Runs>,
    /// Objective of each.
    values: Vec<f64>,
    stop: Option<Stop>,
    leader: Option<Leader>,
}

/// Another descent that took the same labels, and so will take the same steps from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Leader {
    descent: usize,
    /// Number of the labelling they have in common.
    step: usize,
}

impl Descent {
    fn new(start: &[f64]) -> Self {
        let centers = start.to_vec();
        Self { centers, history: Vec::new(), values: Vec::new(), stop: None, leader: None }
    }

    /// Updates of the centres so far.
    const fn iterations(&self) -> usize {
        self.values.len().saturating_sub(1)
    }

    const fn runs(&self) -> bool {
        self.stop.is_none() && self.leader.is_none()
    }
}

/// Runs every start to its end: the same restarts as one after the other, centres equal to
/// rounding (they come from differences of prefix sums).
///
/// Descents that meet go on as one: from equal labels follow equal centres, hence the same labels,
/// objective and stop, but for the limit of iterations.
pub(super) fn descend_all(
    rows: Rows<'_>,
    states: usize,
    penalty: f64,
    starts: &[Vec<f64>],
    limits: Limits,
) -> Vec<Restart> {
    descend_in(lanes_of_a_vector(), rows, (states, penalty), starts, limits)
}

/// The same with vectors of so many lanes.
fn descend_in(
    lanes: usize,
    rows: Rows<'_>,
    (states, penalty): (usize, f64),
    starts: &[Vec<f64>],
    limits: Limits,
) -> Vec<Restart> {
    let sums = PrefixSums::new(rows);
    let mut pass = Pass::new(rows, states, penalty, lanes);
    let mut out = Vec::with_capacity(starts.len());
    for lot in starts.chunks(LOT) {
        let mut all: Vec<Descent> = lot.iter().map(|start| Descent::new(start)).collect();
        run(&mut pass, &sums, &mut all, limits, true);
        for i in 0..all.len() {
            for follower in followers(&all, i) {
                if !catch_up(&mut all, follower, limits) {
                    let mut alone = [Descent::new(&lot[follower])];
                    run(&mut pass, &sums, &mut alone, limits, false);
                    let [alone] = alone;
                    all[follower] = alone;
                }
            }
        }
        out.extend(all.into_iter().map(finished));
    }
    out
}

/// Descents that may meet: looking for those that did takes the square of it.
const LOT: usize = 64;

/// Descent `i`, the one it follows, the one that follows, and so on: those without an end of their
/// own, in the order in which each comes after its leader.
fn followers(all: &[Descent], i: usize) -> Vec<usize> {
    let mut chain = Vec::new();
    let mut next = i;
    while let Some(leader) = all[next].leader.filter(|_| chain.len() < all.len()) {
        chain.push(next);
        next = leader.descent;
    }
    chain.reverse();
    chain
}

/// Labels and centres in turn until every descent has stopped or, where `meet`, met another one.
fn run(pass: &mut Pass<'_>, sums: &PrefixSums, all: &mut [Descent], limits: Limits, meet: bool) {
    let mut active: Vec<usize> = (0..all.len()).collect();
    while !active.is_empty() {
        let mut left = active.as_slice();
        while !left.is_empty() {
            let (now, later) = left.split_at(pass.lanes_of(left.len()));
            pass.label(all, now);
            left = later;
        }
        for &i in &active {
            decide(&mut all[i], limits);
        }
        if meet {
            for &i in &active {
                all[i].leader = leader(all, i);
            }
        }
        active.retain(|&i| all[i].runs());
        forget(all);
        for &i in &active {
            let Descent { history, centers, .. } = &mut all[i];
            if let Some(runs) = history.last() {
                sums.centers(runs, centers);
            }
        }
    }
}

/// The stop tests, in the order of the reference.
fn decide(descent: &mut Descent, limits: Limits) {
    let unchanged = match descent.history.as_slice() {
        [.., before, now] => before.same_grouping(now),
        _ => false,
    };
    let (before, now) = match *descent.values.as_slice() {
        [.., before, now] => (before, now),
        [now] => (f64::INFINITY, now),
        [] => (f64::INFINITY, f64::INFINITY),
    };
    descent.stop = if descent.iterations() >= limits.iterations_max {
        Some(Stop::MaxIter)
    } else if unchanged {
        Some(Stop::SameClustering)
    } else if before - now > limits.tol {
        None
    } else {
        Some(Stop::Tol)
    };
}

/// A descent that has gone on, or will, from the labels that descent `i` has just taken.
fn leader(all: &[Descent], i: usize) -> Option<Leader> {
    let now = all[i].history.last().filter(|_| all[i].runs())?;
    all.iter().enumerate().filter(|(j, _)| *j != i).find_map(|(descent, other)| {
        let going = usize::from(!other.runs());
        let known = other.history.len().saturating_sub(going);
        let step = other.history[..known].iter().position(|runs| runs == now)?;
        Some(Leader { descent, step })
    })
}

/// Lets descent `i` end as its leader did; false where that has no end yet, or where the limit of
/// iterations takes part, which counts for each on its own.
fn catch_up(all: &mut [Descent], i: usize, limits: Limits) -> bool {
    let Some(Leader { descent, step }) = all[i].leader else { return true };
    if all[descent].leader.is_some() {
        return false;
    }
    let leader = all[descent].clone();
    let last = all[i].values.len() + leader.values.len() - 1 - step;
    if leader.stop == Some(Stop::MaxIter) || last > limits.iterations_max {
        return false;
    }
    let descent = &mut all[i];
    descent.values.extend(&leader.values[step + 1..]);
    (descent.stop, descent.leader) = (leader.stop, None);
    (descent.centers, descent.history) = (leader.centers, leader.history);
    true
}

/// Empties old labellings where they take too much room; then fewer descents meet.
fn forget(all: &mut [Descent]) {
    let kept = all.iter().flat_map(|descent| &descent.history);
    if kept.map(|runs| runs.ends.len()).sum::<usize>() > KEPT_MAX {
        for descent in all {
            let old = descent.history.len().saturating_sub(2);
            descent.history[..old].fill(Runs::default());
        }
    }
}

/// Runs of equal labels kept of all descents together.
const KEPT_MAX: usize = 1 << 21;

fn finished(descent: Descent) -> Restart {
    Restart {
        value: descent.values.last().copied().unwrap_or(f64::INFINITY),
        iterations: descent.iterations(),
        stop: descent.stop.unwrap_or(Stop::MaxIter),
        labels: descent.history.last().map(Runs::labels).unwrap_or_default(),
        centers: descent.centers,
        values: descent.values,
    }
}

/// The buffers of one labelling of several lanes.
#[derive(Debug)]
struct Pass<'a> {
    rows: Rows<'a>,
    states: usize,
    penalty: f64,
    /// Lanes of a vector.
    lanes: usize,
    packed: Packed,
    trail: Trail,
}

/// Centres side by side, in vectors of four or eight.
#[derive(Debug, Default)]
struct Packed {
    fours: Vec<Floats<4>>,
    eights: Vec<Floats<8>>,
}

impl<'a> Pass<'a> {
    fn new(rows: Rows<'a>, states: usize, penalty: f64, lanes: usize) -> Self {
        let (packed, trail) = (Packed::default(), Trail::default());
        Self { rows, states, penalty, lanes, packed, trail }
    }

    /// How many of so many descents to label in one go: several vectors where their values fit
    /// into registers.
    fn lanes_of(&self, descents: usize) -> usize {
        descents.min(match (self.states, self.lanes) {
            (5.., lanes) => lanes,
            (_, 8) => 16,
            (_, _) => 12,
        })
    }

    /// Labels the rows for the given descents, as many as [`lanes_of`](Self::lanes_of) allows.
    fn label(&mut self, all: &mut [Descent], lanes: &[usize]) {
        match self.states {
            1 => self.label_few::<1>(all, lanes),
            2 => self.label_few::<2>(all, lanes),
            3 => self.label_few::<3>(all, lanes),
            4 => self.label_few::<4>(all, lanes),
            5 => self.label_one::<5>(all, lanes),
            6 => self.label_one::<6>(all, lanes),
            7 => self.label_one::<7>(all, lanes),
            _ => self.label_one::<8>(all, lanes),
        }
    }

    fn label_few<const K: usize>(&mut self, all: &mut [Descent], lanes: &[usize]) {
        match (self.lanes, lanes.len().div_ceil(self.lanes)) {
            (_, 1) => self.label_one::<K>(all, lanes),
            (8, _) => self.label_eights::<K, 2>(all, lanes),
            (_, 2) => self.label_fours::<K, 2>(all, lanes),
            (_, _) => self.label_fours::<K, 3>(all, lanes),
        }
    }

    fn label_one<const K: usize>(&mut self, all: &mut [Descent], lanes: &[usize]) {
        match self.lanes {
            8 if lanes.len() > 4 => self.label_eights::<K, 1>(all, lanes),
            _ => self.label_fours::<K, 1>(all, lanes),
        }
    }

    fn label_fours<const K: usize, const V: usize>(
        &mut self,
        all: &mut [Descent],
        lanes: &[usize],
    ) {
        pack::<K, V, 4>(all, lanes, &mut self.packed.fours);
        let last = forward::<K, V, 4>(self.rows, &self.packed.fours, self.penalty, &mut self.trail);
        self.take(all, lanes, &last);
    }

    fn label_eights<const K: usize, const V: usize>(
        &mut self,
        all: &mut [Descent],
        lanes: &[usize],
    ) {
        pack::<K, V, 8>(all, lanes, &mut self.packed.eights);
        let last =
            forward::<K, V, 8>(self.rows, &self.packed.eights, self.penalty, &mut self.trail);
        self.take(all, lanes, &last);
    }

    /// Follows the path of every descent back from the values of the last row.
    fn take<const K: usize, const V: usize, const N: usize>(
        &self,
        all: &mut [Descent],
        lanes: &[usize],
        values: &[[Floats<N>; V]; K],
    ) {
        for (lane, &i) in lanes.iter().enumerate() {
            let mut last = (0_u8, f64::INFINITY);
            for (k, value) in (0_u8..).zip(values) {
                let value = value[lane / N].0[lane % N];
                if value < last.1 {
                    last = (k, value);
                }
            }
            let runs = self.trail.runs(self.rows.len(), K, lane, last.0);
            all[i].history.push(runs);
            all[i].values.push(last.1);
        }
    }
}

/// Lays the centres of the given descents side by side, column after column; lanes without a
/// descent repeat the first. Empty states, whose centres are NaN, are infinitely far away.
fn pack<const K: usize, const V: usize, const N: usize>(
    all: &[Descent],
    lanes: &[usize],
    packed: &mut Vec<Floats<N>>,
) {
    let first = &all[lanes[0]].centers;
    let cols = first.len() / K;
    packed.clear();
    packed.resize(first.len() * V, Floats([0.0; N]));
    for lane in 0..N * V {
        let centers = lanes.get(lane).map_or(first, |&i| &all[i].centers);
        for (i, c) in centers.iter().enumerate() {
            let (state, column) = (i / cols, i % cols);
            let c = if c.is_nan() { f64::INFINITY } else { *c };
            packed[(column * K + state) * V + lane / N].0[lane % N] = c;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mt19937;

    #[test]
    fn descents_that_meet_end_as_each_would_alone() {
        let mut rng = Mt19937::new(29);
        let (mut met, mut limited) = (0, 0);
        for (states, penalty) in [(1, 1.0), (2, 0.0), (2, 0.4), (3, 0.3), (5, 0.1), (8, 0.05)] {
            let data: Vec<f64> = (0..120).map(|_| (6.0 * rng.next_f64()).floor()).collect();
            let rows = Rows::new(&data, 2).unwrap();
            let pick = |_| (3.0 * rng.next_f64()).floor() + 0.5;
            let mut starts: Vec<Vec<f64>> = vec![(0..2 * states).map(pick).collect(); 2];
            for _ in 0..21 {
                starts.push((0..2 * states).map(|_| 6.0 * rng.next_f64()).collect());
            }
            starts[7][0] = f64::NAN;
            starts[7][1] = f64::NAN;
            for iterations_max in [0, 1, 2, 3, 4, 6, 1000] {
                let limits = Limits { iterations_max, tol: 1e-8, exact: false };
                let run = |starts: &[Vec<f64>]| descend_all(rows, states, penalty, starts, limits);
                let together = run(&starts);
                for (start, found) in starts.iter().zip(&together) {
                    let alone = run(std::slice::from_ref(start));
                    assert_eq!(format!("{found:?}"), format!("{:?}", alone[0]));
                    met += u32::from(found.stop == Stop::SameClustering);
                    limited += u32::from(found.stop == Stop::MaxIter);
                }
            }
        }
        assert!(met > 300 && limited > 300, "{met} {limited}");
    }

    #[test]
    fn descents_are_the_same_in_vectors_of_any_width() {
        let mut rng = Mt19937::new(31);
        for states in 1..=8 {
            let data: Vec<f64> = (0..390).map(|_| 6.0 * rng.next_f64()).collect();
            let rows = Rows::new(&data, 3).unwrap();
            for n in [1, 4, 5, 10, 23] {
                let draw = |_| (0..3 * states).map(|_| 6.0 * rng.next_f64()).collect();
                let starts: Vec<Vec<f64>> = (0..n).map(draw).collect();
                let limits = Limits { iterations_max: 40, tol: 1e-8, exact: false };
                let run = |lanes| descend_in(lanes, rows, (states, 0.7), &starts, limits);
                assert_eq!(format!("{:?}", run(4)), format!("{:?}", run(8)), "{states} {n}");
            }
        }
    }

    #[test]
    fn a_chain_of_leaders_of_any_length_is_followed_from_its_end() {
        let mut all = vec![Descent::new(&[0.0]); 100_000];
        for (i, descent) in all.iter_mut().enumerate() {
            descent.values = vec![2.0];
            descent.leader = Some(Leader { descent: i + 1, step: 0 });
        }
        let last = all.len() - 1;
        all[last].values = vec![2.0, 1.0];
        (all[last].leader, all[last].stop) = (None, Some(Stop::Tol));
        let limits = Limits { iterations_max: 10, tol: 0.0, exact: false };
        let chain = followers(&all, 0);
        assert_eq!((chain.len(), chain[0]), (last, last - 1));
        assert!(chain.into_iter().all(|i| catch_up(&mut all, i, limits)));
        assert!(all.iter().all(|d| d.values == [2.0, 1.0] && d.stop == Some(Stop::Tol)));
        // Leaders in a circle end, and none of them has an end to follow.
        all.truncate(2);
        all[0].leader = Some(Leader { descent: 1, step: 0 });
        all[1].leader = Some(Leader { descent: 0, step: 0 });
        assert_eq!(followers(&all, 0), [1, 0]);
        assert!(!catch_up(&mut all, 1, limits));
    }
}
