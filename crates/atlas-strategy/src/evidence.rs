//! The numbers an opinion rests on.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Numbers by name, in the order they matter.
///
/// The first four are kept in place, so that an opinion on every bar costs no allocation.
///
/// # Examples
/// ```
/// use atlas_strategy::Evidence;
///
/// let mut evidence = Evidence::from([("close", 2.0), ("mean", 1.5)]);
/// evidence.push("gap", 0.5);
/// let named: Vec<(&str, f64)> = evidence.iter().collect();
/// assert_eq!(named, [("close", 2.0), ("mean", 1.5), ("gap", 0.5)]);
/// ```
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(String, f64)>", into = "Vec<(String, f64)>")]
pub struct Evidence {
    near: [Item; NEAR],
    len: usize,
    /// What does not fit in place.
    far: Vec<Item>,
}

type Item = (Cow<'static, str>, f64);

/// How many are kept in place.
const NEAR: usize = 4;

impl Evidence {
    /// Appends a number.
    pub fn push(&mut self, name: &'static str, value: f64) {
        self.append((Cow::Borrowed(name), value));
    }

    /// The numbers by name, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        let near = self.near.iter().take(self.len.min(NEAR));
        near.chain(&self.far).map(|(name, value)| (name.as_ref(), *value))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn append(&mut self, item: Item) {
        match self.near.get_mut(self.len) {
            Some(place) => *place = item,
            None => self.far.push(item),
        }
        self.len += 1;
    }
}

impl<const N: usize> From<[(&'static str, f64); N]> for Evidence {
    #[inline]
    fn from(items: [(&'static str, f64); N]) -> Self {
        let mut evidence = Self::default();
        for (name, value) in items {
            evidence.push(name, value);
        }
        evidence
    }
}

impl From<Vec<(String, f64)>> for Evidence {
    fn from(items: Vec<(String, f64)>) -> Self {
        let mut evidence = Self::default();
        for (name, value) in items {
            evidence.append((Cow::Owned(name), value));
        }
        evidence
    }
}

impl From<Evidence> for Vec<(String, f64)> {
    fn from(evidence: Evidence) -> Self {
        evidence.iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl PartialEq for Evidence {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_in_place_is_kept_in_order() {
        let six = Evidence::from([
            ("a", 1.0),
            ("b", 2.0),
            ("c", 3.0),
            ("d", 4.0),
            ("e", 5.0),
            ("f", 6.0),
        ]);
        assert_eq!((six.len(), six.is_empty()), (6, false));
        let names: String = six.iter().map(|(name, _)| name).collect();
        assert_eq!(names, "abcdef");
        let text = serde_json::to_string(&six).unwrap();
        assert_eq!(serde_json::from_str::<Evidence>(&text).unwrap(), six);
        assert_ne!(six, Evidence::default());
        assert!(Evidence::default().is_empty());
    }
}
