//! Daily bars, in columns, raw or adjusted by type.

mod columns;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use columns::{Bars, BarsView, Columns};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Raw {}
    impl Sealed for super::Adjusted {}
}

/// Whether prices are as printed at the exchange or back-adjusted; sealed.
pub trait Basis: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The lower-case word for it.
    const NAME: &'static str;
}

/// Prices as printed at the exchange on the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Raw {}

/// Prices back-adjusted for splits and dividends: good for returns, never a price of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Adjusted {}

impl Basis for Raw {
    const NAME: &'static str = "raw";
}

impl Basis for Adjusted {
    const NAME: &'static str = "adjusted";
}

/// One daily bar, known only after its session's close.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// The session.
    pub date: NaiveDate,
    /// First price, if the series has it.
    pub open: Option<f64>,
    /// Highest price, if the series has it.
    pub high: Option<f64>,
    /// Lowest price, if the series has it.
    pub low: Option<f64>,
    /// Last price.
    pub close: f64,
    /// Shares traded, if the series has it.
    pub volume: Option<f64>,
}
