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
    #[inline]
    pub(crate) fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        Self { high, low: a.mul_add(b, -high) }
    }

    /// Adds a number. What rounding takes from the high part goes to the low one; the two are put
    /// in order only where that matters, so that a running sum waits for one addition alone.
    #[inline]
    pub(crate) fn plus(self, value: f64) -> Self {
        let high = self.high + value;
        let shadow = high - self.high;
        let error = (self.high - (high - shadow)) + (value - shadow);
        Self { high, low: self.low + error }
    }

    /// Adds one number and takes another away, both exactly; a running sum waits for one addition
    /// alone, as the difference does not depend on it.
    #[inline]
    pub(crate) fn swap(self, new: f64, old: f64) -> Self {
        self.shift(Self::difference(new, old))
    }

    /// The exact difference of two numbers.
    #[inline]
    pub(crate) fn difference(a: f64, b: f64) -> Self {
        let high = a - b;
        let shadow = high - a;
        Self { high, low: (a - (high - shadow)) - (b + shadow) }
    }

    /// The exact difference of two squares but for the last of some 32 digits.
    #[inline]
    pub(crate) fn squares(a: f64, b: f64) -> Self {
        let (a, b) = (Self::product(a, a), Self::product(b, b));
        let Self { high, low } = Self::difference(a.high, b.high);
        Self { high, low: low + (a.low - b.low) }
    }

    /// Adds a difference.
    #[inline]
    pub(crate) fn shift(self, by: Self) -> Self {
        let sum = Self { high: self.high, low: 0.0 }.plus(by.high);
        Self { high: sum.high, low: self.low + (sum.low + by.low) }
    }

    /// n² times the variance of n numbers of this sum and that sum of squares. Where the two terms
    /// nearly cancel, their difference is exact, and what is left of the low parts decides. What is
    /// as small as rounding is none: numbers that are all alike do not vary.
    #[inline]
    pub(crate) fn variation(self, squares: Self, n: f64) -> f64 {
        let (sum, squares) = (self.ordered(), squares.ordered());
        let (left, right) = (Self::product(n, squares.high), Self::product(sum.high, sum.high));
        let tail = n * squares.low - 2.0 * sum.high * sum.low;
        let variation = (left.high - right.high) + ((left.low - right.low) + tail);
        if variation > NOISE * left.high { variation } else { 0.0 }
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

    /// Both parts, for a buffer.
    #[inline]
    pub(super) const fn store(self, high: &mut f64, low: &mut f64) {
        (*high, *low) = (self.high, self.low);
    }

    /// A number from its parts in a buffer.
    #[inline]
    pub(super) const fn load(high: f64, low: f64) -> Self {
        Self { high, low }
    }

    /// The nearest single number.
    #[inline]
    pub(crate) const fn value(self) -> f64 {
        self.high + self.low
    }

    /// The same number with everything the high part can hold in it.
    #[inline]
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

    /// Makes the ring what it was after the pushes of `count` values more, the last of which are
    /// these: as many as the window holds.
    pub(crate) fn replace(&mut self, last: &[T], count: usize) {
        self.next = (self.next + count) % self.window;
        self.values.clear();
        let (older, newer) = last.split_at(self.window - self.next);
        self.values.extend_from_slice(newer);
        self.values.extend_from_slice(older);
    }

    pub(crate) const fn window(&self) -> usize {
        self.window
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
#[inline]
pub(crate) fn dwarfed(left: f64, rest: f64) -> bool {
    left.abs() > DWARF * rest.abs()
}

/// The part of n Σx² below which a variation is rounding, 2⁻⁸⁰: values that differ by less than 10⁻¹²
/// of themselves, which is what a window is within of recomputation anyway.
const NOISE: f64 = 8.271_806_125_530_277e-25;

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
