//! Market data of any length, as given and, where they are finer than what is given, made by one
//! stated rule.
//!
//! The matching core moves the price of each symbol along a stated way through the session (see
//! [the way of the price](crate#what-is-simulated)). Everything finer than a day is read off that
//! way, so that no client is shown a price at which the core would not trade:
//!
//! - where the data have bars within the day, a longer **bar** is put together from those that lie
//!   within it, with their volumes, means and trades, and there is none where they have a hole;
//! - any other **bar** of some minutes or hours opens and closes where the way does, its extremes are those
//!   of the way, its average price is the way's mean over time;
//! - the **volume** of a bar within the day is spread evenly over its time; that of a day without
//!   such bars is spread over its minutes by weights drawn evenly from 1 to 2, a sixty-fourth of that
//!   outside of regular hours. A day without a volume gets one from one to five million shares
//!   (one to five thousand coins), drawn too;
//! - there is one **trade** in each five seconds, at a drawn millisecond of them, at the price the
//!   way has then, over the volume of those five seconds;
//! - there is one **quote** at the start of each five seconds: bid and ask are what the core quotes
//!   at that price, over drawn sizes of one to ten hundred shares (one to ten coins).
//!
//! All draws are a function of the venue's seed, the symbol, the date and the place in the day:
//! asking twice, or in another order, gives the same answer. A day is known up to the present
//! moment and no further; a series of closes is known when the session has ended. A daily bar holds
//! regular hours alone; minutes and ticks are there outside of them too where the venue trades then.

mod adjust;
mod candle;
mod chain;
mod day;
mod days;
mod names;
#[cfg(test)]
mod tests;
mod timeframe;

pub(crate) use adjust::Adjustment;
pub(crate) use candle::Candle;
pub(crate) use chain::Chain;
pub(crate) use day::{Day, Tick};
pub(crate) use days::{Days, Newest, in_order, last_minute, present};
pub(crate) use names::{Part, parts};
pub(crate) use timeframe::{Timeframe, midnight};

/// Milliseconds between quotes, and between trades.
pub(crate) const SLOT: i64 = 5_000;
/// Milliseconds in a minute.
pub(crate) const MINUTE: i64 = 60_000;
