//! How far a long job is, on a terminal, and whether somebody asked it to stop.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Progress of one job: a line on standard error with the time left, from the first second on.
#[derive(Debug)]
pub(super) struct Progress {
    what: &'static str,
    total: usize,
    begun: Instant,
    shown: bool,
    /// Tenths of a second at which the line was written last.
    last: AtomicU64,
    stop: Arc<AtomicBool>,
}

impl Progress {
    /// Begins; the second press of Ctrl-C ends the process as usual.
    pub(super) fn begin(what: &'static str, total: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                asked.store(true, Ordering::Relaxed);
                let words = "stopping after the runs that are under way; again to end at once";
                drop(writeln!(std::io::stderr(), "\natlas: {words}"));
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
        let shown = std::io::stderr().is_terminal();
        Self { what, total, begun: now(), shown, last: AtomicU64::new(10), stop }
    }

    /// Hears how many are done; whether to go on.
    pub(super) fn done(&self, done: usize) -> bool {
        self.of(done, self.total)
    }

    /// Hears how many of how many are done, where the number was not known; whether to go on.
    pub(super) fn of(&self, done: usize, total: usize) -> bool {
        let elapsed = self.begun.elapsed();
        let tenths = u64::try_from(elapsed.as_millis() / 100).unwrap_or(u64::MAX);
        let last = self.last.load(Ordering::Relaxed);
        let due = self.shown && (tenths > last || (done == total && last > 10));
        if due && self.last.swap(tenths, Ordering::Relaxed) == last {
            self.show(done, total, elapsed);
        }
        !self.stop.load(Ordering::Relaxed)
    }

    fn show(&self, done: usize, total: usize, elapsed: Duration) {
        let left = elapsed.div_f64(count(done.max(1))).mul_f64(count(total.saturating_sub(done)));
        let filled = done * 24 / total.max(1);
        let bar: String = (0..24).map(|at| if at < filled { '█' } else { '·' }).collect();
        let seconds = left.as_secs();
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let what = self.what;
        let end = if done == total { "\n" } else { "" };
        let line = format!("\r{what} {bar} {done}/{total}, {minutes}:{seconds:02} left {end}");
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of runs is far below 2^53")]
const fn count(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::disallowed_methods, reason = "how long a job takes is no input to it")]
fn now() -> Instant {
    Instant::now()
}
