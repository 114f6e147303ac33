//! The forward recursion of several restarts at once, one restart per lane.
//!
//! Lanes come in vectors of four or eight, which the compiler turns into vector instructions; every
//! lane does the same operations in the same order as [`super::estep`], so the result is the same to
//! the bit whatever the width of the vectors.

use crate::Rows;
#[cfg(target_arch = "x86_64")]
use crate::wide::has_avx512;
use crate::wide::{Floats, Words, add, and, at_most, less, min, mul, or, splat, sub, without};

/// What the recursion leaves for the way back: bits per lane, row t in bit t % 64 of its word.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// Words per lane and plane.
    words: usize,
    lanes: usize,
    /// Planes: for each state, whether it was entered by a jump; then the origin of jumps in
    /// binary, lowest digit first.
    bits: Vec<u64>,
}

/// Digits of an origin in binary for K states.
const fn digits(states: usize) -> usize {
    match states {
        0..=2 => 1,
        3..=4 => 2,
        _ => 3,
    }
}

impl Trail {
    fn reset(&mut self, rows: usize, states: usize, lanes: usize) {
        self.words = rows.div_ceil(64);
        self.lanes = lanes;
        self.bits.clear();
        self.bits.resize((states + digits(states)) * self.words * lanes, 0);
    }

    fn plane(&self, plane: usize, lane: usize) -> &[u64] {
        let start = (plane * self.lanes + lane) * self.words;
        &self.bits[start..start + self.words]
    }

    /// The last row at or before `row`, 0 excluded, in which the bit is set.
    fn last_set(&self, plane: usize, lane: usize, row: usize) -> Option<usize> {
        let words = self.plane(plane, lane);
        let mut word = row / 64;
        let mut bits = words[word] & (u64::MAX >> (63 - row % 64));
        loop {
            if bits != 0 {
                return Some(word * 64 + 63 - bits.leading_zeros() as usize);
            }
            word = word.checked_sub(1)?;
            bits = words[word];
        }
    }

    /// Follows the path of one lane back from `state` in the last row.
    pub(super) fn runs(
        &self,
        rows: usize,
        states: usize,
        lane: usize,
        last: u8,
    ) -> super::runs::Runs {
        let mut out = super::runs::Runs { ends: vec![rows], states: vec![last] };
        let (mut state, mut row) = (usize::from(last), rows - 1);
        while let Some(jump) = self.last_set(state, lane, row) {
            let mut origin = 0_u8;
            for digit in 0..digits(states) {
                let word = self.plane(states + digit, lane)[jump / 64];
                origin |= u8::from(word >> (jump % 64) & 1 == 1) << digit;
            }
            if usize::from(origin) != state {
                out.ends.push(jump);
                out.states.push(origin);
            }
            state = usize::from(origin);
            if jump == 0 {
                break;
            }
            row = jump - 1;
        }
        out.ends.reverse();
        out.states.reverse();
        out
    }
}

/// How many lanes a vector has on this processor.
pub(super) fn lanes_of_a_vector() -> usize {
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        return 8;
    }
    4
}

/// Runs `N V` lanes of `K` states over all rows.
///
/// `centers[(j * K + k) * V + v]` holds `N` lanes; returns the values of the last row, state by
/// state, and fills the trail. The centres of empty states are infinite, and so is their cost.
pub(super) fn forward<const K: usize, const V: usize, const N: usize>(
    rows: Rows<'_>,
    centers: &[Floats<N>],
    penalty: f64,
    trail: &mut Trail,
) -> [[Floats<N>; V]; K] {
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        #[expect(unsafe_code, reason = "the processor was just asked; measured to be worth it")]
        // SAFETY: the function needs nothing but the three sets, which the processor has.
        return unsafe { forward_avx512::<K, V, N>(rows, centers, penalty, trail) };
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(
            unsafe_code,
            reason = "the processor was just asked; 2 times as fast (measured)"
        )]
        // SAFETY: the function needs nothing but AVX2, which the processor has.
        return unsafe { forward_avx2::<K, V, N>(rows, centers, penalty, trail) };
    }
    forward_plain::<K, V, N>(rows, centers, penalty, trail)
}

