//! What filters need to be filed away and restored without trusting the file.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::discrete::estep::loss;
use crate::{Error, JumpModel};

/// The format a type is filed away in; a file of another one is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Format<const N: u32>;

impl<const N: u32> Serialize for Format<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        N.serialize(to)
    }
}

impl<'de, const N: u32> Deserialize<'de> for Format<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let found = u32::deserialize(from)?;
        let wrong = Error::Format { what: "what was filed away", found, expected: N };
        if found == N { Ok(Self) } else { Err(D::Error::custom(wrong)) }
    }
}

/// The largest cost a single row may add to the best path of a filter: beyond it the penalty and
/// the distance of the centres no longer count beside what is added up. 2⁴² times the larger of
/// them leaves ten bits of the 52 there are. Without limit where there are no two centres apart, and
/// so nothing to tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range(pub(crate) f64);

impl Range {
    pub(crate) fn of(model: &JumpModel) -> Self {
        let centers = || model.centers.iter().flatten();
        let pairs = centers().flat_map(|a| centers().map(move |b| loss(a, b)));
        let apart = pairs.fold(0.0, f64::max);
        Self(if apart > 0.0 { apart.max(model.penalty) * FAR } else { f64::INFINITY })
    }
}

/// See [`Range`].
pub(crate) const FAR: f64 = 4_398_046_511_104.0;

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
