//! Market data finer than a day, made from daily bars by one stated rule.
//!
//! The matching core moves the price of each symbol along a stated way through the session (see
//! [the way of the price](crate#what-is-simulated)). Everything finer than a day is read off that
//! way, so that no client is shown a price at which the core would not trade:
//!
//! - a **bar** of some minutes or hours opens and closes where the way does, its extremes are those
//!   of the way, its average price is the way's mean over time;
//! - the **volume** of the day is spread over its minutes by weights drawn evenly from 1 to 2; within
//!   a minute it is spread evenly. A day without a volume gets one from one to five million shares
//!   (one to five thousand coins), drawn too;
//! - there is one **trade** in each five seconds, at a drawn millisecond of them, at the price the
//!   way has then, over the volume of those five seconds;
//! - there is one **quote** at the start of each five seconds: bid and ask are what the core quotes
//!   at that price, over drawn sizes of one to ten hundred shares (one to ten coins).
//!
//! All draws are a function of the venue's seed, the symbol, the date and the place in the day:
//! asking twice, or in another order, gives the same answer. A day is known up to the present
//! moment and no further; a series of closes is known when the session has ended.

mod candle;
mod day;
mod days;
mod timeframe;

pub(crate) use candle::Candle;
pub(crate) use day::{Day, Tick};
pub(crate) use days::{Days, last_minute};
pub(crate) use timeframe::{Timeframe, midnight};

/// Milliseconds between quotes, and between trades.
pub(crate) const SLOT: i64 = 5_000;
/// Milliseconds in a minute.
pub(crate) const MINUTE: i64 = 60_000;
