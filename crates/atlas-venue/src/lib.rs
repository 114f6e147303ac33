//! A deterministic simulated exchange with an Alpaca-compatible server.

mod config;
pub mod core;
pub mod costs;
mod credentials;
mod error;
mod faults;
mod in_process;
pub mod server;
mod settlement;
mod store;
mod venue;

pub use config::VenueConfig;
pub use core::{Exchange, Listing, Refusal};
pub use costs::{CostEstimate, CostModel, FeeKind, Slippage};
pub use credentials::{Credentials, Secret};
pub use error::Error;
pub use faults::{Fault, Faults, Target};
pub use in_process::InProcess;
pub use venue::{Hours, Venue};
