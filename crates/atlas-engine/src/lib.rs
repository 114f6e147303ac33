//! The deciding core: regime, signals, allocation, targets and the rebalance plan, as pure functions.

pub mod plan;
