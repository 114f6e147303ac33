//! Wall time per stage.

use std::time::Instant;

use atlas_report::run::Stage;

/// Measures stages one after the other.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    last: Instant,
    stages: Vec<Stage>,
}

impl Stopwatch {
    /// Starts the first stage.
    pub(crate) fn start() -> Self {
        Self { last: now(), stages: Vec::new() }
    }

    /// Ends a stage and starts the next.
    pub(crate) fn lap(&mut self, name: &str) {
        let now = now();
        let ms = (now - self.last).as_secs_f64() * 1e3;
        // A microsecond is as fine as anybody reads it.
        let ms = (ms * 1e3).round() / 1e3;
        self.stages.push(Stage { name: name.to_owned(), ms });
        self.last = now;
    }

    /// The stages so far.
    pub(crate) fn stages(&self) -> Vec<Stage> {
        self.stages.clone()
    }
}

#[expect(clippy::disallowed_methods, reason = "the run's own duration is no input to a decision")]
fn now() -> Instant {
    Instant::now()
}
