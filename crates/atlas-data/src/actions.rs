//! What companies do to their shares, as files tell it.

use atlas_core::{Bps, Symbol, Usd};
use chrono::NaiveDate;

/// Something a company does to its shares on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanyAction {
    /// The first session on which shares trade without what is given out, with the new count or
    /// name, or no more.
    pub date: NaiveDate,
    /// What happens.
    pub deed: CompanyDeed,
}

/// What a company does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompanyDeed {
    /// So many new shares for so many old ones, in lowest terms, both above zero.
    Split {
        /// New shares.
        new: u32,
        /// Old shares.
        old: u32,
    },
    /// Money for each share.
    Dividend {
        /// Dollars a share, above zero.
        per_share: Usd,
        /// When it is paid; the file may leave it out.
        pay_date: Option<NaiveDate>,
    },
    /// Another name.
    Rename {
        /// The new symbol.
        to: Symbol,
    },
    /// The end of trading.
    Delisting {
        /// The return on the last close that holders are left with.
        delisting_return: Bps,
    },
}
