//! The system's randomness, for keys and tokens.

use anyhow::Result;

use crate::exit::{Exit, Failure};

/// 256 bits of it, as 64 hexadecimal digits.
///
/// # Errors
/// [`Exit::Internal`] if the system gives none.
pub(crate) fn random_hex() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::error(Exit::Internal, format!("the system gives no random numbers: {error}"))
    })?;
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    Ok(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}
