//! One order of a plan, as the sequencer knows it.

use atlas_core::{ClientOrderId, Error, OrderRequest, Price, SignalId, Usd};
use atlas_engine::plan::PlannedOrder;
use atlas_risk::Effect;
use serde::{Deserialize, Serialize};

/// One order of a plan: what is to be sent, and what the sequencer must know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// What is to be sent; a buy's quantity may come down before it is.
    pub request: OrderRequest,
    /// Whether it opens or reduces.
    pub effect: Effect,
    /// The price per share it was decided at.
    pub decision_price: Price,
    /// The signal it acts on; no two legs of a plan act on the same one.
    pub signal_id: SignalId,
}

impl Leg {
    /// The leg's name, which is its order's.
    #[must_use]
    pub const fn id(&self) -> &ClientOrderId {
        &self.request.client_order_id
    }

    /// Whether it reduces risk.
    #[must_use]
    pub fn reduces(&self) -> bool {
        self.effect == Effect::Reducing
    }

    /// The price a share may cost at least by what is known: the limit, else the decision price.
    #[must_use]
    pub fn reference_price(&self) -> Price {
        self.request.limit_price().unwrap_or(self.decision_price)
    }

    /// Planned quantity × [`reference_price`](Self::reference_price), in USD.
    ///
    /// # Errors
    /// [`Error::Overflow`] if the exact product does not fit.
    pub fn notional(&self) -> Result<Usd, Error> {
        self.reference_price().notional(self.request.qty)
    }
}

impl From<&PlannedOrder> for Leg {
    fn from(order: &PlannedOrder) -> Self {
        Self {
            request: order.request.clone(),
            effect: order.effect,
            decision_price: order.decision_price,
            signal_id: order.signal_id.clone(),
        }
    }
}
