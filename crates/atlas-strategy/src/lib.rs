//! Streaming indicators and strategies that turn bars into signals.
//!
//! A strategy sees prices up to a date and, where it needs to know, which symbols are held. It
//! knows neither accounts nor brokers and cannot send anything. Every signal carries the numbers it
//! rests on. What is not defined yet is `None`, never zero: there is no signal during warm-up.

mod error;
mod history;
pub mod indicator;
pub mod momentum;

pub use error::Error;
pub use history::History;
