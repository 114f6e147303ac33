//! A deterministic simulated exchange with an Alpaca-compatible server.

mod config;
pub mod core;
pub mod costs;
mod error;

pub use config::VenueConfig;
pub use core::{Exchange, Listing, Refusal};
pub use costs::{CostEstimate, CostModel, FeeKind, Slippage};
pub use error::Error;
