//! Start centres by k-means++, drawn as the reference draws them.

use crate::count::float;
use crate::wide::{Floats, add, min, mul, splat, sub};
use crate::{Error, Mt19937, Rows};

/// Draws the row numbers of `states` start centres, the first uniformly, each further one with a
/// chance that grows with its squared distance to those already drawn.
///
/// Greedy variant: `2 + ⌊ln K⌋` candidates a draw, the one with the smallest remaining potential
/// wins, the first on a tie. Source: Arthur and Vassilvitskii 2007, "k-means++"; the order of
/// draws is that of scikit-learn 1.9, so equal seeds give equal rows.
///
/// # Errors
/// [`Error::Parameter`] if `states` is 0, [`Error::TooFewRows`] if there are fewer rows than
/// states, [`Error::NotFinite`] for NaN or infinite numbers; no other.
///
/// # Examples
/// ```
/// use atlas_regime::{Mt19937, Rows, kmeanspp_rows};
/// let data = [0.0, 0.1, 9.0, 9.1];
/// let picked = kmeanspp_rows(Rows::new(&data, 1)?, 2, &mut Mt19937::new(0))?;
/// assert_eq!(picked.len(), 2);
/// assert!((data[picked[0]] - data[picked[1]]).abs() > 8.0);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
pub fn kmeanspp_rows(
    rows: Rows<'_>,
    states: usize,
    rng: &mut Mt19937,
) -> Result<Vec<usize>, Error> {
    if states == 0 {
        return Err(Error::Parameter {
            name: "states",
            value: states.to_string(),
            rule: "at least 1",
        });
    }
    if rows.len() < states {
        return Err(Error::TooFewRows { what: "the data", have: rows.len(), need: states });
    }
    rows.check_finite("the data")?;
    Ok(Seeding::new(rows).draw(states, rng))
}

/// The buffers of repeated draws over the same rows.
#[derive(Debug)]
pub(crate) struct Seeding<'a> {
    rows: Rows<'a>,
    /// The same numbers in blocks of rows, column after column in each, which makes distances to
    /// all rows quick; the last block is filled up with zeros.
    blocks: Vec<Floats<BLOCK>>,
    uniform_cdf: Vec<f64>,
    nearest: Vec<f64>,
    cumulative: Vec<f64>,
    trial: Vec<f64>,
    best: Vec<f64>,
}

impl<'a> Seeding<'a> {
    /// Prepares draws from finite rows, of which there is at least one.
    pub(crate) fn new(rows: Rows<'a>) -> Self {
        let n = rows.len();
        let share = 1.0 / float(n);
        let mut uniform_cdf = vec![0.0; n];
        accumulated(&vec![share; n], &mut uniform_cdf);
        let whole = uniform_cdf.last().copied().unwrap_or(1.0);
        for x in &mut uniform_cdf {
            *x /= whole;
        }
        let places = vec![f64::INFINITY; n.div_ceil(BLOCK) * BLOCK];
        Self {
            rows,
            blocks: blocks_of(rows),
            uniform_cdf,
            nearest: places.clone(),
            cumulative: vec![0.0; n],
            trial: places.clone(),
            best: places,
        }
    }

    /// One set of row numbers; `states` is at least 1.
    pub(crate) fn draw(&mut self, states: usize, rng: &mut Mt19937) -> Vec<usize> {
        let last = self.rows.len() - 1;
        let u = rng.next_f64();
        let first = self.uniform_cdf.partition_point(|&c| c <= u).min(last);
        let mut picked = Vec::with_capacity(states);
        picked.push(first);
        let (rows, blocks) = (self.rows, self.blocks.as_slice());
        self.best.fill(f64::INFINITY);
        let mut potential =
            distances(blocks, rows.row(first), rows.len(), &self.best, &mut self.nearest);
        let trials = trials(states);
        let mut draws = vec![0.0; trials];
        while picked.len() < states {
            for draw in &mut draws {
                *draw = rng.next_f64() * potential;
            }
            let mut prefix = Prefix::new(&self.nearest[..rows.len()], &mut self.cumulative);
            let mut winner: Option<(usize, f64)> = None;
            for &target in &draws {
                let row = prefix.first_at_least(target).min(last);
                let left =
                    distances(blocks, rows.row(row), rows.len(), &self.nearest, &mut self.trial);
                if winner.is_none_or(|(_, smallest)| left < smallest) {
                    winner = Some((row, left));
                    std::mem::swap(&mut self.best, &mut self.trial);
                }
            }
            if let Some((row, left)) = winner {
                picked.push(row);
                potential = left;
                std::mem::swap(&mut self.nearest, &mut self.best);
            }
        }
        picked
    }
}

/// Candidates per draw: 2 + ⌊ln K⌋.
fn trials(states: usize) -> usize {
    let most = libm::log(float(states.max(1)));
    2 + (1_u32..64).take_while(|whole| f64::from(*whole) <= most).count()
}

