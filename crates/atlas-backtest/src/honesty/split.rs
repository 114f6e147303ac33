//! Splitting history into a past to choose by and a future to be judged by.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::Error;

/// How a walk-forward moves through history, in rows.
///
/// # Examples
/// ```
/// use atlas_backtest::honesty::split::{Past, WalkForward};
///
/// let walk = WalkForward { past: Past::Rolling, train: 4, test: 2, purge: 1, embargo: 0 };
/// let splits = walk.splits(10)?;
/// assert_eq!((splits[0].train.clone(), splits[0].test.clone()), (0..4, 5..7));
/// assert_eq!((splits[1].train.clone(), splits[1].test.clone()), (2..6, 7..9));
/// # Ok::<(), atlas_backtest::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkForward {
    /// What of the past is chosen by.
    pub past: Past,
    /// Rows of the first past, or of every one that rolls.
    pub train: usize,
    /// Rows of each future; the next step begins after them.
    pub test: usize,
    /// Rows left out between past and future: as many as a decision's outcome reaches ahead.
    pub purge: usize,
    /// Rows left out after each future before the next one begins.
    pub embargo: usize,
}

/// What of the past is chosen by; complete on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Past {
    /// All of it.
    Anchored,
    /// The latest rows.
    Rolling,
}

/// One step of a walk-forward: ranges of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// What may be looked at.
    pub train: Range<usize>,
    /// What is judged by.
    pub test: Range<usize>,
}

impl WalkForward {
    /// The steps through `rows`; a last future that would be cut short is left out.
    ///
    /// # Errors
    /// [`Error::Parameter`] if train or test have no rows, or `rows` do not hold one step.
    pub fn splits(&self, rows: usize) -> Result<Vec<Split>, Error> {
        if self.train == 0 || self.test == 0 {
            let value = format!("{} and {}", self.train, self.test);
            return Err(Error::Parameter { what: "train and test", value, range: "above zero" });
        }
        let mut all = Vec::new();
        let mut end = self.train;
        loop {
            let start = end + self.purge;
            let test = start..start + self.test;
            if test.end > rows {
                break;
            }
            let from = match self.past {
                Past::Anchored => 0,
                Past::Rolling => end - self.train,
            };
            all.push(Split { train: from..end, test });
            end += self.test + self.embargo;
        }
        if all.is_empty() {
            return Err(Error::Parameter {
                what: "the number of rows",
                value: rows.to_string(),
                range: "at least train + purge + test",
            });
        }
        Ok(all)
    }
}

/// One way to deal blocks of history into past and future, in combinatorial purged
/// cross-validation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// Rows that may be looked at, in order, those too near to a judged one left out.
    pub train: Vec<Range<usize>>,
    /// Rows that are judged by, in order.
    pub test: Vec<Range<usize>>,
}

/// Every way to judge by `judged` of `blocks` equal blocks of `rows` (López de Prado 2018, chapter
/// 12): rows within `purge` before a judged block and within `purge + embargo` after it are not
/// looked at. Rows that do not fill the blocks evenly go to the first ones.
///
/// # Errors
/// [`Error::Parameter`] unless 1 ≤ `judged` < `blocks` ≤ 16 and every block has a row.
///
/// # Examples
/// ```
/// use atlas_backtest::honesty::split::combinations;
///
/// let deals = combinations(12, 4, 2, 0, 1)?;
/// assert_eq!(deals.len(), 6);
/// assert_eq!(deals[0].test, [0..3, 3..6]);
/// assert_eq!(deals[0].train, [7..9, 9..12]);
/// # Ok::<(), atlas_backtest::Error>(())
/// ```
pub fn combinations(
    rows: usize,
    blocks: usize,
    judged: usize,
    purge: usize,
    embargo: usize,
) -> Result<Vec<Deal>, Error> {
    if judged == 0 || judged >= blocks || blocks > BLOCKS_MAX || rows < blocks {
        return Err(Error::Parameter {
            what: "judged, blocks and rows",
            value: format!("{judged}, {blocks} and {rows}"),
            range: "1 <= judged < blocks <= 16, with a row a block",
        });
    }
    let ranges = even(rows, blocks);
    let deal = |chosen: Vec<usize>| {
        let test: Vec<Range<usize>> =
            chosen.iter().filter_map(|block| ranges.get(*block).cloned()).collect();
        let rest = (0..blocks).filter(|block| !chosen.contains(block));
        let train = rest.filter_map(|block| clear(ranges.get(block)?, &test, purge, embargo));
        Deal { train: train.collect(), test }
    };
    Ok(choose(blocks, judged).into_iter().map(deal).collect())
}

