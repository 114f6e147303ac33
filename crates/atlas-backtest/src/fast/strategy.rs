//! What a strategy on one instrument is.

use super::FixedSeries;

/// What a strategy wants after a bar's close; complete on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// Hold the instrument.
    Long,
    /// Hold nothing.
    Flat,
}

/// A streaming state machine over the closes of one instrument.
///
/// A strategy is a value in its initial state; running it never changes it, so the same value can
/// be run on many series.
pub trait BarStrategy: Clone + Send + Sync {
    /// Takes in one close, in millionths of a dollar; says what is wanted where that changes.
    fn push(&mut self, close: i64) -> Option<Stance>;

    /// Tells every change of mind with the number of the bar after whose close it came, in order.
    ///
    /// Must tell what [`push`](Self::push) says bar by bar, which the provided method does; a
    /// faster one must be tested to.
    fn changes(&self, series: &FixedSeries, mut each: impl FnMut(usize, Stance)) {
        let mut state = self.clone();
        for (bar, close) in series.closes().iter().enumerate() {
            if let Some(stance) = state.push(*close) {
                each(bar, stance);
            }
        }
    }
}
