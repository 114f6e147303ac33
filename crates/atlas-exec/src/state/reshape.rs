//! What splits and other symbols do to orders and plans, in the fold.

use atlas_broker::SharesEntry;
use atlas_core::journal::Record;
use atlas_core::{OrderRequest, OrderType, Price, Qty, Rounding};

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
        tracked.reshaped = None;
        Ok(())
    }
}

impl TrackedOrder {
    /// Notes what has become of its shares; what became of them before counts on.
    fn reshape(&mut self, reshape: &Reshape) -> Result<(), Fault> {
        let now = self.reshaped.as_ref().map_or(&self.order.request().symbol, |before| &before.to);
        if *now != reshape.from {
            return Ok(());
        }
        let Reshape { from, to, new, old } = match self.reshaped.take() {
            None => reshape.clone(),
            Some(before) => Reshape {
                from: before.from,
                to: reshape.to.clone(),
                new: Qty::new(before.new.value() * reshape.new.value()).map_err(Fault::Core)?,
                old: Qty::new(before.old.value() * reshape.old.value()).map_err(Fault::Core)?,
            },
        };
        self.reshaped = Some(Reshape { from, to, new, old });
        Ok(())
    }

    /// What a broker makes of the order by the rule (FINRA 5330): what is left of it is multiplied
    /// and rounded down to whole shares, its prices are divided. `qty` is what the broker says; it
    /// is believed if it is that, give or take the rounding of the shares held.
    pub(crate) fn restated(&self, qty: Qty) -> Option<OrderRequest> {
        let reshape = self.reshaped.as_ref()?;
        let request = self.order.request();
        let left = self.order.leaves_qty().value();
        let whole = request.qty == request.qty.whole();
        let exact = left.checked_mul(reshape.new.value())?.checked_div(reshape.old.value())?;
        let scaled = if whole { exact.floor() } else { exact.round_dp(9) };
        let expected = self.order.filled_qty().value() + scaled;
        let far = if whole { rust_decimal::Decimal::ONE } else { rust_decimal::Decimal::new(1, 8) };
        if (qty.value() - expected).abs() > far {
            return None;
        }
        let divided = |price: Price| {
            let price = price.value().checked_mul(reshape.old.value())?;
            let price = price.checked_div(reshape.new.value())?.round_dp(9);
            Price::new(price).ok()?.to_tick(Rounding::Up).ok()
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
}
