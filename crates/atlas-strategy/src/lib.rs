//! Streaming indicators and strategies that turn bars into signals.
//!
//! A strategy sees prices up to a date and, where it needs to know, which symbols are held. It
//! knows neither accounts nor brokers and cannot send anything. Every signal carries the numbers it
//! rests on. What is not defined yet is `None`, never zero: there is no signal during warm-up.
//!
//! - [`indicator`]: state machines over values and bars, in constant time;
//! - [`momentum`]: scanners over a universe: the 52-week high, which the main job uses, and dual
//!   momentum;
//! - [`strategy`]: the trait of strategies that watch one symbol, and how to write your own;
//! - [`trend`], [`reversion`], [`strat`]: such strategies; [`filter`] and [`ensemble`] put them
//!   together.

pub mod alike;
mod bundled;
pub mod ensemble;
mod error;
mod evidence;
pub mod filter;
mod history;
pub mod indicator;
pub mod momentum;
pub mod reversion;
mod stop;
pub mod strat;
pub mod strategy;
pub mod trend;

pub use bundled::Bundled;
pub use error::Error;
pub use evidence::Evidence;
pub use history::{Closes, History};
pub use strategy::{EveryOther, Moment, Opinion, Stage, Strategy, opinions};
