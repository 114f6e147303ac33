//! Prices of the past restated for what companies have done to their shares since.
//!
//! Restated to the newest row that is known, as Alpaca does: a split of two for one halves every
//! price before it and doubles every volume, a dividend takes its share of the close before it off
//! every price before it. Where the listing has its actions, they say what happened; where it has
//! adjusted closes alone, those tell both together and neither by itself.

use super::{Candle, Days};
use crate::core::{ActionKind, Listing};

/// How the bars of a listing are restated.
#[derive(Debug)]
pub(crate) enum Adjustment<'a> {
    /// As they were.
    None,
    /// As the adjusted closes say, to the row last known.
    Closes(&'a Listing, usize),
    /// By these factors of price and of volume, each for the rows before a row, ascending.
    Steps(Vec<(usize, f64, f64)>),
}

impl<'a> Adjustment<'a> {
    /// Restates for splits, for dividends, for both or for neither; `None` where the data do not
    /// tell one from the other.
    pub(crate) fn new(days: &Days<'a>, (splits, dividends): (bool, bool)) -> Option<Self> {
        let listing = days.listing();
        let Some(newest) = days.len().checked_sub(1).filter(|_| splits || dividends) else {
            return Some(Self::None);
        };
        let columns = listing.columns();
        if listing.actions().is_empty() {
            return match (columns.adj_close.is_empty(), splits && dividends) {
                (true, _) => Some(Self::None),
                (false, true) => Some(Self::Closes(listing, newest)),
                (false, false) => None,
            };
        }
        let mut steps = Vec::new();
        for action in listing.actions() {
            let row = columns.dates.partition_point(|date| *date < action.date);
            if row == 0 || row > newest {
                continue;
            }
            match &action.kind {
                ActionKind::Split { new, old } if splits => {
                    let ratio = f64::from(*old) / f64::from(*new);
                    steps.push((row, ratio, ratio.recip()));
                }
                ActionKind::Dividend { per_share, .. } if dividends => {
                    #[expect(clippy::cast_precision_loss, reason = "a factor is no exact price")]
                    let amount = per_share.nanos() as f64 / 1e9;
                    let factor = 1.0 - amount / columns.close[row - 1];
                    if factor > 0.0 {
                        steps.push((row, factor, 1.0));
                    }
                }
                ActionKind::Split { .. }
                | ActionKind::Dividend { .. }
                | ActionKind::Rename { .. }
                | ActionKind::Delisting { .. } => {}
            }
        }
        Some(Self::Steps(steps))
    }

    /// A bar of a row, restated.
    pub(crate) fn apply(&self, row: usize, bar: Candle) -> Candle {
        match self {
            Self::None => bar,
            Self::Closes(listing, newest) => {
                let columns = listing.columns();
                let factor = |row: usize| {
                    columns.adj_close.get(row).map_or(1.0, |adjusted| adjusted / columns.close[row])
                };
                bar.scaled(factor(row) / factor(*newest))
            }
            Self::Steps(steps) => {
                let after = steps.iter().filter(|(from, ..)| row < *from);
                let (price, volume) =
                    after.fold((1.0, 1.0), |(price, volume), (_, p, v)| (price * p, volume * v));
                Candle { volume: bar.volume * volume, ..bar.scaled(price) }
            }
        }
    }
}
