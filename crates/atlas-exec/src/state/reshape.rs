//! What splits and other symbols do to orders and plans, in the fold.

use atlas_broker::SharesEntry;
use atlas_core::journal::Record;
use atlas_core::{OrderRequest, OrderType, Price, Qty};
use rust_decimal::Decimal;

use super::orders::TrackedOrder;
use super::{Anomaly, Fault, Reshape, State};
use crate::event::OrderRestated;

impl State {
    /// Takes in an entry that moves shares: books, orders that work, and the plan that waits.
    pub(super) fn on_shares(&mut self, record: &Record, entry: &SharesEntry) -> Result<(), Fault> {
        let reshaped = self.books.shares_entry(entry)?;
        if reshaped.short {
            let problem = format!(
                "{} shares of {} came or went, and fewer were held",
                entry.change, entry.symbol
            );
            self.anomalies.insert(record.seq, Anomaly { client_order_id: None, problem });
        }
        let why =
            format!("{} {} came by {:?} of {}", entry.change, entry.symbol, entry.kind, entry.date);
        let mut touched = vec![entry.symbol.clone()];
        if let Some(reshape) = reshaped.what {
            touched.push(reshape.from.clone());
            let open: Vec<_> = self.open.iter().cloned().collect();
            for id in open {
                if let Some(tracked) = self.orders.get_mut(&id) {
                    tracked.reshape(&reshape)?;
                }
            }
        }
        if let Some(decision) = self.decisions.values_mut().next_back().filter(|d| d.is_pending()) {
            for symbol in touched {
                decision.reshaped.entry(symbol).or_insert_with(|| why.clone());
            }
        }
        Ok(())
    }

    pub(super) fn on_restated(&mut self, restated: OrderRestated) -> Result<(), Fault> {
        let id = &restated.request.client_order_id;
        let tracked =
            self.orders.get_mut(id).ok_or_else(|| format!("order {id} was never intended"))?;
        tracked.order.restate(restated.request)?;
        Ok(())
    }
}

impl TrackedOrder {
    /// Fits the order to what has become of its shares, as brokers do (FINRA 5330): what is left of
    /// it is multiplied and rounded down to whole shares, its prices are divided. Where there are
    /// fewer shares than before, brokers cancel it instead, which its own state will tell.
    fn reshape(&mut self, reshape: &Reshape) -> Result<(), Fault> {
        if self.order.request().symbol != reshape.from || reshape.new < reshape.old {
            return Ok(());
        }
        if let Some(request) = self.fitted(reshape) {
            self.order.restate(request)?;
            self.reshaped = true;
        }
        Ok(())
    }

    fn fitted(&self, reshape: &Reshape) -> Option<OrderRequest> {
        let request = self.order.request();
        let left = self.order.leaves_qty().value();
        let exact = left.checked_mul(reshape.new.value())?.checked_div(reshape.old.value())?;
        let whole = request.qty == request.qty.whole();
        let scaled = if whole { exact.floor() } else { exact.round_dp(9) };
        let qty = Qty::new(self.order.filled_qty().value() + scaled).ok()?;
        let divided = |price: Price| {
            let price = price.value().checked_mul(reshape.old.value())?;
            let price = price.checked_div(reshape.new.value())?.round_dp(9);
            Price::new(price).ok()?.to_limit_tick(request.side).ok()
        };
        let order_type = match request.order_type {
            OrderType::Limit { limit_price } => {
                OrderType::Limit { limit_price: divided(limit_price)? }
            }
            OrderType::Stop { stop_price } => OrderType::Stop { stop_price: divided(stop_price)? },
            OrderType::StopLimit { stop_price, limit_price } => OrderType::StopLimit {
                stop_price: divided(stop_price)?,
                limit_price: divided(limit_price)?,
            },
            OrderType::Market | _ => request.order_type,
        };
        Some(OrderRequest { symbol: reshape.to.clone(), qty, order_type, ..request.clone() })
    }

    /// The order with the quantity the broker says, where that is the fitted one give or take the
    /// rounding of the shares held; `None` otherwise, and for an order that was not fitted.
    pub(crate) fn restated(&self, qty: Qty) -> Option<OrderRequest> {
        let request = self.order.request();
        let far = (qty.value() - request.qty.value()).abs() > Decimal::ONE;
        (self.reshaped && !far).then(|| OrderRequest { qty, ..request.clone() })
    }
}
