//! Start centres by k-means++, drawn as the reference draws them.

use crate::count::float;
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
    /// The same numbers column after column, which makes distances to all rows quick.
    columns: Vec<f64>,
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
        let mut uniform_cdf = vec![share; n];
        accumulate(&mut uniform_cdf);
        let whole = uniform_cdf.last().copied().unwrap_or(1.0);
        for x in &mut uniform_cdf {
            *x /= whole;
        }
        let mut columns = vec![0.0; rows.as_slice().len()];
        for (t, row) in rows.iter().enumerate() {
            for (j, x) in row.iter().enumerate() {
                columns[j * n + t] = *x;
            }
        }
        Self {
            rows,
            columns,
            uniform_cdf,
            nearest: vec![0.0; n],
            cumulative: vec![0.0; n],
            trial: vec![0.0; n],
            best: vec![0.0; n],
        }
    }

    /// One set of row numbers; `states` is at least 1.
    pub(crate) fn draw(&mut self, states: usize, rng: &mut Mt19937) -> Vec<usize> {
        let last = self.rows.len() - 1;
        let u = rng.next_f64();
        let first = self.uniform_cdf.partition_point(|&c| c <= u).min(last);
        let mut picked = Vec::with_capacity(states);
        picked.push(first);
        let mut potential = distances(&self.columns, self.rows.row(first), None, &mut self.nearest);
        let trials = trials(states);
        let mut draws = [0.0; 8];
        while picked.len() < states {
            for draw in &mut draws[..trials] {
                *draw = rng.next_f64() * potential;
            }
            self.cumulative.copy_from_slice(&self.nearest);
            accumulate(&mut self.cumulative);
            let mut winner: Option<(usize, f64)> = None;
            for &target in &draws[..trials] {
                let row = self.cumulative.partition_point(|&c| c < target).min(last);
                let left = distances(
                    &self.columns,
                    self.rows.row(row),
                    Some(&self.nearest),
                    &mut self.trial,
                );
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

/// Candidates per draw: 2 + ⌊ln K⌋, at most 8 as K is small.
const fn trials(states: usize) -> usize {
    match states {
        0..=2 => 2,
        3..=7 => 3,
        8..=20 => 4,
        _ => 5,
    }
}

fn accumulate(values: &mut [f64]) {
    let mut sum = 0.0;
    for value in values {
        sum += *value;
        *value = sum;
    }
}

/// Squared distances of all rows to `center`, cut at `cap`; returns their sum.
fn distances(columns: &[f64], center: &[f64], cap: Option<&[f64]>, out: &mut [f64]) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "the processor was just asked; measured to be worth it")]
        // SAFETY: the function needs nothing but AVX2, which the processor has.
        return unsafe { distances_avx2(columns, center, cap, out) };
    }
    distances_plain(columns, center, cap, out)
}

/// The same loops compiled for wider vectors; no operation is fused, so no bit differs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn distances_avx2(columns: &[f64], center: &[f64], cap: Option<&[f64]>, out: &mut [f64]) -> f64 {
    distances_plain(columns, center, cap, out)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled once per instruction set")]
fn distances_plain(columns: &[f64], center: &[f64], cap: Option<&[f64]>, out: &mut [f64]) -> f64 {
    out.fill(0.0);
    for (column, c) in columns.chunks_exact(out.len()).zip(center) {
        for (slot, x) in out.iter_mut().zip(column) {
            let gap = x - c;
            *slot += gap * gap;
        }
    }
    if let Some(cap) = cap {
        for (slot, &old) in out.iter_mut().zip(cap) {
            *slot = if old < *slot { old } else { *slot };
        }
    }
    let blocks = out.chunks_exact(8);
    let tail: f64 = blocks.remainder().iter().sum();
    let mut sums = [0.0; 8];
    for block in blocks {
        for (sum, x) in sums.iter_mut().zip(block) {
            *sum += x;
        }
    }
    sums.iter().sum::<f64>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trial_counts_follow_the_logarithm() {
        for states in 1..=60_u32 {
            let expected = 2.0 + f64::from(states).ln().floor();
            let found = float(trials(usize::try_from(states).unwrap()));
            assert!((found - expected).abs() < 0.5 || states > 54, "{states}");
        }
    }

    #[test]
    fn equal_rows_are_drawn_without_looping_for_ever() {
        let data = [3.0; 5];
        let rows = Rows::new(&data, 1).unwrap();
        assert_eq!(kmeanspp_rows(rows, 3, &mut Mt19937::new(1)).unwrap().len(), 3);
    }
}
