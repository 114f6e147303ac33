//! One instrument at the speed of memory: fixed-point, monomorphised over the strategy.
//!
//! A decision after a bar's close acts in the next bar: at its open where there is one, else at
//! its close. Prices and money are whole millionths of a dollar, exact, costs are rounded as the
//! simulated venue rounds them. [`run`] equals the [event path](event), which drives the venue
//! itself, fill by fill and to the cent; a property test holds that.
//!
//! What it leaves out, on purpose: the engine, its gates and regulatory fees. An account that could
//! run out of cash is refused, not modelled.
//!
//! | piece | what it is |
//! | --- | --- |
//! | [`FixedSeries`] | prices, with running sums that every window shares |
//! | [`BarStrategy`] | a streaming state machine: one bar and the past |
//! | [`SmaCross`] | the crossing of two moving averages, exact in integers |
//! | [`run`], [`summarize`] | one simulation with every fill and the curve, or figures alone |
//! | [`sweep`] | many strategies on many series, on many threads, the same bytes on any number |

mod book;
pub mod event;
mod figures;
mod series;
mod sma;
mod strategy;
mod sweep;
#[cfg(test)]
mod tests;
mod trading;
mod walk;

pub use book::{FastFill, FastReport, run, summarize};
pub use figures::Figures;
pub use series::FixedSeries;
pub use sma::SmaCross;
pub use strategy::{BarStrategy, Stance};
pub use sweep::sweep;
pub use trading::{Trading, TradingSpec};
pub use walk::random_walk;
