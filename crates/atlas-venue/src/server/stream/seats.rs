//! How many market-data streams an account may have open, and of how many symbols.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What market-data streams are limited to, as some of Alpaca's plans limit them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamLimits {
    /// Connections of an account to one endpoint at a time; one more is answered with code 406.
    pub connections: Option<u32>,
    /// Symbols of trades and quotes on one connection; more are answered with code 405, as are all
    /// at once.
    pub symbols: Option<u32>,
}

/// The streams an account has open, by path; cheap to clone, all clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<BTreeMap<String, u32>>>);

/// A stream that is open, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    path: String,
}

impl Seats {
    /// Takes a seat at an endpoint; `None` if there are as many already.
    pub(crate) fn take(&self, path: &str, most: Option<u32>) -> Option<Seat> {
        let mut taken = self.lock();
        let count = taken.entry(path.to_owned()).or_default();
        if most.is_some_and(|most| *count >= most) {
            return None;
        }
        *count += 1;
        Some(Seat { seats: self.clone(), path: path.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(count) = self.seats.lock().get_mut(&self.path) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_free_again_when_it_was_left() {
        let seats = Seats::default();
        let first = seats.take("/v2/iex", Some(1));
        assert!(first.is_some() && seats.take("/v2/iex", Some(1)).is_none());
        assert!(seats.take("/v2/sip", Some(1)).is_some() && seats.take("/v2/iex", None).is_some());
        drop(first);
        assert!(seats.take("/v2/iex", Some(1)).is_some());
    }
}