/// The running sums of some values that are not negative, searched without being written out.
///
/// Sums of blocks, added up in another order, tell to within rounding where the running sum crosses
/// a target; only where that is too close to call are the running sums themselves made.
struct Prefix<'a> {
    values: &'a [f64],
    /// Sum of the values before each block, and of all at last.
    before: Vec<f64>,
    /// More than both ways of adding up can differ by.
    doubt: f64,
    sums: &'a mut [f64],
    summed: bool,
}

impl<'a> Prefix<'a> {
    fn new(values: &'a [f64], sums: &'a mut [f64]) -> Self {
        let mut before = Vec::with_capacity(values.len() / SPAN + 2);
        let mut sum = 0.0;
        before.push(sum);
        for block in values.chunks(SPAN) {
            let mut parts = splat::<BLOCK>(0.0);
            let (vectors, tail) = block.as_chunks::<BLOCK>();
            for vector in vectors {
                parts = add(parts, Floats(*vector));
            }
            sum += parts.0.iter().sum::<f64>() + tail.iter().sum::<f64>();
            before.push(sum);
        }
        // Adding n numbers errs by less than n half-units of the last place of their sum.
        let doubt = 4.0 * float(values.len()) * f64::EPSILON * sum;
        Self { values, before, doubt, sums, summed: false }
    }

    /// The first place whose running sum is at least the target; their number if there is none.
    fn first_at_least(&mut self, target: f64) -> usize {
        if let Some(found) = self.quickly(target) {
            return found;
        }
        if !self.summed {
            accumulated(self.values, self.sums);
            self.summed = true;
        }
        self.sums.partition_point(|&c| c < target)
    }

    fn quickly(&self, target: f64) -> Option<usize> {
        let (above, below) = (target + self.doubt, target - self.doubt);
        let block = self.before.partition_point(|&c| c < above).checked_sub(1)?;
        let mut sum = *self.before.get(block)?;
        let values = self.values.get(block * SPAN..)?.iter().take(SPAN);
        for (i, value) in values.enumerate() {
            let next = sum + value;
            if next >= above {
                return (sum < below).then_some(block * SPAN + i);
            }
            sum = next;
        }
        None
    }
}

/// Values whose sum is made in one go.
const SPAN: usize = 8 * BLOCK;

/// Sums of all values up to each one.
fn accumulated(values: &[f64], sums: &mut [f64]) {
    let mut sum = 0.0;
    for (slot, value) in sums.iter_mut().zip(values) {
        sum += value;
        *slot = sum;
    }
}

/// The rows in blocks, column after column in each.
fn blocks_of(rows: Rows<'_>) -> Vec<Floats<BLOCK>> {
    let cols = rows.cols();
    let mut out = vec![splat(0.0); rows.len().div_ceil(BLOCK) * cols];
    for (t, row) in rows.iter().enumerate() {
        for (j, x) in row.iter().enumerate() {
            out[t / BLOCK * cols + j].0[t % BLOCK] = *x;
        }
    }
    out
}

/// Squared distances of all rows to `center`, cut at `cap`; returns the sum over the first `rows`.
fn distances(
    blocks: &[Floats<BLOCK>],
    center: &[f64],
    rows: usize,
    cap: &[f64],
    out: &mut [f64],
) -> f64 {
    #[cfg(target_arch = "x86_64")]
    {
        if crate::wide::has_avx512() {
            #[expect(unsafe_code, reason = "the processor was just asked; worth it (measured)")]
            // SAFETY: the function needs nothing but AVX-512F, which the processor has.
            return unsafe { distances_avx512(blocks, center, rows, cap, out) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            #[expect(unsafe_code, reason = "the processor was just asked; worth it (measured)")]
            // SAFETY: the function needs nothing but AVX2, which the processor has.
            return unsafe { distances_avx2(blocks, center, rows, cap, out) };
        }
    }
    distances_plain(blocks, center, rows, cap, out)
}

/// The same loops compiled for wider vectors; no operation is fused, so no bit differs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn distances_avx512(
    blocks: &[Floats<BLOCK>],
    center: &[f64],
    rows: usize,
    cap: &[f64],
    out: &mut [f64],
) -> f64 {
    distances_plain(blocks, center, rows, cap, out)
}

