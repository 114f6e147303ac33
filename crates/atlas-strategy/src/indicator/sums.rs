//! Sums that do not drift: error-free additions, and a ring of the last values.

use serde::{Deserialize, Serialize};

/// A number as the unevaluated sum of two: about 32 decimal digits.
///
/// Source: T. J. Dekker, "A Floating-Point Technique for Extending the Available Precision" (1971).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Double {
    high: f64,
    low: f64,
}

impl Double {
    pub(crate) const ZERO: Self = Self { high: 0.0, low: 0.0 };

    /// The exact product of two numbers.
    pub(crate) fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        Self { high, low: a.mul_add(b, -high) }
    }

    /// Adds a number. What rounding takes from the high part goes to the low one; the two are put
    /// in order only where that matters, so that a running sum waits for one addition alone.
    pub(crate) fn plus(self, value: f64) -> Self {
        let high = self.high + value;
        let shadow = high - self.high;
        let error = (self.high - (high - shadow)) + (value - shadow);
        Self { high, low: self.low + error }
    }

    /// Adds another.
    pub(crate) fn add(self, other: Self) -> Self {
        let sum = self.plus(other.high);
        Self { high: sum.high, low: sum.low + other.low }
    }

    /// Takes another away.
    pub(crate) fn sub(self, other: Self) -> Self {
        self.add(Self { high: -other.high, low: -other.low })
    }

    /// Times a number.
    pub(crate) fn times(self, factor: f64) -> Self {
        let Self { high, low } = self.ordered();
        let product = Self::product(high, factor);
        Self { high: product.high, low: low.mul_add(factor, product.low) }
    }

    /// Times another.
    pub(crate) fn mul(self, other: Self) -> Self {
        let (left, right) = (self.ordered(), other.ordered());
        let product = Self::product(left.high, right.high);
        let cross = left.high.mul_add(right.low, left.low * right.high);
        Self { high: product.high, low: product.low + cross }
    }

    /// The nearest single number.
    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }

    /// The same number with everything the high part can hold in it.
    fn ordered(self) -> Self {
        Self::ZERO.plus(self.high).plus(self.low)
    }
}

/// The last values of a window, oldest overwritten first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ring<T> {
    values: Vec<T>,
    window: usize,
    next: usize,
}

impl<T: Copy> Ring<T> {
    pub(crate) fn new(window: usize) -> Self {
        Self { values: Vec::with_capacity(window), window, next: 0 }
    }

    /// Takes in a value; the one that leaves, once the ring is full.
    pub(crate) fn push(&mut self, value: T) -> Option<T> {
        if self.values.len() < self.window {
            self.values.push(value);
            return None;
        }
        let slot = self.values.get_mut(self.next)?;
        let old = std::mem::replace(slot, value);
        self.next += 1;
        if self.next == self.window {
            self.next = 0;
        }
        Some(old)
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.values.len() == self.window
    }

    /// The values, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = T> {
        let (newer, older) = self.values.split_at(self.next.min(self.values.len()));
        older.iter().chain(newer).copied()
    }
}

/// Whether a value that left a window dwarfed what is left of it, so that the sum has lost digits.
pub(crate) fn dwarfed(left: f64, rest: f64) -> bool {
    left.abs() > DWARF * rest.abs()
}

/// A factor at which a double-length sum still has 24 digits.
const DWARF: f64 = 1e4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_come_back_to_where_they_were(values in prop::collection::vec(-1e9_f64..1e9, 1..50)) {
            let start = Double::product(0.1, 0.3);
            let there = values.iter().fold(start, |sum, value| sum.plus(*value));
            let back = values.iter().fold(there, |sum, value| sum.plus(-*value));
            prop_assert!((back.value() - start.value()).abs() < 1e-19);
        }

        #[test]
        fn rings_hold_the_last(values in prop::collection::vec(any::<u8>(), 1..40), window in 1_usize..9) {
            let mut ring = Ring::new(window);
            for (at, value) in values.iter().enumerate() {
                let left = at.checked_sub(window).map(|old| values[old]);
                prop_assert_eq!(ring.push(*value), left);
                let start = (at + 1).saturating_sub(window);
                prop_assert_eq!(ring.iter().collect::<Vec<_>>(), &values[start..=at]);
                prop_assert_eq!(ring.is_full(), at + 1 >= window);
            }
        }
    }

    #[test]
    fn products_keep_what_a_single_number_loses() {
        let third = Double::product(1.0, 1.0 / 3.0);
        let square = third.mul(third).sub(Double::product(1.0 / 3.0, 1.0 / 3.0));
        assert!(square.value().abs() < f64::MIN_POSITIVE);
        let twice = third.times(3.0).sub(Double::ZERO.plus(1.0));
        assert!(twice.value().abs() < 1e-16);
    }
}
