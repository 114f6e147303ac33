//! Waiting, as something that is handed in.

use std::time::Duration;

use async_trait::async_trait;

/// What waits; library code never sleeps on its own.
///
/// A simulation implements it over its own clock: `sleep` moves the simulated present forward by
/// `duration` (letting the venue act on what falls due meanwhile) and returns at once, so that a
/// wait of five minutes costs nothing and always ends:
///
/// ```
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// use atlas_core::Clock;
/// use atlas_core::time::Timestamp;
/// use atlas_exec::timer::Timer;
///
/// struct Simulated(Mutex<Timestamp>);
///
/// impl Clock for Simulated {
///     fn now(&self) -> Timestamp {
///         *self.0.lock().unwrap()
///     }
/// }
///
/// #[async_trait::async_trait]
/// impl Timer for Simulated {
///     async fn sleep(&self, duration: Duration) {
///         *self.0.lock().unwrap() += duration;
///     }
/// }
/// ```
#[async_trait]
pub trait Timer: Send + Sync {
    /// Returns when `duration` has passed.
    async fn sleep(&self, duration: Duration);
}

/// Waits in real time, on tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioTimer;

#[async_trait]
impl Timer for TokioTimer {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