/// The same loops compiled for wider vectors; no operation is fused, so no bit differs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn distances_avx2(
    blocks: &[Floats<BLOCK>],
    center: &[f64],
    rows: usize,
    cap: &[f64],
    out: &mut [f64],
) -> f64 {
    distances_plain(blocks, center, rows, cap, out)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled once per instruction set")]
fn distances_plain(
    blocks: &[Floats<BLOCK>],
    center: &[f64],
    rows: usize,
    cap: &[f64],
    out: &mut [f64],
) -> f64 {
    let whole = rows / BLOCK;
    let (slots, _) = out.as_chunks_mut::<BLOCK>();
    let (caps, _) = cap.as_chunks::<BLOCK>();
    let blocks = blocks.chunks_exact(center.len()).zip(slots).zip(caps);
    let (mut sums, mut tail) = (splat(0.0), 0.0);
    for (i, ((columns, slot), cap)) in blocks.enumerate() {
        let mut gaps = columns.iter().zip(center).map(|(column, c)| sub(*column, splat(*c)));
        let first = gaps.next().unwrap_or(splat(0.0));
        let mut squares = mul(first, first);
        for gap in gaps {
            squares = add(squares, mul(gap, gap));
        }
        let nearest = min(Floats(*cap), squares);
        *slot = nearest.0;
        if i < whole {
            sums = add(sums, nearest);
        } else {
            tail = slot.iter().take(rows % BLOCK).sum();
        }
    }
    sums.0.iter().sum::<f64>() + tail
}

/// Running sums kept side by side.
const BLOCK: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trial_counts_follow_the_logarithm() {
        for states in 1..=2000_u32 {
            let expected = 2.0 + f64::from(states).ln().floor();
            let found = float(trials(usize::try_from(states).unwrap()));
            assert!((found - expected).abs() < 0.5, "{states}");
        }
    }

    #[test]
    fn wide_vectors_give_the_same_bits() {
        let mut rng = Mt19937::new(3);
        for rows in [1, 7, 8, 29, 64] {
            let mut draw = |n: usize| (0..n).map(|_| 4.0 * rng.next_f64()).collect::<Vec<f64>>();
            let (data, center, cap) = (draw(3 * rows), draw(3), draw(rows + 8));
            let blocks = blocks_of(Rows::new(&data, 3).unwrap());
            let (mut a, mut b) = (cap.clone(), cap.clone());
            let sum = distances(&blocks, &center, rows, &cap, &mut a);
            let other = distances_plain(&blocks, &center, rows, &cap, &mut b);
            assert_eq!((sum.to_bits(), &a), (other.to_bits(), &b), "{rows}");
            #[cfg(target_arch = "x86_64")]
            {
                let mut sums = Vec::new();
                if std::arch::is_x86_feature_detected!("avx512f") {
                    #[expect(unsafe_code, reason = "each set of instructions by itself")]
                    // SAFETY: the processor was just asked for what the function needs.
                    sums.push(unsafe { distances_avx512(&blocks, &center, rows, &cap, &mut a) });
                    assert_eq!(a, b);
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    #[expect(unsafe_code, reason = "each set of instructions by itself")]
                    // SAFETY: the processor was just asked for what the function needs.
                    sums.push(unsafe { distances_avx2(&blocks, &center, rows, &cap, &mut a) });
                    assert_eq!(a, b);
                }
                assert!(sums.iter().all(|s| s.to_bits() == sum.to_bits()), "{rows}");
            }
            let exact: f64 = a[..rows].iter().sum();
            assert!((sum - exact).abs() <= 1e-12 * exact, "{rows}");
        }
    }

    #[test]
    fn running_sums_are_searched_as_if_written_out() {
        let mut rng = Mt19937::new(8);
        for n in [1, 2, 63, 64, 65, 500, 1000] {
            let mut values: Vec<f64> = (0..n).map(|_| rng.next_f64().powi(9)).collect();
            values[n / 2..].iter_mut().step_by(3).for_each(|x| *x = 0.0);
            let (mut sums, mut room) = (vec![0.0; n], vec![0.0; n]);
            accumulated(&values, &mut sums);
            let whole = sums[n - 1];
            let mut prefix = Prefix::new(&values, &mut room);
            // Between the sums, on them, and next to them.
            let drawn = (0..300).map(|_| rng.next_f64() * whole).collect::<Vec<f64>>();
            let edges = sums.iter().flat_map(|s| [s.next_down(), *s, s.next_up()]);
            for target in drawn.into_iter().chain(edges).chain([0.0, 2.0 * whole]) {
                let expected = sums.partition_point(|&c| c < target);
                assert_eq!(prefix.first_at_least(target), expected, "{n} {target}");
            }
        }
        for nothing in [0.0, f64::INFINITY] {
            let mut room = [0.0; 3];
            let values = [nothing; 3];
            let mut prefix = Prefix::new(&values, &mut room);
            assert_eq!(prefix.first_at_least(nothing), 0);
        }
    }

    #[test]
    fn equal_rows_are_drawn_without_looping_for_ever() {
        let data = [3.0; 5];
        let rows = Rows::new(&data, 1).unwrap();
        assert_eq!(kmeanspp_rows(rows, 3, &mut Mt19937::new(1)).unwrap().len(), 3);
    }
}
