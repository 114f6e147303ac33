//! What filters need to be filed away and restored without trusting the file.

use crate::Error;

/// Working memory: overwritten by every step, so no part of what its owner is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buffer<T>(pub(crate) T);

impl<T> PartialEq for Buffer<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Numbers that may be infinite, back from a form that has no infinity; refuses another length
/// and lists without a single finite number, from which nothing could go on.
pub(crate) fn restored(
    values: &[Option<f64>],
    what: &'static str,
    expected: usize,
    missing: f64,
) -> Result<Vec<f64>, Error> {
    if values.len() != expected {
        return Err(Error::Shape { what, found: values.len(), expected });
    }
    if values.iter().all(Option::is_none) {
        return Err(Error::TooFewRows { what, have: 0, need: 1 });
    }
    let values: Vec<f64> = values.iter().map(|v| v.unwrap_or(missing)).collect();
    let stray = |x: &f64| x.is_nan() || (x.is_infinite() && x.to_bits() != missing.to_bits());
    match values.iter().position(stray) {
        None => Ok(values),
        Some(column) => {
            let value = values[column];
            Err(Error::NotFinite { what, row: 0, column, value })
        }
    }
}

/// A cost that may be infinite, which JSON has no number for: `null` stands for infinity.
pub(crate) mod maybe_infinite {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    pub(crate) fn serialize<S: Serializer>(cost: &f64, to: S) -> Result<S::Ok, S::Error> {
        cost.is_finite().then_some(*cost).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        let cost = Option::<f64>::deserialize(from)?.unwrap_or(f64::INFINITY);
        if cost >= 0.0 { Ok(cost) } else { Err(D::Error::custom("a margin below 0")) }
    }
}