/// `rows` cut into `blocks` ranges that differ by at most one row.
pub(super) fn even(rows: usize, blocks: usize) -> Vec<Range<usize>> {
    let (size, longer) = (rows / blocks, rows % blocks);
    let start = |block: usize| block * size + block.min(longer);
    (0..blocks).map(|block| start(block)..start(block + 1)).collect()
}

/// What of a block is far enough from every judged one; `None` if nothing is.
fn clear(
    block: &Range<usize>,
    test: &[Range<usize>],
    purge: usize,
    embargo: usize,
) -> Option<Range<usize>> {
    let (mut start, mut end) = (block.start, block.end);
    for judged in test {
        if judged.end <= block.start {
            start = start.max(judged.end + purge + embargo);
        } else {
            end = end.min(judged.start.saturating_sub(purge));
        }
    }
    (start < end).then_some(start..end)
}

/// Every choice of `k` of `n`, in lexical order; at most 2¹⁶ are looked at.
pub(super) fn choose(n: usize, k: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = (0_u32..1 << n.min(BLOCKS_MAX))
        .map(|bits| (0..n).filter(|block| bits >> block & 1 == 1).collect())
        .filter(|chosen: &Vec<usize>| chosen.len() == k)
        .collect();
    all.sort();
    all
}

/// More blocks have more combinations than anybody waits for.
const BLOCKS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        let walk = WalkForward { past: Past::Anchored, train: 5, test: 3, purge: 1, embargo: 2 };
        let splits = walk.splits(17).unwrap();
        assert_eq!(splits.len(), 2);
        assert_eq!((splits[1].train.clone(), splits[1].test.clone()), (0..10, 11..14));
        assert!(walk.splits(8).is_err());
        assert!(WalkForward { test: 0, ..walk }.splits(100).is_err());
        assert!(combinations(10, 2, 2, 0, 0).is_err());
        assert!(combinations(10, 17, 2, 0, 0).is_err());
    }

    proptest! {
        #[test]
        fn the_past_never_touches_the_future(
            rows in 10_usize..200, blocks in 2_usize..9, purge in 0_usize..4, embargo in 0_usize..4,
        ) {
            for deal in combinations(rows, blocks, blocks / 2, purge, embargo).unwrap() {
                let judged: Vec<usize> = deal.test.iter().cloned().flatten().collect();
                for row in deal.train.iter().cloned().flatten() {
                    for other in &judged {
                        prop_assert_ne!(row, *other);
                        if *other > row {
                            prop_assert!(other - row > purge);
                        } else {
                            prop_assert!(row - other > purge + embargo);
                        }
                    }
                }
            }
        }

        #[test]
        fn futures_follow_their_past_and_never_overlap(
            train in 1_usize..40, test in 1_usize..20, purge in 0_usize..5, embargo in 0_usize..5,
        ) {
            for past in [Past::Anchored, Past::Rolling] {
                let walk = WalkForward { past, train, test, purge, embargo };
                let splits = walk.splits(200).unwrap();
                for split in &splits {
                    prop_assert_eq!(split.train.end + purge, split.test.start);
                    prop_assert!(split.test.end <= 200);
                }
                for pair in splits.windows(2) {
                    prop_assert_eq!(pair[0].test.end + embargo, pair[1].test.start);
                }
            }
        }
    }
}