/// The same loops compiled for wider vectors; no operation is fused, so no bit differs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn forward_avx512<const K: usize, const V: usize, const N: usize>(
    rows: Rows<'_>,
    centers: &[Floats<N>],
    penalty: f64,
    trail: &mut Trail,
) -> [[Floats<N>; V]; K] {
    forward_plain::<K, V, N>(rows, centers, penalty, trail)
}

/// The same loops compiled for wider vectors; no operation is fused, so no bit differs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn forward_avx2<const K: usize, const V: usize, const N: usize>(
    rows: Rows<'_>,
    centers: &[Floats<N>],
    penalty: f64,
    trail: &mut Trail,
) -> [[Floats<N>; V]; K] {
    forward_plain::<K, V, N>(rows, centers, penalty, trail)
}

/// Values and collected bits of the lanes of one vector.
#[derive(Debug, Clone, Copy)]
struct Vector<const K: usize, const N: usize> {
    values: [Floats<N>; K],
    jumped: [Words<N>; K],
    origin: [Words<N>; 3],
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled once per instruction set it is called from")]
fn forward_plain<const K: usize, const V: usize, const N: usize>(
    rows: Rows<'_>,
    centers: &[Floats<N>],
    penalty: f64,
    trail: &mut Trail,
) -> [[Floats<N>; V]; K] {
    trail.reset(rows.len(), K, N * V);
    let cols = rows.cols();
    let (centers, _) = centers.as_chunks::<V>();
    let nothing = Words([0; N]);
    let empty = Vector { values: [splat(0.0); K], jumped: [nothing; K], origin: [nothing; 3] };
    let mut vectors = [empty; V];
    // Twice all costs, which spares halving the squared distances and changes no bit else, as long
    // as twice the penalty and twice the costs are finite: the fit refuses what overflows.
    let penalty = splat(2.0 * penalty);
    for (word, block) in rows.as_slice().chunks(64 * cols).enumerate() {
        let mut block = block.chunks_exact(cols);
        let collected = block.len();
        if word == 0
            && let Some(row) = block.next()
        {
            for (v, vector) in vectors.iter_mut().enumerate() {
                vector.values = distances::<K, V, N>(row, centers, v);
            }
        }
        let done = collected - block.len();
        for (t, row) in block.enumerate() {
            let bit = Words([1 << (done + t); N]);
            for (v, vector) in vectors.iter_mut().enumerate() {
                let losses = distances::<K, V, N>(row, centers, v);
                step(vector, &losses, penalty, bit);
            }
        }
        flush(trail, word, &mut vectors);
    }
    std::array::from_fn(|k| std::array::from_fn(|v| mul(splat(0.5), vectors[v].values[k])))
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "part of the recursion")]
fn distances<const K: usize, const V: usize, const N: usize>(
    row: &[f64],
    centers: &[[Floats<N>; V]],
    v: usize,
) -> [Floats<N>; K] {
    let mut out = [splat(0.0); K];
    let (centers, _) = centers.as_chunks::<K>();
    let (Some((x, row)), Some((center, centers))) = (row.split_first(), centers.split_first())
    else {
        return out;
    };
    let columns = row.iter().zip(centers);
    let (sums, more) = out.split_at_mut(K.min(UNROLLED));
    let (near, far) = center.split_at(K.min(UNROLLED));
    let x = splat(*x);
    sums.iter_mut().zip(near).for_each(|(sum, center)| *sum = square(sub(x, center[v])));
    more.iter_mut().zip(far).for_each(|(sum, center)| *sum = square(sub(x, center[v])));
    for (x, center) in columns {
        // In halves, as the compiler unrolls short loops only.
        let (sums, more) = out.split_at_mut(K.min(UNROLLED));
        let (near, far) = center.split_at(K.min(UNROLLED));
        let x = splat(*x);
        sums.iter_mut().zip(near).for_each(|(s, c)| *s = add(*s, square(sub(x, c[v]))));
        more.iter_mut().zip(far).for_each(|(s, c)| *s = add(*s, square(sub(x, c[v]))));
    }
    out
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "part of the recursion")]
fn square<const N: usize>(x: Floats<N>) -> Floats<N> {
    mul(x, x)
}

