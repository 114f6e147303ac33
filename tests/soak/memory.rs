//! How much memory the process holds, as orders go by.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Samples a run takes.
const SAMPLES: usize = 20;
/// From so many orders on the growth is judged.
const ENOUGH: usize = 20_000;
/// Most an order may leave behind in the books of all: its record, its executions and its entries in
/// the venue's ledger, its names in the test's books, its executions in the listener's. Twice what
/// is measured, and less than one more copy of an order as it goes over the wire would take.
const BYTES_AN_ORDER: usize = 1_536;

pub(crate) struct Memory {
    total: usize,
    count: AtomicUsize,
    /// Orders sent and bytes held then.
    samples: Mutex<Vec<(usize, usize)>>,
}

impl Memory {
    pub(crate) const fn new(total: usize) -> Self {
        Self { total, count: AtomicUsize::new(0), samples: Mutex::new(Vec::new()) }
    }

    /// Counts an order; now and then looks at the memory.
    pub(crate) fn step(&self) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_multiple_of((self.total / SAMPLES).max(1)) {
            let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
            samples.extend(resident().map(|bytes| (count, bytes)));
        }
    }

    /// Tells how memory grew; fails if it grew by more than what is kept of each order.
    pub(crate) fn report(&self) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone();
        samples.sort_unstable();
        let line: Vec<String> =
            samples.iter().map(|(n, bytes)| format!("{n}: {} MiB", bytes >> 20)).collect();
        println!("resident after so many orders: {}", line.join(", "));
        let (Some(first), Some(last)) = (samples.get(samples.len() / 5), samples.last()) else {
            return;
        };
        let grown = last.1.saturating_sub(first.1) / (last.0 - first.0).max(1);
        println!("{grown} bytes for each order between the first fifth and the end");
        if self.total >= ENOUGH {
            assert!(grown <= BYTES_AN_ORDER, "memory grows by {grown} bytes with each order");
        }
    }
}

/// Bytes this process holds in memory; `None` where the system does not say.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
