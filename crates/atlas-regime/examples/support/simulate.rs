//! Hidden Markov chains with normal observations, the features of the published studies, and
//! balanced accuracy.

use atlas_regime::Mt19937;

/// A chain: stationary start, transition matrix row by row.
#[derive(Debug, Clone)]
pub struct Chain {
    pub transitions: Vec<Vec<f64>>,
    pub means: Vec<f64>,
    pub deviations: Vec<f64>,
}

impl Chain {
    /// Hardy's monthly S&P chain at a daily scale: means and off-diagonal moves divided by 20, as
    /// listed in the specification.
    pub fn two_state_daily() -> Self {
        Self::two_state([0.002_116, 0.011_982], [0.000_615, -0.000_785], [0.007_759, 0.017_397])
    }

    /// Hardy's monthly S&P chain itself.
    pub fn two_state_monthly() -> Self {
        Self::two_state([1.0 - 0.9629, 1.0 - 0.7899], [0.0123, -0.0157], [0.0347, 0.0778])
    }

    /// The daily chain of the thesis listed in the specification.
    pub fn two_state_thesis() -> Self {
        Self::two_state([0.0024, 0.0232], [0.0006, -0.000_881], [0.007_57, 0.0163])
    }

    /// Two states by the probability of leaving each, their means and standard deviations.
    fn two_state(leave: [f64; 2], means: [f64; 2], deviations: [f64; 2]) -> Self {
        let [up, down] = leave;
        Self {
            transitions: vec![vec![1.0 - up, up], vec![down, 1.0 - down]],
            means: means.to_vec(),
            deviations: deviations.to_vec(),
        }
    }

    /// Three states of Aydınhan, Kolm, Mulvey and Shu 2024: the monthly matrix taken to the power
    /// 1/20 by dividing its generator, means and variances divided by 20.
    pub fn three_state_daily() -> Self {
        let monthly =
            [[0.9629, 0.0185, 0.0186], [0.0618, 0.8764, 0.0618], [0.1051, 0.1050, 0.7899]];
        Self {
            transitions: root_20(monthly),
            means: [0.0123, 0.0, -0.0157].map(|m| m / 20.0).to_vec(),
            deviations: [0.0347_f64, 0.05, 0.0778].map(|s| s / 20.0_f64.sqrt()).to_vec(),
        }
    }

    /// The chance of each state in the long run, from which a path starts.
    pub fn stationary(&self) -> Vec<f64> {
        let k = self.means.len();
        let mut at = vec![1.0 / super::float(k); k];
        for _ in 0..5000 {
            let next = (0..k).map(|j| (0..k).map(|i| at[i] * self.transitions[i][j]).sum());
            at = next.collect();
        }
        at
    }

    pub fn states(&self, length: usize, rng: &mut Mt19937) -> Vec<u32> {
        let k = self.means.len();
        let mut out = Vec::with_capacity(length);
        let mut weights = self.stationary();
        for _ in 0..length {
            let mut u = rng.next_f64();
            let mut state = 0;
            while state + 1 < k && u >= weights[state] {
                u -= weights[state];
                state += 1;
            }
            out.push(u32::try_from(state).unwrap_or(0));
            weights.clone_from(&self.transitions[state]);
        }
        out
    }

    pub fn observations(&self, states: &[u32], rng: &mut Mt19937) -> Vec<f64> {
        states
            .iter()
            .map(|&s| self.means[s as usize] + self.deviations[s as usize] * normal(rng))
            .collect()
    }
}

/// The twentieth root of a transition matrix near the identity, by its logarithm's series.
fn root_20(p: [[f64; 3]; 3]) -> Vec<Vec<f64>> {
    let identity = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let product = |a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]| {
        let mut out = [[0.0; 3]; 3];
        for i in 0..3 {
            for j in 0..3 {
                out[i][j] = (0..3).map(|k| a[i][k] * b[k][j]).sum();
            }
        }
        out
    };
    let mut gap = p;
    for (i, row) in gap.iter_mut().enumerate() {
        row[i] -= 1.0;
    }
    // (I + gap)^(1/20) by the binomial series, which converges as the gap is small.
    let (mut term, mut out) = (identity, identity);
    let mut exponent = 1.0 / 20.0;
    for n in 1..200 {
        term = product(&term, &gap);
        for row in &mut term {
            for x in row {
                *x *= exponent / super::float(n);
            }
        }
        exponent = 1.0 / 20.0 - super::float(n);
        for (row, add) in out.iter_mut().zip(&term) {
            for (x, a) in row.iter_mut().zip(add) {
                *x += a;
            }
        }
    }
    out.iter().map(|row| row.to_vec()).collect()
}

