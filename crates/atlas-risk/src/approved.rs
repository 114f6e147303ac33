//! The proof that an order passed the validator.

use atlas_core::{OrderRequest, Usd};

/// Something the validator has approved, on fresh data, moments ago.
///
/// Only this crate can make one; it cannot be cloned or deserialized, and
/// `Broker::submit` takes it by value, so that one approval sends at most one order.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an approval that is not sent is an order nobody followed up"]
pub struct Approved<T> {
    value: T,
    ceiling: Option<Usd>,
}

impl<T> Approved<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { value, ceiling: None }
    }

    /// The same with the most dollars it may move.
    pub(crate) fn up_to(self, ceiling: Option<Usd>) -> Self {
        Self { ceiling, ..self }
    }

    /// What was approved.
    #[must_use]
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// The dollars the gates judged it by: its quantity at its limit, or for an order without one
    /// at the larger of the decision price and the quote it would meet. `None` if no price was
    /// known, which only an order that reduces gets away with.
    #[must_use]
    pub const fn ceiling(&self) -> Option<Usd> {
        self.ceiling
    }

    /// Gives up the approval and keeps what it was for.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }
}

/// An approved order, the only thing a broker can be asked to submit.
pub type ApprovedOrder = Approved<OrderRequest>;
