//! What must hold at the last point before the wire.

use std::collections::BTreeMap;

use atlas_core::{ClientOrderId, Order, OrderRequest, Qty, Side, Symbol, Usd};

use super::Leg;

/// Ceilings on what one plan may send; `None` sets none beyond the plan itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ceilings {
    /// Largest notional of one buy at its reference price, in USD; what is sold is bound by what is
    /// owned, since a ceiling must not trap an exit.
    pub order_notional: Option<Usd>,
    /// Largest notional of all buys of the plan at reference prices, in USD; what is sold is bound
    /// by what is owned here too.
    pub plan_notional: Option<Usd>,
}

/// More was about to be sent, or was filled, than was planned: the account is HALTED.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Breach {
    /// No leg of the plan has this order's name.
    #[error("order {id} is no leg of the plan")]
    NotPlanned {
        /// The order.
        id: ClientOrderId,
    },
    /// The order differs from its leg in more than a smaller quantity.
    #[error("order {id} is not what its leg says: {field} differs")]
    NotItsLeg {
        /// The order.
        id: ClientOrderId,
        /// What differs.
        field: &'static str,
    },
    /// The leg was sent before.
    #[error("order {id} was sent before")]
    SentBefore {
        /// The order.
        id: ClientOrderId,
    },
    /// Other orders than the plan's legs were sent for it.
    #[error("{sent} orders would have been sent for a plan of {planned}")]
    TooManyOrders {
        /// Orders, this one included.
        sent: usize,
        /// Legs of the plan.
        planned: usize,
    },
    /// More was filled than asked for.
    #[error("order {id}: {filled} shares are filled of {asked} asked for")]
    Overfilled {
        /// The order.
        id: ClientOrderId,
        /// Shares filled.
        filled: Qty,
        /// Shares asked for.
        asked: Qty,
    },
    /// A notional exceeds its ceiling.
    #[error("{what} would reach {notional} USD, above {limit} USD")]
    Notional {
        /// Of what.
        what: &'static str,
        /// The amount.
        notional: Usd,
        /// The ceiling.
        limit: Usd,
    },
    /// More would be sold than Atlas owns and has not offered yet.
    #[error("order {id} would sell {qty} {symbol}, and {free} are owned and not on offer")]
    SellsUnowned {
        /// The order.
        id: ClientOrderId,
        /// The symbol.
        symbol: Symbol,
        /// Shares to be sold.
        qty: Qty,
        /// Shares owned less those of open sells.
        free: Qty,
    },
    /// Another exit of the same shares still lives.
    #[error("order {id} would trade {symbol} while another exit of it still works")]
    TwoExits {
        /// The order.
        id: ClientOrderId,
        /// The symbol.
        symbol: Symbol,
    },
    /// An amount left the range of exact arithmetic.
    #[error("the notional of order {id} cannot be computed: {source}")]
    Arithmetic {
        /// The order.
        id: ClientOrderId,
        /// Why not.
        source: atlas_core::Error,
    },
}

/// What one send is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Conservation<'a> {
    /// Every leg of the plan.
    pub legs: &'a [Leg],
    /// Every order that was sent for the plan, by name.
    pub sent: &'a BTreeMap<&'a ClientOrderId, &'a Order>,
    /// Shares Atlas owns less those of its open sells, of the order's symbol.
    pub free: Qty,
    /// Shares of the order's symbol that protective orders have sold since the plan was made; a
    /// sale comes down by that.
    pub stopped_out: Qty,
    /// The ceilings that hold.
    pub ceilings: Ceilings,
}

