//! Fixtures shared by the tests that cross crates.
//!
//! - [`market`]: a handful of made-up series whose prices are easy to reckon with;
//! - [`orders`]: order requests in one line;
//! - [`approval`]: approvals, made by the real validator under limits so wide that only sense is
//!   checked;
//! - [`world`]: the simulated venue behind one of its [doors](world::Door), with a clock that a
//!   test moves;
//! - [`faulty`]: the in-process venue behind a network that loses what a test tells it to lose;
//! - [`recorded`]: the venue behind a server that answers in payloads of the real service's shapes;
//! - [`ledger`]: a second, naive set of books that every test is held against;
//! - [`plans`]: plans, approver and timer for tests of execution.
//!
//! The crates that the programs of `safety/fail` are about are named here again, so that one
//! library is all they link to.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a fixture that does not hold fails the test that stands on it"
)]

pub mod approval;
pub mod faulty;
pub mod glitch;
pub mod ledger;
pub mod market;
pub mod orders;
pub mod plans;
pub mod recorded;
pub mod world;

pub use {atlas_broker, atlas_core, atlas_risk, serde};

/// Runs a future to its end on this thread.
///
/// # Panics
/// If the system gives no runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}
