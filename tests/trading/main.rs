//! Continuous trading, end to end: the engine in its shell, on recorded bars, against the venue.
//!
//! The recorded day is read from the folder of shared data beside the project; a test that needs it
//! says so and ends where it is absent. Everything else runs on made-up bars.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stderr,
    reason = "what does not hold fails the test, and a test that cannot run says so"
)]

mod day;
mod mortal;
mod parity;
mod recorded;
mod stage;
mod tape;
mod troubles;
