//! The deciding core: regime, signals, allocation, targets and the rebalance plan, as pure functions.
//!
//! [`plan()`] turns what is seen of the market ([`MarketView`]) and of the account
//! ([`AccountSnapshot`]), a person's choices ([`Policy`]) and a clock reading into a
//! [`RebalancePlan`]. [`DecisionInputs`] keeps those arguments, so that the
//! plan can be computed again, byte for byte. [`RebalancePlan::context`] says
//! what each order is judged against before it is sent.
//!
//! No I/O, no clock of its own, no randomness without a seed; the crate does not know which clock,
//! data source or broker drives it.

mod decide;
mod error;
mod falls;
mod inputs;
pub mod plan;
mod policy;
pub mod select;
mod send;
mod snapshot;
pub mod step;
mod view;

pub use decide::{plan, plan_detected, plan_selected};
pub use error::Error;
pub use falls::Falls;
pub use inputs::{DecisionInputs, StoredBasis, StoredPrices, StoredSeries};
pub use plan::RebalancePlan;
pub use policy::{Allocations, Costs, DeskPolicy, Policy, Unmanaged};
pub use select::Selector;
pub use send::Fresh;
pub use snapshot::AccountSnapshot;
pub use step::{Action, Engine, Event};
pub use view::{MarketView, PriceSeries};
