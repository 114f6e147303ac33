//! Keeping to the broker's rate limit, with room left for cancels.
//!
//! This is not `governor`, though that is a fine limiter: its buckets refill by a rate of their own
//! and serve all alike. Here the broker's headers say on each answer how much is left and when the
//! window ends, and the bucket has to follow them; and a cancel must pass when nothing is left for
//! orders and reads, which a bucket of one lane cannot say. What would be left of `governor` is its
//! clock, so it would be a dependency beside this code and not instead of it.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atlas_core::time::Timestamp;
use chrono::DateTime;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How urgent a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Takes risk off: never held back.
    Cancel,
    /// Held back when the last twentieth of the budget is reached.
    Order,
    /// Held back when the last tenth of the budget is reached.
    Read,
}

impl Lane {
    const fn reserve(self, limit: u64) -> u64 {
        match self {
            Self::Cancel => 0,
            Self::Order => limit / 20,
            Self::Read => limit / 10,
        }
    }
}

/// The budget of one host: as its answers tell it, and as the user set it. Before the first answer
/// it is taken to be [`ASSUMED`]; of a host that answers without telling one nothing is held back.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Requests a minute the user permits.
    own_limit: Option<u64>,
    windows: Mutex<Windows>,
    /// Rung by the answer that ends the assumption: who waits because of it tries again.
    learned: Notify,
}

#[derive(Debug, Default)]
struct Windows {
    /// By the broker's count.
    told: Option<Window>,
    /// Whether the broker has said what it counts, or that it does not: until then the budget told
    /// is an assumption.
    heard: bool,
    /// By our own.
    own: Option<Window>,
}

/// The present minute.
#[derive(Debug, Clone, Copy)]
struct Window {
    limit: u64,
    remaining: u64,
    /// When the broker says the budget is full again, by its clock.
    reset: Option<Timestamp>,
    /// The same by ours.
    ends: Instant,
}

impl Window {
    /// Whether a request of this lane has to wait; begins the next minute if this one is over.
    fn holds_back(&mut self, lane: Lane, now: Instant) -> bool {
        if now >= self.ends {
            self.remaining = self.limit;
            self.ends = now + MINUTE;
        }
        self.remaining <= lane.reserve(self.limit) && lane != Lane::Cancel
    }
}

/// The time the broker's limits are counted over, and the longest it can ask to wait.
const MINUTE: Duration = Duration::from_mins(1);

/// Requests a minute a host is taken to permit before it has told: the least Alpaca gives.
const ASSUMED: u64 = 200;

impl Pace {
    /// A budget that the user sets, beside whatever the broker tells.
    pub(crate) fn limited(requests_per_minute: Option<NonZeroU32>) -> Self {
        let own_limit = requests_per_minute.map(|limit| u64::from(limit.get()));
        Self { own_limit, ..Self::default() }
    }

    /// Waits for this request's turn.
    ///
    /// # Errors
    /// The instant at which requests are welcome again, if that is after `deadline`; `None` if the
    /// broker's clock is not known.
    pub(crate) async fn turn(
        &self,
        lane: Lane,
        deadline: Instant,
    ) -> Result<(), Option<Timestamp>> {
        loop {
            // Made before the look at the budget, so that an answer between the two is not missed.
            let learned = self.learned.notified();
            let Some((window, assumed)) = self.take(lane) else { return Ok(()) };
            if assumed {
                let wait = window.ends.min(deadline);
                let told = timeout_at(wait, learned).await.is_ok();
                if !told && wait >= deadline {
                    return Err(None);
                }
                continue;
            }
            if window.ends > deadline {
                return Err(window.reset);
            }
            sleep_until(window.ends).await;
        }
    }

    /// Takes one request from both budgets; the window to wait for if one has none for this lane,
    /// and whether it is only assumed.
    fn take(&self, lane: Lane) -> Option<(Window, bool)> {
        let now = Instant::now();
        let mut windows = self.windows();
        if let (None, Some(limit)) = (windows.own, self.own_limit) {
            let ends = now + MINUTE;
            windows.own = Some(Window { limit, remaining: limit, reset: None, ends });
        }
        if windows.told.is_none() && !windows.heard {
            let ends = now + MINUTE;
            windows.told = Some(Window { limit: ASSUMED, remaining: ASSUMED, reset: None, ends });
        }
        let Windows { told, own, heard } = &mut *windows;
        for (window, assumed) in [(&mut *told, !*heard), (&mut *own, false)] {
            if let Some(window) = window
                && window.holds_back(lane, now)
            {
                return Some((*window, assumed));
            }
        }
        for window in [told, own].into_iter().flatten() {
            window.remaining = window.remaining.saturating_sub(1);
        }
        None
    }

    /// Learns from an answer. The broker's clock is taken from the same answer, so that neither
    /// clock needs to be right.
    pub(crate) fn learn(&self, headers: &HeaderMap, status: StatusCode) -> Option<Timestamp> {
        let refused = status == StatusCode::TOO_MANY_REQUESTS;
        // A gateway's page says nothing about the host behind it.
        if status.is_success() && !headers.contains_key("x-ratelimit-limit") {
            self.keep_nothing();
        }
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let reset = DateTime::from_timestamp(number("x-ratelimit-reset")?, 0)?;
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        let now = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        let told = number("x-ratelimit-limit").zip(number("x-ratelimit-remaining"));
        if let (Some((limit, remaining)), Some(now)) = (told, now) {
            let wait = (reset - now.to_utc()).to_std().unwrap_or_default().min(MINUTE);
            let remaining = if refused { 0 } else { u64::try_from(remaining).unwrap_or(0) };
            let limit = u64::try_from(limit).unwrap_or(0);
            let (reset, ends) = (Some(reset), Instant::now() + wait);
            self.keep(Window { limit, remaining, reset, ends });
        }
        Some(reset)
    }

