//! The matching and accounting core: pure, synchronous, deterministic, without I/O or a clock of
//! its own.

mod accept;
mod change;
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

pub use exchange::{Event, Exchange, Update};
pub use fixed::{Money, NANO, Px, Shares};
pub use ledger::{Activity, Entry, Execution, Holding};
pub use market::Listing;
pub use order::{
    Class, Kind, NewOrder, OrderRecord, Replacement, Role, Size, Status, Taken, Tif, Times, Trail,
    Wake,
};
pub use refusal::{Extras, Refusal};

pub(crate) use exchange::{Changes, State};
pub(crate) use ids::date_of;
pub(crate) use market::Market;
pub(crate) use matching::trail_stop;

#[cfg(test)]
pub(crate) mod tests;
