//! The matching and accounting core: pure, synchronous, deterministic, without I/O or a clock of
//! its own.

mod accept;
mod change;
mod events;
mod exchange;
mod fixed;
mod groups;
mod history;
pub(crate) mod ids;
mod ledger;
mod market;
mod matching;
mod order;
mod path;
mod refusal;
mod rules;
mod state;
mod trade;
mod watchlist;

pub use events::{Event, Update};
pub use exchange::Exchange;
pub use fixed::{Money, NANO, Px, Shares};
pub use ledger::{Activity, Entry, Execution, Holding};
pub use market::Listing;
pub use order::{
    Class, Kind, NewOrder, OrderRecord, Replacement, Role, Size, Status, Taken, Tif, Times, Trail,
    Wake,
};
pub use refusal::{Extras, Refusal};
pub use watchlist::{Watchlist, WatchlistChange};

pub(crate) use events::Changes;
pub(crate) use ids::date_of;
pub(crate) use market::Market;
pub(crate) use matching::trail_stop;
pub(crate) use path::{Leg, Path};
pub(crate) use state::State;

#[cfg(test)]
pub(crate) mod tests;
