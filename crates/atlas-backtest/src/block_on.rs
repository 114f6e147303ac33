//! Running what is asynchronous in form only.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::Error;

/// Runs a future that never waits: over a venue in the same process and a timer that moves the
/// venue's clock, every step is ready at once.
///
/// # Errors
/// [`Error::Waits`] if it does wait after all; there is nothing here that could wake it.
pub(crate) fn block_on<T>(what: &'static str, future: impl Future<Output = T>) -> Result<T, Error> {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(Error::Waits { what }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ready_runs_and_what_waits_is_refused() {
        assert_eq!(block_on("a sum", async { 1 + 1 }).unwrap(), 2);
        let error = block_on("a queue", std::future::pending::<()>()).unwrap_err();
        assert!(error.to_string().starts_with("a queue waits"), "{error}");
    }
}
