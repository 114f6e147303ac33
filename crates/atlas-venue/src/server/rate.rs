//! The limit of requests in a minute.

use std::sync::{Arc, Mutex, PoisonError};

use atlas_core::Clock;
use axum::http::header::{HeaderMap, HeaderValue};

/// Requests of the present minute.
pub(crate) struct RateWindow {
    limit: Option<(u32, Arc<dyn Clock>)>,
    /// The minute, in minutes since the epoch, and its requests.
    window: Mutex<(i64, u32)>,
}

impl std::fmt::Debug for RateWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let limit = self.limit.as_ref().map(|(limit, _)| limit);
        f.debug_struct("RateWindow").field("limit", &limit).finish_non_exhaustive()
    }
}

/// Limit, what is left of it, and when it starts anew in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    limit: u32,
    remaining: u32,
    reset: i64,
}

impl RateWindow {
    pub(crate) const fn new(limit: Option<(u32, Arc<dyn Clock>)>) -> Self {
        Self { limit, window: Mutex::new((0, 0)) }
    }

    /// Counts a request; false if it is one too many.
    pub(crate) fn take(&self) -> bool {
        let Some((limit, clock)) = &self.limit else { return true };
        let minute = clock.now().timestamp().div_euclid(60);
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.0 != minute {
            *window = (minute, 0);
        }
        let fits = window.1 < *limit;
        if fits {
            window.1 += 1;
        }
        fits
    }

    /// Where the window stands; without a limit, as at `now` seconds since the epoch.
    pub(crate) fn standing(&self, now: i64) -> Standing {
        let Some((limit, _)) = &self.limit else {
            let reset = now.div_euclid(60) * 60 + 60;
            return Standing { limit: UNLIMITED, remaining: UNLIMITED, reset };
        };
        let window = *self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let remaining = limit.saturating_sub(window.1);
        Standing { limit: *limit, remaining, reset: window.0 * 60 + 60 }
    }
}

impl Standing {
    /// Writes the three headers.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert("X-RateLimit-Limit", HeaderValue::from(self.limit));
        headers.insert("X-RateLimit-Remaining", HeaderValue::from(self.remaining));
        headers.insert("X-RateLimit-Reset", HeaderValue::from(self.reset));
    }
}

/// What the headers say where there is no limit.
const UNLIMITED: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use atlas_core::time::FixedClock;

    use super::*;

    #[test]
    fn one_too_many_is_refused_until_the_next_minute() {
        let clock = |text: &str| Arc::new(FixedClock(text.parse().unwrap())) as Arc<dyn Clock>;
        let mut rate = RateWindow::new(Some((2, clock("2019-01-03T15:00:10Z"))));
        assert_eq!([rate.take(), rate.take(), rate.take()], [true, true, false]);
        let standing = rate.standing(0);
        assert_eq!((standing.limit, standing.remaining), (2, 0));
        assert_eq!(standing.reset, 1_546_527_660);
        rate.limit = Some((2, clock("2019-01-03T15:01:00Z")));
        assert!(rate.take());
    }
}
