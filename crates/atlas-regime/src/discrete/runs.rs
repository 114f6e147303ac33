//! A labelling as runs of equal states.

/// Runs in order of time: each ends before row `ends[i]` and is in `states[i]`; neighbours differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Runs {
    pub(super) ends: Vec<usize>,
    pub(super) states: Vec<u8>,
}

impl Runs {
    /// True if both group the rows alike, up to renaming of states.
    pub(super) fn same_grouping(&self, other: &Self) -> bool {
        const UNSEEN: u8 = u8::MAX;
        let (mut there, mut back) = ([UNSEEN; 256], [UNSEEN; 256]);
        self.ends == other.ends
            && self.states.iter().zip(&other.states).all(|(&a, &b)| {
                let (to, from) = (&mut there[usize::from(a)], &mut back[usize::from(b)]);
                if *to == UNSEEN && *from == UNSEEN {
                    (*to, *from) = (b, a);
                }
                *to == b && *from == a
            })
    }

    /// Rows and state of each run.
    pub(super) fn iter(&self) -> impl Iterator<Item = (std::ops::Range<usize>, u8)> + '_ {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).zip(&self.states).map(|((start, &end), &state)| (start..end, state))
    }

    /// One label per row.
    pub(super) fn labels(&self) -> Vec<u32> {
        let mut out = Vec::with_capacity(self.ends.last().copied().unwrap_or(0));
        for (rows, state) in self.iter() {
            out.resize(rows.end, u32::from(state));
        }
        out
    }
}

/// Sums over any stretch of rows in O(D).
#[derive(Debug)]
pub(super) struct PrefixSums {
    cols: usize,
    sums: Vec<f64>,
}

impl PrefixSums {
    pub(super) fn new(rows: crate::Rows<'_>) -> Self {
        let cols = rows.cols();
        let mut sums = vec![0.0; (rows.len() + 1) * cols];
        for (t, row) in rows.iter().enumerate() {
            for (j, x) in row.iter().enumerate() {
                sums[(t + 1) * cols + j] = sums[t * cols + j] + x;
            }
        }
        Self { cols, sums }
    }

    /// Means of the rows of each state, NaN for an empty one.
    pub(super) fn centers(&self, runs: &Runs, centers: &mut [f64]) {
        let cols = self.cols;
        let mut counts = [0_usize; 256];
        centers.fill(0.0);
        for (rows, state) in runs.iter() {
            let k = usize::from(state);
            counts[k] += rows.len();
            let (first, last) = (&self.sums[rows.start * cols..], &self.sums[rows.end * cols..]);
            let center = &mut centers[k * cols..(k + 1) * cols];
            for ((c, low), high) in center.iter_mut().zip(first).zip(last) {
                *c += high - low;
            }
        }
        for (center, count) in centers.chunks_exact_mut(cols).zip(counts) {
            for c in center {
                *c /= crate::count::float(count);
            }
        }
    }
}