/// States handled in one loop that is short enough to be unrolled.
const UNROLLED: usize = 4;

#[inline(always)]
#[expect(clippy::inline_always, reason = "part of the recursion")]
#[expect(clippy::needless_range_loop, reason = "in halves: the compiler unrolls short loops only")]
fn step<const K: usize, const N: usize>(
    vector: &mut Vector<K, N>,
    losses: &[Floats<N>; K],
    penalty: Floats<N>,
    bit: Words<N>,
) {
    let mut jump = Jump {
        cost: splat(f64::INFINITY),
        penalty,
        bit,
        found: Words([0; N]),
        origin: [Words([0; N]); 3],
    };
    for k in 0..K.min(UNROLLED) {
        jump.cost = min(add(vector.values[k], penalty), jump.cost);
    }
    for k in UNROLLED..K {
        jump.cost = min(add(vector.values[k], penalty), jump.cost);
    }
    for k in 0..K.min(UNROLLED) {
        jump.enter(k, vector, losses[k]);
    }
    for k in UNROLLED..K {
        jump.enter(k, vector, losses[k]);
    }
    for digit in 0..digits(K) {
        vector.origin[digit] = or(vector.origin[digit], and(jump.origin[digit], bit));
    }
}

/// The cheapest way to jump, and where it comes from.
struct Jump<const N: usize> {
    cost: Floats<N>,
    penalty: Floats<N>,
    /// Where this row's bits go.
    bit: Words<N>,
    /// Whether it comes from one of the states looked at.
    found: Words<N>,
    /// Digits of the state it comes from.
    origin: [Words<N>; 3],
}

impl<const N: usize> Jump<N> {
    /// Decides whether state `k` is entered by the jump, and adds the loss.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "part of the recursion")]
    fn enter<const K: usize>(&mut self, k: usize, vector: &mut Vector<K, N>, loss: Floats<N>) {
        let v = vector.values[k];
        let here = without(at_most(add(v, self.penalty), self.cost), self.found);
        // A jump is taken where it is cheaper, and on a tie where it comes from before k.
        let jumps = or(less(self.cost, v), and(at_most(self.cost, v), self.found));
        vector.jumped[k] = or(vector.jumped[k], and(jumps, self.bit));
        for digit in 0..digits(K) {
            if k >> digit & 1 == 1 {
                self.origin[digit] = or(self.origin[digit], here);
            }
        }
        self.found = or(self.found, here);
        vector.values[k] = add(loss, min(v, self.cost));
    }
}