pub fn normal(rng: &mut Mt19937) -> f64 {
    let u = 1.0 - rng.next_f64();
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * rng.next_f64()).cos()
}

/// The fifteen backward-looking features: the observation, its last two absolute changes, and mean
/// and deviation over the last 6 and 14 and over the older and newer half of each; standardised.
pub fn features(x: &[f64]) -> Vec<f64> {
    let mut rows = Vec::with_capacity(15 * x.len());
    let at = |t: usize, back: usize| x[t.saturating_sub(back)];
    for t in 0..x.len() {
        rows.extend([x[t], (x[t] - at(t, 1)).abs(), (at(t, 1) - at(t, 2)).abs()]);
        for width in [6, 14] {
            let first = (t + 1).saturating_sub(width);
            let window = &x[first..=t];
            let half = window.len() / 2;
            for part in [window, &window[..half.max(1)], &window[half..]] {
                let m = super::mean(part);
                let spread = part.iter().map(|v| (v - m) * (v - m)).sum::<f64>();
                rows.extend([m, (spread / super::float(part.len())).sqrt()]);
            }
        }
    }
    standardise(&mut rows, 15);
    rows
}

/// The fifteen features of the publication that look both ways: the observation, its changes to
/// the last and from the next one, and moments over the rows around it and the older and newer half
/// of them; standardised.
pub fn centred_features(x: &[f64]) -> Vec<f64> {
    let mut rows = Vec::with_capacity(15 * x.len());
    for t in 0..x.len() {
        let (last, next) = (x[t.saturating_sub(1)], x[(t + 1).min(x.len() - 1)]);
        rows.extend([x[t], (x[t] - last).abs(), (next - x[t]).abs()]);
        for half in [3, 7] {
            let (from, to) = (t.saturating_sub(half), (t + half).min(x.len()));
            for part in [&x[from..to], &x[from..t.max(1)], &x[t..to]] {
                let m = super::mean(part);
                let spread = part.iter().map(|v| (v - m) * (v - m)).sum::<f64>();
                rows.extend([m, (spread / super::float(part.len())).sqrt()]);
            }
        }
    }
    standardise(&mut rows, 15);
    rows
}

pub fn standardise(rows: &mut [f64], cols: usize) {
    standardise_by(rows, cols, rows.len() / cols);
}

/// Standardises all rows by the moments of the first ones.
pub fn standardise_by(rows: &mut [f64], cols: usize, first: usize) {
    for j in 0..cols {
        let column: Vec<f64> = rows.iter().skip(j).step_by(cols).take(first).copied().collect();
        let (m, s) = (super::mean(&column), super::deviation(&column));
        for x in rows.iter_mut().skip(j).step_by(cols) {
            *x = (*x - m) / if s > 0.0 { s } else { 1.0 };
        }
    }
}

/// Mean share of rows found right per state **present in the truth**, under the renaming of the
/// found states that makes it largest.
pub fn balanced_accuracy(truth: &[u32], found: &[u32], states: usize) -> f64 {
    matched(truth, found, states).0
}

/// The same, and per state the rows found right under that renaming and all its rows.
pub fn matched(truth: &[u32], found: &[u32], states: usize) -> (f64, Vec<f64>, Vec<f64>) {
    let mut counts = vec![vec![0.0; states]; states];
    let mut totals = vec![0.0; states];
    for (&t, &f) in truth.iter().zip(found) {
        counts[t as usize][f as usize] += 1.0;
        totals[t as usize] += 1.0;
    }
    let present = totals.iter().filter(|n| **n > 0.0).count();
    let (mut best, mut right) = (0.0_f64, vec![0.0; states]);
    let mut order: Vec<usize> = (0..states).collect();
    permutations(&mut order, 0, &mut |order| {
        let shares =
            (0..states).filter(|&k| totals[k] > 0.0).map(|k| counts[k][order[k]] / totals[k]);
        let mean = shares.sum::<f64>() / super::float(present);
        if mean > best {
            best = mean;
            right = (0..states).map(|k| counts[k][order[k]]).collect();
        }
    });
    (best, right, totals)
}

fn permutations(order: &mut Vec<usize>, at: usize, each: &mut impl FnMut(&[usize])) {
    if at == order.len() {
        each(order);
        return;
    }
    for i in at..order.len() {
        order.swap(at, i);
        permutations(order, at + 1, each);
        order.swap(at, i);
    }
}
