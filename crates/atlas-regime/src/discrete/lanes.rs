//! The forward recursion of several restarts at once, one restart per lane.
//!
//! Plain loops over arrays of a fixed number of lanes, which the compiler turns into vector
//! instructions; every lane does the same operations in the same order as [`super::estep`], so the
//! result is the same to the bit whatever the width of the vectors.

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

/// Runs `L` lanes of `K` states over all rows.
///
/// `centers[(k * D + j) * L + lane]`; returns the values of the last row, state by state, and fills
/// the trail. NaN centres, those of empty states, cost infinitely much.
pub(super) fn forward<const K: usize, const L: usize>(
    rows: Rows<'_>,
    centers: &[f64],
    penalty: f64,
    trail: &mut Trail,
) -> [[f64; L]; K] {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(
            unsafe_code,
            reason = "the processor was just asked; 2 times as fast (measured)"
        )]
        // SAFETY: the function needs nothing but AVX2, which the processor has.
        return unsafe { forward_avx2::<K, L>(rows, centers, penalty, trail) };
    }
    forward_plain::<K, L>(rows, centers, penalty, trail)
}

/// The same loops compiled for wider vectors; no operation is fused, so no bit differs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn forward_avx2<const K: usize, const L: usize>(
    rows: Rows<'_>,
    centers: &[f64],
    penalty: f64,
    trail: &mut Trail,
) -> [[f64; L]; K] {
    forward_plain::<K, L>(rows, centers, penalty, trail)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled once per instruction set it is called from")]
fn forward_plain<const K: usize, const L: usize>(
    rows: Rows<'_>,
    centers: &[f64],
    penalty: f64,
    trail: &mut Trail,
) -> [[f64; L]; K] {
    trail.reset(rows.len(), K, L);
    let mut values = [[0.0; L]; K];
    let mut jumped = [[0_u64; L]; K];
    let mut origin = [[0_u64; L]; 3];
    for (t, row) in rows.iter().enumerate() {
        let losses = losses::<K, L>(row, centers);
        if t == 0 {
            values = losses;
        } else {
            step(&mut values, &losses, penalty, &mut jumped, &mut origin);
        }
        if t % 64 == 63 || t + 1 == rows.len() {
            flush(trail, t, &mut jumped, &mut origin);
        }
    }
    values
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "part of the recursion")]
fn losses<const K: usize, const L: usize>(row: &[f64], centers: &[f64]) -> [[f64; L]; K] {
    let mut out = [[0.0; L]; K];
    for (sums, centers) in out.iter_mut().zip(centers.chunks_exact(row.len() * L)) {
        for (x, center) in row.iter().zip(centers.chunks_exact(L)) {
            for (sum, c) in sums.iter_mut().zip(center) {
                let gap = x - c;
                *sum += gap * gap;
            }
        }
        for sum in sums.iter_mut() {
            let half = 0.5 * *sum;
            *sum = if half <= f64::INFINITY { half } else { f64::INFINITY };
        }
    }
    out
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "part of the recursion")]
fn step<const K: usize, const L: usize>(
    values: &mut [[f64; L]; K],
    losses: &[[f64; L]; K],
    penalty: f64,
    jumped: &mut [[u64; L]; K],
    origin: &mut [[u64; L]; 3],
) {
    let mut jump = [f64::INFINITY; L];
    for value in values.iter() {
        for (j, v) in jump.iter_mut().zip(value) {
            let cost = v + penalty;
            *j = if cost < *j { cost } else { *j };
        }
    }
    let mut found = [0_u64; L];
    let mut first = [[0_u64; L]; 3];
    for (k, (value, loss)) in values.iter_mut().zip(losses).enumerate() {
        for lane in 0..L {
            let v = value[lane];
            let here = mask(v + penalty <= jump[lane]) & !found[lane];
            // A jump is taken where it is cheaper, and on a tie where it comes from before k.
            let tie = mask(v >= jump[lane]) & found[lane];
            let jumps = mask(v > jump[lane]) | tie;
            jumped[k][lane] = (jumped[k][lane] << 1) | (jumps & 1);
            for (digit, first) in first.iter_mut().enumerate() {
                if k >> digit & 1 == 1 {
                    first[lane] |= here;
                }
            }
            found[lane] |= here;
            value[lane] = loss[lane] + if v < jump[lane] { v } else { jump[lane] };
        }
    }
    for (digit, (origin, first)) in origin.iter_mut().zip(&first).enumerate() {
        if digit < digits(K) {
            for (o, f) in origin.iter_mut().zip(first) {
                *o = (*o << 1) | (f & 1);
            }
        }
    }
}

/// All ones where true.
#[inline(always)]
#[expect(clippy::inline_always, reason = "part of the recursion")]
const fn mask(condition: bool) -> u64 {
    if condition { u64::MAX } else { 0 }
}

/// Stores up to 64 collected bits per lane; row `t` is the newest.
fn flush<const K: usize, const L: usize>(
    trail: &mut Trail,
    t: usize,
    jumped: &mut [[u64; L]; K],
    origin: &mut [[u64; L]; 3],
) {
    let planes = jumped.iter_mut().chain(origin.iter_mut().take(digits(K)));
    for (plane, lanes) in planes.enumerate() {
        for (lane, bits) in lanes.iter_mut().enumerate() {
            // The newest row was shifted in last: turn it round so that row t is bit t % 64.
            let word = bits.reverse_bits() >> (63 - t % 64);
            trail.bits[(plane * L + lane) * trail.words + t / 64] = word;
            *bits = 0;
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
        let mut centers: Vec<f64> = (0..4 * 3 * 8).map(|_| 2.0 * rng.next_f64() - 1.0).collect();
        centers[5] = f64::NAN;
        for penalty in [0.0, 0.3, 5.0] {
            let (mut a, mut b) = (Trail::default(), Trail::default());
            let plain = forward_plain::<4, 8>(rows, &centers, penalty, &mut a);
            let wide = forward::<4, 8>(rows, &centers, penalty, &mut b);
            let bits = |v: [[f64; 8]; 4]| v.map(|row| row.map(f64::to_bits));
            assert_eq!(bits(plain), bits(wide));
            assert_eq!(a.bits, b.bits);
        }
    }
}
