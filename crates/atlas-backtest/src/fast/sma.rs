//! The crossing of two moving averages.

use std::collections::VecDeque;

use super::{BarStrategy, FixedSeries, Stance};
use crate::Error;

/// Long after the fast simple moving average has crossed above the slow one, flat after it has
/// crossed below. Averages that touch have not crossed yet, and the first side seen is no crossing.
///
/// Averages are compared by cross-multiplied sums: exact, whatever the order of adding.
///
/// # Examples
/// ```
/// use atlas_backtest::fast::{BarStrategy, SmaCross, Stance};
///
/// let mut cross = SmaCross::new(1, 2)?;
/// let said: Vec<_> = [5, 4, 6, 7, 3].map(|close| cross.push(close)).into();
/// assert_eq!(said, [None, None, Some(Stance::Long), None, Some(Stance::Flat)]);
/// assert!(SmaCross::new(30, 10).is_err());
/// # Ok::<(), atlas_backtest::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmaCross {
    fast: i64,
    slow: i64,
    /// The last `slow` closes, oldest first.
    seen: VecDeque<i64>,
    fast_sum: i64,
    slow_sum: i64,
    side: Side,
}

/// On which side of the slow average the fast one was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Unknown,
    Above,
    Below,
}

impl SmaCross {
    /// Averages over the last `fast` and `slow` closes.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless 1 ≤ `fast` < `slow` ≤ 5000.
    pub fn new(fast: u16, slow: u16) -> Result<Self, Error> {
        if fast == 0 || fast >= slow || slow > SLOW_MAX {
            return Err(Error::Parameter {
                what: "fast and slow",
                value: format!("{fast} and {slow}"),
                range: "1 <= fast < slow <= 5000",
            });
        }
        Ok(Self {
            fast: fast.into(),
            slow: slow.into(),
            seen: VecDeque::new(),
            fast_sum: 0,
            slow_sum: 0,
            side: Side::Unknown,
        })
    }

    /// The windows, fast and slow.
    #[must_use]
    pub const fn windows(&self) -> (i64, i64) {
        (self.fast, self.slow)
    }

    fn fast_len(&self) -> usize {
        usize::try_from(self.fast).unwrap_or(usize::MAX)
    }

    fn slow_len(&self) -> usize {
        usize::try_from(self.slow).unwrap_or(usize::MAX)
    }
}

impl Side {
    /// Takes in by how much the fast average is above; says whether it has crossed.
    #[inline]
    fn cross(&mut self, above: i64) -> Option<Stance> {
        let (now, stance) = match above {
            0 => return None,
            1.. => (Self::Above, Stance::Long),
            _ => (Self::Below, Stance::Flat),
        };
        if *self == now {
            return None;
        }
        let before = std::mem::replace(self, now);
        (before != Self::Unknown).then_some(stance)
    }
}

impl BarStrategy for SmaCross {
    fn push(&mut self, close: i64) -> Option<Stance> {
        self.fast_sum += close;
        self.slow_sum += close;
        let len = self.seen.len();
        if let Some(left) = len.checked_sub(self.fast_len()) {
            self.fast_sum -= self.seen.get(left).copied().unwrap_or(0);
        }
        if len == self.slow_len() {
            self.slow_sum -= self.seen.pop_front().unwrap_or(0);
        }
        self.seen.push_back(close);
        if self.seen.len() < self.slow_len() {
            return None;
        }
        self.side.cross(self.fast_sum * self.slow - self.slow_sum * self.fast)
    }

    /// The same from running sums, which every pair of windows shares.
    fn changes(&self, series: &FixedSeries, mut each: impl FnMut(usize, Stance)) {
        let sums = series.sums();
        let (fast, slow) = (self.fast_len(), self.slow_len());
        let (fast_weight, slow_weight) = (self.slow, self.fast);
        let Some(newest) = sums.get(slow..) else { return };
        let fast_old = sums.get(slow - fast..).unwrap_or_default();
        let blocks = newest.chunks(64).zip(fast_old.chunks(64)).zip(sums.chunks(64));
        let mut side = Side::Unknown;
        for (block, ((newest, fast_old), slow_old)) in blocks.enumerate() {
            // One bit a bar, the first one lowest, so that bars without a crossing cost no branch.
            let (mut above, mut below) = (0_u64, 0_u64);
            for ((new, fast_old), slow_old) in newest.iter().zip(fast_old).zip(slow_old) {
                // Sums may have wrapped around; their differences over a window have not, and the
                // longest window of the highest price squared fits.
                let fast_sum = new.wrapping_sub(*fast_old).wrapping_mul(fast_weight);
                let slow_sum = new.wrapping_sub(*slow_old).wrapping_mul(slow_weight);
                let gap = fast_sum.wrapping_sub(slow_sum);
                above = above >> 1 | u64::from(gap > 0) << 63;
                below = below >> 1 | u64::from(gap < 0) << 63;
            }
            let unused = 64 - newest.len();
            (above, below) = (above >> unused, below >> unused);
            loop {
                let others = match side {
                    Side::Unknown => above | below,
                    Side::Above => below,
                    Side::Below => above,
                };
                if others == 0 {
                    break;
                }
                let bit = others.trailing_zeros();
                let gap = if above >> bit & 1 == 1 { 1 } else { -1 };
                if let Some(stance) = side.cross(gap) {
                    each(block * 64 + bit as usize + slow - 1, stance);
                }
                let later = (u64::MAX << bit) << 1;
                (above, below) = (above & later, below & later);
            }
        }
    }
}

/// Longest window: with prices up to [`PRICE_MAX`](super::series::PRICE_MAX) no
/// product overflows.
const SLOW_MAX: u16 = 5_000;
