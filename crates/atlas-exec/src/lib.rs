//! Journal, sequencer, reconciliation and states: execution that cannot lose track.
//!
//! - [`sequencer`]: the pure state machine that sends sells, waits, asks again, rescales buys.
//! - [`event`], [`state`]: what can happen, and the fold of it.
//! - [`journal`]: the append-only, hash-chained log, in `SQLite` or in memory.
//! - [`folder`]: lock, fence, inbox and stored inputs of one account on disk.
//! - [`session`], [`decision`]: the exclusive right to an account; plans and approvals.
//! - [`reconcile`]: the journal held against the broker.
//! - [`states`]: ACTIVE, REDUCING, PAUSED, HALTED.
//! - [`kill`](mod@kill): the kill switch and flattening, from a second process.
//! - [`peek`](mod@peek): what an account's journal amounts to, without taking hold of it.
//! - [`quality`]: what fills cost, from the journal alone.
//! - [`monitor`]: orders watched until they have ended, by anybody.
//! - [`agenda`], [`day`](mod@day): what is due when, and the end of a trading day.
//! - [`protection`]: stops that rest at the broker.
//! - [`ramp`], [`drill`]: how much may be put at risk, and what has to be rehearsed.
//! - [`preopen`], [`window`]: what has to be right before a plan is carried out, and when.
//! - [`verification`]: what an execution came to, against what it was meant to.
//! - [`evidence`]: what an account has shown for going live.
//! - [`watchdog`]: notices that whoever trades has fallen silent.
//! - [`why`]: decisions computed again and explained.
//! - [`trade`](mod@trade): continuous trading: the engine driven by streams, crash-safe.
//! - [`shell`]: the sequencer driven against a broker, crash-safe.
//!
//! Start reading with [`shell::execute`]; the way of one order is in `shell/send.rs`.

pub mod agenda;
pub mod approver;
pub mod day;
pub mod decision;
pub mod drill;
pub mod error;
pub mod event;
pub mod evidence;
pub mod folder;
mod guard_approver;
pub mod journal;
pub mod judged;
pub mod kill;
pub mod monitor;
mod past;
pub mod peek;
mod plan_approver;
pub mod preopen;
pub mod protection;
pub mod quality;
pub mod ramp;
pub mod reconcile;
pub mod sequencer;
pub mod session;
pub mod shell;
mod snapshot;
pub mod state;
pub mod states;
pub mod timer;
pub mod trade;
pub mod verification;
pub mod watchdog;
pub mod why;
pub mod window;

pub use approver::{Approver, Denial, FreshContext};
pub use decision::{Drift, DriftLimit};
pub use error::Error;
pub use folder::copy_state;
pub use guard_approver::GuardApprover;
pub use past::Past;
pub use peek::peek;
pub use plan_approver::PlanApprover;
pub use session::Session;
pub use shell::{ExecutionReport, Settings, execute};
pub use state::State;
pub use states::{Cause, TradingState};
pub use timer::{Timer, TokioTimer};
