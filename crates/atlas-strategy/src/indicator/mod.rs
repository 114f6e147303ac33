//! Streaming indicators: state machines that see one value and the past.

mod rolling;

pub use rolling::{RollingMax, RollingMin};

use crate::Error;

/// A window or period that is at least `min`.
pub(crate) fn period(
    owner: &'static str,
    name: &'static str,
    value: usize,
    min: usize,
    rule: &'static str,
) -> Result<usize, Error> {
    if value >= min {
        return Ok(value);
    }
    Err(Error::Parameter { owner, name, value: value.to_string(), rule })
}
