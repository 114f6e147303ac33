//! The matching and accounting core: pure, synchronous, deterministic, without I/O or a clock of
//! its own.

mod accept;
mod actions;
mod carry;
mod change;
mod daytrade;
mod events;
mod exchange;
mod extended;
mod fine;
mod fixed;
mod groups;
mod history;
mod hours;
pub(crate) mod ids;
mod late;
mod ledger;
mod listing;
mod margin;
mod market;
mod matching;
mod means;
mod order;
mod path;
mod posting;
mod quotes;
mod refusal;
mod rules;
mod session;
mod state;
mod terms;
mod trade;
mod value;
mod view;
mod watchlist;

pub use actions::{ActionKind, CorporateAction};
pub use carry::Carry;
pub use events::{Event, Update};
pub use exchange::Exchange;
pub use fixed::{Delta, Money, NANO, Px, Shares};
pub use hours::extended;
pub use ledger::{Activity, Entry, Execution, Holding};
pub use listing::{CryptoRules, Listing, Origin};
pub use margin::{Multiplier, Standing};
pub use order::{NewOrder, OrderRecord, Replacement, Taken, Times};
pub use posting::{Posting, PostingKind};
pub use refusal::{Extras, Refusal};
pub use terms::{Class, Intent, Kind, Role, Size, Status, Tif, Trail, Wake};
pub use watchlist::{Watchlist, WatchlistChange};

pub(crate) use events::Changes;
pub(crate) use fine::FineBar;
pub(crate) use history::Past;
pub(crate) use ids::date_of;
pub(crate) use market::{Market, utc_day};
pub(crate) use matching::trail_stop;
pub(crate) use path::{Leg, Path};
pub(crate) use state::State;
pub(crate) use view::View;

#[cfg(test)]
pub(crate) mod tests;
