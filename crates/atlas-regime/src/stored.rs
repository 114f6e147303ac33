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

/// What costs must be told apart by, so that what is too far away for it can be refused and what
/// adds up is taken off before it drowns it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    /// The larger of the penalty and the distance of the centres farthest apart.
    scale: f64,
    /// The cost of the best path from which on it is taken off all paths: 2³² times the distance of
    /// the nearest two centres, which leaves twenty bits of the 52 there are to tell them apart by.
    /// Always finite, so that no sum of costs ends in infinity.
    pub(crate) ceiling: f64,
}

impl Range {
    pub(crate) fn of(model: &JumpModel) -> Self {
        let centers = || model.centers.iter().flatten();
        let pairs = centers().flat_map(|a| centers().map(move |b| loss(a, b)));
        let (mut farthest, mut nearest) = (0.0_f64, f64::INFINITY);
        for apart in pairs.filter(|apart| *apart > 0.0) {
            (farthest, nearest) = (farthest.max(apart), nearest.min(apart));
        }
        let scale = if farthest > 0.0 { farthest.max(model.penalty) } else { f64::INFINITY };
        Self { scale, ceiling: (nearest * LEFT).min(CEILING_MAX) }
    }

    /// Whether a row with these costs in the states is so far away that neither what the costs
    /// differ by, nor the penalty, nor the distance of the centres counts beside them: at a 2⁴²th
    /// of the costs ten bits of the 52 there are are left. Never where there are no two centres
    /// apart, and so nothing to tell.
    pub(crate) fn drowns(self, losses: impl Iterator<Item = f64>) -> bool {
        let mut ends = (f64::INFINITY, 0.0_f64);
        for loss in losses {
            ends = (ends.0.min(loss), ends.1.max(loss));
        }
        ends.0 > FAR * self.scale.max(ends.1 - ends.0)
    }
}

/// See [`Range::drowns`].
pub(crate) const FAR: f64 = 4_398_046_511_104.0;

/// See [`Range::ceiling`].
const LEFT: f64 = 4_294_967_296.0;
const CEILING_MAX: f64 = f64::MAX / 4.0;

/// Takes the cost of the best path off all paths.
pub(crate) fn take_off(smallest: f64, values: &mut [f64]) {
    for value in values {
        *value -= smallest;
    }
}

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
