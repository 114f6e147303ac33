//! The largest and the smallest value of a sliding window, in constant amortised time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Fill, Indicator, period};
use crate::Error;

/// The values of a window that can still become its extreme, best first.
///
/// Each value is pushed once and removed at most once, so that a push costs constant time on
/// average; the deque never holds more values than the window and is allocated once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Monotonic {
    window: u64,
    /// Values pushed so far, and with it the position of the next one.
    count: u64,
    /// Position and value.
    candidates: VecDeque<(u64, f64)>,
}

impl Monotonic {
    fn new(owner: &'static str, window: usize) -> Result<Self, Error> {
        let window = period(owner, "window", window, 1, "1 or more")?;
        Ok(Self {
            window: u64::try_from(window).unwrap_or(u64::MAX),
            count: 0,
            candidates: VecDeque::with_capacity(window),
        })
    }

    /// Takes in a value; `beats` says that a new value makes an old one useless.
    fn push(&mut self, value: f64, beats: impl Fn(f64, f64) -> bool) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        while self.candidates.back().is_some_and(|(_, old)| beats(value, *old)) {
            self.candidates.pop_back();
        }
        // The value that leaves the window makes room before the new one comes in.
        if self.candidates.front().is_some_and(|(at, _)| at + self.window <= self.count) {
            self.candidates.pop_front();
        }
        self.candidates.push_back((self.count, value));
        self.count += 1;
        self.value()
    }

    fn value(&self) -> Option<f64> {
        let (_, best) = self.candidates.front()?;
        (self.count >= self.window).then_some(*best)
    }
}

/// Declares one of the two, which differ in a comparison.
macro_rules! rolling {
    ($(#[$doc:meta])* $name:ident, $text:literal, $beats:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Monotonic);

        impl $name {
            /// One over the last `window` values.
            ///
            /// # Errors
            /// [`Error::Parameter`] for a window of 0.
            pub fn new(window: usize) -> Result<Self, Error> {
                Monotonic::new($text, window).map(Self)
            }

            /// The extreme of the last `window` values, `None` before as many were seen.
            #[must_use]
            pub fn value(&self) -> Option<f64> {
                self.0.value()
            }

            /// Values the first result needs.
            #[must_use]
            pub const fn window(&self) -> u64 {
                self.0.window
            }
        }

        impl Indicator for $name {
            type Input = f64;
            type Output = f64;

            /// Takes in one value; the extreme of the last `window` values, `None` before as many
            /// were seen. A value that is not finite is left out, and gives `None`.
            fn push(&mut self, value: f64) -> Option<f64> {
                self.0.push(value, $beats)
            }
        }

        impl Fill for $name {}
    };
}

rolling! {
    /// The largest of the last `window` values.
    ///
    /// # Examples
    /// ```
    /// use atlas_strategy::indicator::{Indicator, RollingMax};
    ///
    /// let mut max = RollingMax::new(3)?;
    /// let highs: Vec<Option<f64>> = [3.0, 1.0, 2.0, 1.5, 0.5].map(|x| max.push(x)).to_vec();
    /// assert_eq!(highs, [None, None, Some(3.0), Some(2.0), Some(2.0)]);
    /// # Ok::<(), atlas_strategy::Error>(())
    /// ```
    RollingMax, "rolling maximum", |new, old| new >= old
}

rolling! {
    /// The smallest of the last `window` values; see [`RollingMax`].
    RollingMin, "rolling minimum", |new, old| new <= old
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn extremes_equal_a_search_of_the_window(
            values in prop::collection::vec(-5_i8..5, 1..80),
            window in 1_usize..12,
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let (mut max, mut min) =
                (RollingMax::new(window).unwrap(), RollingMin::new(window).unwrap());
            for end in 1..=values.len() {
                let seen = end.checked_sub(window).map(|start| &values[start..end]);
                let largest = seen.map(|s| s.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                let smallest = seen.map(|s| s.iter().copied().fold(f64::INFINITY, f64::min));
                prop_assert_eq!(max.push(values[end - 1]), largest);
                prop_assert_eq!(min.push(values[end - 1]), smallest);
                prop_assert!(max.0.candidates.len() <= window);
            }
        }
    }

    #[test]
    fn state_survives_json_and_ignores_what_is_no_number() {
        let mut max = RollingMax::new(2).unwrap();
        max.push(4.0);
        assert_eq!(max.push(f64::NAN), None);
        let text = serde_json::to_string(&max).unwrap();
        let mut again: RollingMax = serde_json::from_str(&text).unwrap();
        assert_eq!(again.push(1.0), Some(4.0));
        assert_eq!(again.push(1.0), Some(1.0));
        assert!(RollingMax::new(0).is_err());
    }
}