/// Stores the bits of the rows of one block per lane.
fn flush<const K: usize, const V: usize, const N: usize>(
    trail: &mut Trail,
    word: usize,
    vectors: &mut [Vector<K, N>; V],
) {
    for (v, vector) in vectors.iter_mut().enumerate() {
        let planes = vector.jumped.iter_mut().chain(vector.origin.iter_mut().take(digits(K)));
        for (plane, bits) in planes.enumerate() {
            for (lane, bits) in bits.0.iter_mut().enumerate() {
                trail.bits[(plane * N * V + N * v + lane) * trail.words + word] = *bits;
                *bits = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mt19937;
    use crate::descent::Steps as _;
    use crate::discrete::estep::Discrete;

    type Kernel<const K: usize, const V: usize, const N: usize> =
        fn(Rows<'_>, &[Floats<N>], f64, &mut Trail) -> [[Floats<N>; V]; K];

    /// Every way the recursion is compiled that this processor can run.
    fn kernels<const K: usize, const V: usize, const N: usize>() -> Vec<Kernel<K, V, N>> {
        let mut out: Vec<Kernel<K, V, N>> = vec![forward, forward_plain];
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") {
                #[expect(unsafe_code, reason = "each set of instructions by itself")]
                out.push(|rows, centers, penalty, trail| {
                    // SAFETY: the processor was just asked for what the function needs.
                    unsafe { forward_avx2(rows, centers, penalty, trail) }
                });
            }
            if std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512dq")
                && std::arch::is_x86_feature_detected!("avx512vl")
            {
                #[expect(unsafe_code, reason = "each set of instructions by itself")]
                out.push(|rows, centers, penalty, trail| {
                    // SAFETY: the processor was just asked for what the function needs.
                    unsafe { forward_avx512(rows, centers, penalty, trail) }
                });
            }
        }
        out
    }

    /// Centres of one lane, state after state; on a coarse grid, so that costs tie.
    fn centers(rng: &mut Mt19937, states: usize) -> Vec<f64> {
        let mut out: Vec<f64> =
            (0..3 * states).map(|_| (8.0 * rng.next_f64()).floor() / 4.0 - 1.0).collect();
        if states > 1 && rng.next_f64() < 0.3 {
            out[..3].fill(f64::NAN);
        }
        out
    }

    /// Every kernel against one lane after the other in the scalar recursion.
    fn check<const K: usize, const V: usize, const N: usize>(rows: Rows<'_>, penalty: f64) {
        let mut rng = Mt19937::new(17);
        let lanes: Vec<Vec<f64>> = (0..N * V).map(|_| centers(&mut rng, K)).collect();
        let mut packed = vec![splat::<N>(0.0); 3 * K * V];
        for (lane, centers) in lanes.iter().enumerate() {
            for (i, c) in centers.iter().enumerate() {
                let place = (i % 3 * K + i / 3) * V + lane / N;
                packed[place].0[lane % N] = if c.is_nan() { f64::INFINITY } else { *c };
            }
        }
        let found: Vec<_> = kernels::<K, V, N>()
            .into_iter()
            .map(|kernel| {
                let mut trail = Trail::default();
                let last = kernel(rows, &packed, penalty, &mut trail);
                (last, trail)
            })
            .collect();
        let mut labels = vec![0; rows.len()];
        for (lane, centers) in lanes.iter().enumerate() {
            let mut scalar = Discrete::new(rows, K, penalty);
            let value = scalar.label(centers, &mut labels);
            for (last, trail) in &found {
                let costs = last.map(|vectors| vectors[lane / N].0[lane % N]);
                let state = crate::dp::first_smallest(costs.into_iter());
                assert_eq!(costs[state].to_bits(), value.to_bits(), "{K} {V} {N} {lane}");
                let state = u8::try_from(state).unwrap();
                assert_eq!(trail.runs(rows.len(), K, lane, state).labels(), labels, "{K} {lane}");
            }
        }
    }

    #[test]
    fn every_kernel_gives_the_bits_of_the_scalar_recursion() {
        let mut rng = Mt19937::new(11);
        let coarse = |x: f64| (16.0 * x).floor() / 8.0 - 1.0;
        for rows in [1, 2, 64, 65, 300] {
            let data: Vec<f64> = (0..3 * rows).map(|_| coarse(rng.next_f64())).collect();
            let rows = Rows::new(&data, 3).unwrap();
            for penalty in [0.0, 0.25, 0.3, 5.0] {
                check::<1, 3, 4>(rows, penalty);
                check::<2, 3, 4>(rows, penalty);
                check::<3, 2, 4>(rows, penalty);
                check::<4, 3, 4>(rows, penalty);
                check::<5, 1, 4>(rows, penalty);
                check::<6, 1, 4>(rows, penalty);
                check::<7, 1, 4>(rows, penalty);
                check::<8, 1, 4>(rows, penalty);
                check::<1, 2, 8>(rows, penalty);
                check::<2, 2, 8>(rows, penalty);
                check::<3, 1, 8>(rows, penalty);
                check::<4, 2, 8>(rows, penalty);
                check::<5, 1, 8>(rows, penalty);
                check::<6, 1, 8>(rows, penalty);
                check::<7, 1, 8>(rows, penalty);
                check::<8, 1, 8>(rows, penalty);
            }
        }
    }
}
