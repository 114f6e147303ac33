//! No plan, no fault and no sequence of requests breaks cash, positions or the order of sending.
//!
//! `execution` carries random plans out through `atlas_exec::execute` over a network that fails at
//! random, restarting until each is complete; `requests` throws random requests at the venue and
//! moves its clock in between. Both are held against the naive ledger. Longer stories, with
//! crashes at any call, are told by the target `simulation`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "what does not hold, or is not what was asked for, fails the test"
)]

mod execution;
mod requests;
