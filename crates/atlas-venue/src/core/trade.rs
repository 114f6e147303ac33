//! Trades: how much of an order, and what it does to the books.

use atlas_core::Side;
use atlas_core::calendar::Session;
use rust_decimal::Decimal;

use super::events::Event;
use super::exchange::Exchange;
use super::ids::{self, Kind as IdKind};
use super::ledger::{Entry, Execution};
use super::order::{Size, Status, Tif};
use super::{NANO, Px, Shares};
use crate::Error;
use crate::costs::DayFees;

impl Exchange {
    /// Trades as much of an order as volume and cash permit; says whether anything changed.
    pub(super) fn trade(&mut self, seq: u64, reference: Px, price: Px) -> Result<bool, Error> {
        let Some(order) = self.order(seq) else { return Ok(false) };
        let Some(session) = self.trading_day()? else { return Ok(false) };
        let Some(listing) = self.market.listing(&order.symbol) else { return Ok(false) };
        let Some(path) = self.market.path(listing, &session)? else { return Ok(false) };
        let wanted = order.leaves(price);
        let (tif, side, whole) = (order.tif, order.side, order.qty().is_none_or(Shares::is_whole));
        let room = self.room(order, listing, &path)?.min(wanted);
        let paid = match side {
            Side::Buy => self.affordable(room, price, &session, whole)?,
            Side::Sell => room,
        };
        if paid.is_zero() || (tif == Tif::Fok && paid < wanted) {
            if paid < room || tif == Tif::Fok {
                self.set_status(seq, Status::Canceled, Event::Canceled)?;
                return Ok(true);
            }
            return Ok(false);
        }
        let first = self.first_part(seq, paid, whole);
        if let Some(first) = first {
            self.execute(seq, first, reference, price, &session)?;
        }
        let rest = paid.minus(first.unwrap_or_default());
        self.execute(seq, rest, reference, price, &session)?;
        if paid < room {
            // What the account cannot pay for is not bought on credit.
            self.set_status(seq, Status::Canceled, Event::Canceled)?;
        }
        Ok(true)
    }

    /// The first of two executions an order trades in, if the draw says two: of a random size.
    fn first_part(&self, seq: u64, qty: Shares, whole: bool) -> Option<Shares> {
        let (chance, size) = ids::draw(self.state.seed, seq);
        let often = self.config.split_fills.value();
        let is_new = self.order(seq).is_some_and(|order| order.filled.is_zero());
        if often.is_zero() || !is_new || Decimal::from(chance) >= often * Decimal::from(u32::MAX) {
            return None;
        }
        let step = if whole { NANO } else { 1 };
        let steps = qty.nanos() / step;
        let part = 1 + i64::from(size) % steps.saturating_sub(1).max(1);
        Shares::from_nanos(part * step).filter(|part| *part < qty)
    }

    /// Shares the account can pay for, fees included.
    fn affordable(
        &self,
        wanted: Shares,
        price: Px,
        session: &Session,
        whole: bool,
    ) -> Result<Shares, Error> {
        let ledger = &self.state.ledger;
        let fees = |qty: Shares| {
            let mut fees: DayFees = ledger.fees;
            fees.add(&self.config.costs, Side::Buy, qty, price, session.date)?;
            fees.total(session.date)
        };
        if price.times(wanted).plus(fees(wanted)?)? <= ledger.cash {
            return Ok(wanted);
        }
        // The fee of the larger quantity bounds that of the smaller one.
        let most = ledger.cash.minus(fees(wanted)?)?.buys(price).min(wanted);
        Ok(if whole { most.whole() } else { most })
    }

    fn execute(
        &mut self,
        seq: u64,
        qty: Shares,
        reference: Px,
        price: Px,
        session: &Session,
    ) -> Result<(), Error> {
        let Some(order) = self.order(seq) else { return Ok(()) };
        let cum_qty = order.filled.plus(qty)?;
        let is_filled = match order.size {
            Size::Shares(asked) => cum_qty >= asked,
            Size::Notional(_) => qty >= order.leaves(price),
        };
        let leaves_qty = match order.size {
            Size::Shares(asked) => asked.minus(cum_qty),
            Size::Notional(_) if is_filled => Shares::ZERO,
            Size::Notional(_) => order.leaves(price).minus(qty),
        };
        let status = if is_filled { Status::Filled } else { Status::PartiallyFilled };
        let id = ids::uuid(self.state.seed, IdKind::Activity, self.state.activities + 1);
        let (side, symbol) = (order.side, order.symbol.clone());
        let fill = Execution {
            id,
            order_seq: seq,
            order_id: order.id,
            client_order_id: order.client_order_id.clone(),
            symbol: symbol.clone(),
            side,
            qty,
            price,
            reference,
            cum_qty,
            leaves_qty,
            order_status: status,
        };
        let notional = order.filled_notional.plus(price.times(qty))?;
        let costs = self.config.costs.clone();
        self.state.ledger.fees.add(&costs, side, qty, price, session.date)?;
        self.state.ledger.fees_date = Some(session.date);
        let traded = self.state.traded.entry(symbol).or_default();
        *traded = traded.plus(qty)?;
        let stamp = self.post(Entry::Fill(fill))?;
        self.change(seq, |order| {
            order.status = status;
            order.filled = cum_qty;
            order.filled_notional = notional;
            order.times.updated = stamp;
            if is_filled {
                order.times.ended = Some(stamp);
            }
        })?;
        let event = if is_filled { Event::Fill } else { Event::PartialFill };
        self.tell(seq, event, stamp, Some((id, price, qty)));
        self.after_fill(seq, qty, session)
    }

    /// Posts the fees of the day, one entry for each kind.
    pub(super) fn post_fees(&mut self) -> Result<(), Error> {
        let Some(date) = self.state.ledger.fees_date.take() else { return Ok(()) };
        let fees = std::mem::take(&mut self.state.ledger.fees);
        for (kind, amount) in fees.charges(date)? {
            self.post(Entry::Fee { kind, date, amount })?;
        }
        Ok(())
    }
}