impl Conservation<'_> {
    /// Checks an order that is about to be sent for the first time.
    ///
    /// # Errors
    /// The first [`Breach`] found.
    pub fn check(&self, request: &OrderRequest) -> Result<(), Breach> {
        let id = &request.client_order_id;
        let leg = self.leg(request)?;
        same_but_smaller(leg, request, self.stopped_out)?;
        if self.sent.contains_key(id) {
            return Err(Breach::SentBefore { id: id.clone() });
        }
        let sent = self.sent.len() + 1;
        if sent > self.legs.len() {
            return Err(Breach::TooManyOrders { sent, planned: self.legs.len() });
        }
        self.check_sent()?;
        if request.side == Side::Sell && request.qty > self.free {
            return Err(Breach::SellsUnowned {
                id: id.clone(),
                symbol: request.symbol.clone(),
                qty: request.qty,
                free: self.free,
            });
        }
        self.check_notional(request, leg)
            .map_err(|source| Breach::Arithmetic { id: id.clone(), source })?
    }

    /// Every order sent is a leg's, and none was filled beyond what it asked for.
    fn check_sent(&self) -> Result<(), Breach> {
        let mut known = 0;
        for order in self.legs.iter().filter_map(|leg| self.sent.get(leg.id())) {
            known += 1;
            let OrderRequest { client_order_id, qty: asked, .. } = order.request();
            if order.filled_qty() > *asked {
                let (id, filled) = (client_order_id.clone(), order.filled_qty());
                return Err(Breach::Overfilled { id, filled, asked: *asked });
            }
        }
        if known == self.sent.len() {
            return Ok(());
        }
        self.sent.values().try_for_each(|order| self.leg(order.request()).map(|_| ()))
    }

    fn check_notional(
        &self,
        request: &OrderRequest,
        leg: &Leg,
    ) -> Result<Result<(), Breach>, atlas_core::Error> {
        let own = leg.reference_price().notional(request.qty)?;
        let buys = request.side == Side::Buy;
        let (mut all, mut bought) = (own, if buys { own } else { Usd::ZERO });
        let mut planned = Usd::ZERO;
        for leg in self.legs {
            planned = planned.checked_add(leg.notional()?)?;
            if let Some(order) = self.sent.get(leg.id()) {
                let sent = leg.reference_price().notional(order.request().qty)?;
                all = all.checked_add(sent)?;
                if leg.request.side == Side::Buy {
                    bought = bought.checked_add(sent)?;
                }
            }
        }
        let most = self.ceilings.order_notional.filter(|_| buys);
        let ceilings = [
            ("the order", own, most),
            ("the plan's buys", bought, self.ceilings.plan_notional.filter(|_| buys)),
            ("the plan's orders", all, Some(planned)),
        ];
        for (what, notional, limit) in ceilings {
            if let Some(limit) = limit.filter(|limit| notional > *limit) {
                return Ok(Err(Breach::Notional { what, notional, limit }));
            }
        }
        Ok(Ok(()))
    }

    fn leg(&self, request: &OrderRequest) -> Result<&Leg, Breach> {
        let id = &request.client_order_id;
        self.legs
            .iter()
            .find(|leg| leg.id() == id)
            .ok_or_else(|| Breach::NotPlanned { id: id.clone() })
    }
}

/// Checks a protective order that is about to be sent for the first time: exactly the one that was
/// intended, a sell, and of shares that are owned and on no other offer.
///
/// # Errors
/// The first [`Breach`] found.
pub fn check_guard(
    approved: &OrderRequest,
    intended: &OrderRequest,
    sent: bool,
    free: Qty,
) -> Result<(), Breach> {
    let id = intended.client_order_id.clone();
    if approved != intended {
        return Err(Breach::NotItsLeg { id, field: "the approved request" });
    }
    if intended.side != Side::Sell || intended.qty.is_zero() {
        return Err(Breach::NotItsLeg { id, field: "side or quantity" });
    }
    if sent {
        return Err(Breach::SentBefore { id });
    }
    if intended.qty > free {
        let (symbol, qty) = (intended.symbol.clone(), intended.qty);
        return Err(Breach::SellsUnowned { id, symbol, qty, free });
    }
    Ok(())
}

fn same_but_smaller(leg: &Leg, request: &OrderRequest, stopped_out: Qty) -> Result<(), Breach> {
    let planned = &leg.request;
    let fields = [
        ("symbol", planned.symbol == request.symbol),
        ("side", planned.side == request.side),
        ("order type", planned.order_type == request.order_type),
        ("time in force", planned.time_in_force == request.time_in_force),
        ("quantity", !request.qty.is_zero() && request.qty <= planned.qty),
        // What reduces is sent as planned, less what stops have sold meanwhile, or not at all.
        ("quantity", !leg.reduces() || request.qty == planned.qty.saturating_sub(stopped_out)),
    ];
    fields.into_iter().find(|(_, same)| !same).map_or(Ok(()), |(field, _)| {
        Err(Breach::NotItsLeg { id: request.client_order_id.clone(), field })
    })
}
