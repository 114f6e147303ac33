//! Strategies that follow a trend: crossing averages, MACD, time-series momentum.

mod macd;
mod sma;
mod time_series;

pub use macd::MacdTrend;
pub use sma::{AdaptiveSma, SmaCross, SmaSet};
pub use time_series::TimeSeriesMomentum;
