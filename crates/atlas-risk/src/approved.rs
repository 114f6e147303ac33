//! The proof that an order passed the validator.

use atlas_core::OrderRequest;

/// Something the validator has approved, on fresh data, moments ago.
///
/// Only this crate can make one; it cannot be cloned or deserialized, and
/// `Broker::submit` takes it by value, so that one approval sends at most one order.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an approval that is not sent is an order nobody followed up"]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    /// What was approved.
    #[must_use]
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// Gives up the approval and keeps what it was for.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// An approved order, the only thing a broker can be asked to submit.
pub type ApprovedOrder = Approved<OrderRequest>;