    /// Answers overtake each other: within one window the smallest number counts.
    fn keep(&self, told: Window) {
        let mut windows = self.windows();
        let same = windows.told.filter(|window| window.reset == told.reset);
        let remaining = same.map_or(told.remaining, |window| told.remaining.min(window.remaining));
        windows.told = Some(Window { remaining, ..told });
        windows.heard = true;
        drop(windows);
        self.learned.notify_waiters();
    }

    /// Learns from a good answer that tells no budget: this host does not count.
    fn keep_nothing(&self) {
        let mut windows = self.windows();
        if !windows.heard {
            (windows.told, windows.heard) = (None, true);
            drop(windows);
            self.learned.notify_waiters();
        }
    }

    fn windows(&self) -> MutexGuard<'_, Windows> {
        // A window is replaced whole, so a panic elsewhere leaves a usable one.
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_767_614_400;

    fn headers(remaining: i64, reset: i64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-ratelimit-limit", "200".to_owned()),
            ("x-ratelimit-remaining", remaining.to_string()),
            ("x-ratelimit-reset", (NOON + reset).to_string()),
            ("date", "Mon, 05 Jan 2026 12:00:00 GMT".to_owned()),
        ] {
            headers.insert(name, value.parse().expect("a header value"));
        }
        headers
    }

    async fn waited(pace: &Pace, lane: Lane) -> Result<u64, Option<Timestamp>> {
        let start = Instant::now();
        pace.turn(lane, start + Duration::from_secs(10)).await?;
        Ok(start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_burst_is_bounded_until_the_broker_has_spoken() {
        let burst = async |pace: &Pace| {
            for _ in 0..180 {
                assert_eq!(waited(pace, Lane::Read).await, Ok(0));
            }
        };
        let pace = Pace::default();
        burst(&pace).await;
        assert_eq!(waited(&pace, Lane::Read).await, Err(None), "the last tenth is for orders");
        assert_eq!(waited(&pace, Lane::Order).await, Ok(0));
        assert_eq!(waited(&pace, Lane::Cancel).await, Ok(0));
        pace.learn(&HeaderMap::new(), StatusCode::BAD_GATEWAY);
        assert_eq!(waited(&pace, Lane::Read).await, Err(None), "a gateway tells nothing");

        // Who waits goes on with the first answer, whatever it tells.
        let told = HeaderMap::new();
        let (first, ()) = tokio::join!(waited(&pace, Lane::Read), async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            pace.learn(&told, StatusCode::OK);
        });
        assert_eq!(first, Ok(2));
        for _ in 0..1_000 {
            assert_eq!(waited(&pace, Lane::Read).await, Ok(0), "a host that does not count");
        }
        let pace = Pace::default();
        burst(&pace).await;
        let told = headers(150, 60);
        let (first, _) = tokio::join!(waited(&pace, Lane::Read), async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            pace.learn(&told, StatusCode::OK)
        });
        assert_eq!(first, Ok(3));
    }

    #[tokio::test(start_paused = true)]
    async fn reads_wait_first_then_orders_and_cancels_never() {
        let pace = Pace::default();
        pace.learn(&headers(15, 7), StatusCode::OK);
        assert_eq!(waited(&pace, Lane::Order).await, Ok(0));
        assert_eq!(waited(&pace, Lane::Cancel).await, Ok(0));
        assert_eq!(waited(&pace, Lane::Read).await, Ok(7));
        // The new minute has a full budget.
        assert_eq!(waited(&pace, Lane::Read).await, Ok(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_deadline_is_refused_at_once() {
        let pace = Pace::default();
        let reset = pace.learn(&headers(100, 30), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(waited(&pace, Lane::Order).await, Err(reset));
        assert!(reset.is_some());
        assert_eq!(waited(&pace, Lane::Cancel).await, Ok(0));
    }

    #[tokio::test(start_paused = true)]
    async fn the_users_own_limit_counts_beside_the_brokers_and_lets_cancels_pass() {
        let pace = Pace::limited(NonZeroU32::new(20));
        for _ in 0..18 {
            assert_eq!(waited(&pace, Lane::Read).await, Ok(0));
        }
        assert_eq!(waited(&pace, Lane::Read).await, Err(None), "the last tenth is for orders");
        assert_eq!(waited(&pace, Lane::Order).await, Ok(0));
        assert_eq!(waited(&pace, Lane::Order).await, Err(None), "the last one is for cancels");
        for _ in 0..5 {
            assert_eq!(waited(&pace, Lane::Cancel).await, Ok(0));
        }
        tokio::time::advance(MINUTE).await;
        assert_eq!(waited(&pace, Lane::Read).await, Ok(0));
        pace.learn(&headers(0, 5), StatusCode::OK);
        assert_eq!(waited(&pace, Lane::Read).await, Ok(5));
    }

    #[tokio::test(start_paused = true)]
    async fn late_answers_do_not_raise_the_budget() {
        let pace = Pace::default();
        pace.learn(&headers(20, 5), StatusCode::OK);
        pace.learn(&headers(90, 5), StatusCode::OK);
        assert_eq!(waited(&pace, Lane::Read).await, Ok(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reset_in_the_past_or_far_away_is_a_minute_at_most() {
        let pace = Pace::default();
        pace.learn(&headers(0, -500), StatusCode::OK);
        assert_eq!(waited(&pace, Lane::Read).await, Ok(0));
        pace.learn(&headers(0, 500_000), StatusCode::OK);
        let start = Instant::now();
        assert!(pace.turn(Lane::Read, start + Duration::from_secs(61)).await.is_ok());
        assert_eq!(start.elapsed(), MINUTE);
    }
}
