//! The forward recursion of several restarts at once, one restart per lane.
//!
//! Lanes come in fours, which the compiler turns into vector instructions; every lane does the
//! same operations in the same order as [`super::estep`], so the result is the same to the bit
//! whatever the width of the vectors.

use super::four::{F4, U4, add, and, at_most, less, min, mul, or, shift_in, splat, sub, without};
use crate::Rows;

/// What the recursion leaves for the way back: bits per lane, newest row lowest, 64 rows a word.
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

/// Runs `4 V` lanes of `K` states over all rows.
///
/// `centers[(k * D + j) * V + v]` holds four lanes; returns the values of the last row, state by
/// state, and fills the trail. NaN centres, those of empty states, cost infinitely much.
pub(super) fn forward<const K: usize, const V: usize>(
    rows: Rows<'_>,
    centers: &[F4],
    penalty: f64,
    trail: &mut Trail,
) -> [[F4; V]; K] {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(
            unsafe_code,
            reason = "the processor was just asked; 2 times as fast (measured)"
        )]
        // SAFETY: the function needs nothing but AVX2, which the processor has.
        return unsafe { forward_avx2::<K, V>(rows, centers, penalty, trail) };
    }
    forward_plain::<K, V>(rows, centers, penalty, trail)
}

/// The same loops compiled for wider vectors; no operation is fused, so no bit differs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn forward_avx2<const K: usize, const V: usize>(
    rows: Rows<'_>,
    centers: &[F4],
    penalty: f64,
    trail: &mut Trail,
) -> [[F4; V]; K] {
    forward_plain::<K, V>(rows, centers, penalty, trail)
}

/// Values and collected bits of four lanes.
#[derive(Debug, Clone, Copy)]
struct Four<const K: usize> {
    values: [F4; K],
    jumped: [U4; K],
    origin: [U4; 3],
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled once per instruction set it is called from")]
fn forward_plain<const K: usize, const V: usize>(
    rows: Rows<'_>,
    centers: &[F4],
    penalty: f64,
    trail: &mut Trail,
) -> [[F4; V]; K] {
    trail.reset(rows.len(), K, 4 * V);
    let cols = rows.cols();
    let (centers, _) = centers.as_chunks::<V>();
    let nothing = U4([0; 4]);
    let empty = Four { values: [splat(0.0); K], jumped: [nothing; K], origin: [nothing; 3] };
    let mut lanes = [empty; V];
    let penalty = splat(penalty);
    for (word, block) in rows.as_slice().chunks(64 * cols).enumerate() {
        let mut block = block.chunks_exact(cols);
        let collected = block.len();
        if word == 0
            && let Some(row) = block.next()
        {
            for (v, four) in lanes.iter_mut().enumerate() {
                four.values = losses::<K, V>(row, centers, v);
            }
        }
        for row in block {
            for (v, four) in lanes.iter_mut().enumerate() {
                let losses = losses::<K, V>(row, centers, v);
                step(four, &losses, penalty);
            }
        }
        flush(trail, word, collected, &mut lanes);
    }
    std::array::from_fn(|k| std::array::from_fn(|v| lanes[v].values[k]))
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "part of the recursion")]
fn losses<const K: usize, const V: usize>(row: &[f64], centers: &[[F4; V]], v: usize) -> [F4; K] {
    let mut out = [splat(0.0); K];
    for (sum, centers) in out.iter_mut().zip(centers.chunks_exact(row.len())) {
        for (x, center) in row.iter().zip(centers) {
            let gap = sub(splat(*x), center[v]);
            *sum = add(*sum, mul(gap, gap));
        }
        // NaN, the distance to an empty state, becomes infinite.
        *sum = min(mul(splat(0.5), *sum), splat(f64::INFINITY));
    }
    out
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "part of the recursion")]
fn step<const K: usize>(four: &mut Four<K>, losses: &[F4; K], penalty: F4) {
    let mut jump = splat(f64::INFINITY);
    for v in &four.values {
        jump = min(add(*v, penalty), jump);
    }
    let mut found = U4([0; 4]);
    let mut first = [U4([0; 4]); 3];
    let states = four.values.iter_mut().zip(&mut four.jumped).zip(losses);
    for (k, ((value, jumped), loss)) in states.enumerate() {
        let v = *value;
        let here = without(at_most(add(v, penalty), jump), found);
        // A jump is taken where it is cheaper, and on a tie where it comes from before k.
        let jumps = or(less(jump, v), and(at_most(jump, v), found));
        *jumped = shift_in(*jumped, jumps);
        for (digit, first) in first.iter_mut().enumerate().take(digits(K)) {
            if k >> digit & 1 == 1 {
                *first = or(*first, here);
            }
        }
        found = or(found, here);
        *value = add(*loss, min(v, jump));
    }
    for (origin, first) in four.origin.iter_mut().zip(&first).take(digits(K)) {
        *origin = shift_in(*origin, *first);
    }
}

/// Stores the bits of the rows of one block per lane.
fn flush<const K: usize, const V: usize>(
    trail: &mut Trail,
    word: usize,
    collected: usize,
    lanes: &mut [Four<K>; V],
) {
    for (v, four) in lanes.iter_mut().enumerate() {
        let planes = four.jumped.iter_mut().chain(four.origin.iter_mut().take(digits(K)));
        for (plane, bits) in planes.enumerate() {
            for (lane, bits) in bits.0.iter_mut().enumerate() {
                // The newest row was shifted in last: turn it round so that row t is bit t % 64.
                let turned = bits.reverse_bits() >> (64 - collected);
                trail.bits[(plane * 4 * V + 4 * v + lane) * trail.words + word] = turned;
                *bits = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mt19937;

    #[test]
    fn wide_vectors_give_the_same_bits() {
        let mut rng = Mt19937::new(11);
        let data: Vec<f64> = (0..900).map(|_| 4.0 * rng.next_f64() - 2.0).collect();
        let rows = Rows::new(&data, 3).unwrap();
        let mut four = || F4(std::array::from_fn(|_| 2.0 * rng.next_f64() - 1.0));
        let mut centers: Vec<F4> = (0..4 * 3 * 2).map(|_| four()).collect();
        centers[5].0[1] = f64::NAN;
        for penalty in [0.0, 0.3, 5.0] {
            let (mut a, mut b) = (Trail::default(), Trail::default());
            let plain = forward_plain::<4, 2>(rows, &centers, penalty, &mut a);
            let wide = forward::<4, 2>(rows, &centers, penalty, &mut b);
            let bits = |v: [[F4; 2]; 4]| v.map(|row| row.map(|f| f.0.map(f64::to_bits)));
            assert_eq!(bits(plain), bits(wide));
            assert_eq!(a.bits, b.bits);
        }
    }
}
