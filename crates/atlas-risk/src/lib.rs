//! Pre-trade gates, the validator, sizing, limits and the only way to an approved order.

pub mod approved;

pub use approved::{Approved, ApprovedOrder};
