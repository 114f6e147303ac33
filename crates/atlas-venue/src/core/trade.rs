//! Trades: how much of an order, and what it does to the books.

use atlas_core::calendar::Session;
use atlas_core::{Bps, Side, Symbol};
use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;

use super::events::Event;
use super::exchange::Exchange;
use super::ids::{self, Kind as IdKind};
use super::ledger::{Entry, Execution};
use super::order::OrderRecord;
use super::posting::{Posting, PostingKind};
use super::terms::{Size, Status, Tif};
use super::{Delta, Money, Multiplier, Px, Shares};
use crate::Error;
use crate::costs::{DayFees, Slippage};
use crate::settlement::settlement_date;

impl Exchange {
    /// Trades as much of an order as volume and cash permit; says whether anything changed.
    pub(super) fn trade(&mut self, seq: u64, reference: Px, price: Px) -> Result<bool, Error> {
        let Some(order) = self.order(seq) else { return Ok(false) };
        let Some(listing) = self.market.listing(&order.symbol) else { return Ok(false) };
        let Some(day) = self.day_of(listing)? else { return Ok(false) };
        let wanted = order.leaves(price);
        let tif = order.tif;
        let step = order.step(listing);
        let room = self.room(order, listing, price)?;
        let paid = self.permitted(order, room, price, &day)?.on_grid(step);
        if paid.is_zero() || (tif == Tif::Fok && paid < wanted) {
            if paid < room || tif == Tif::Fok {
                self.set_status(seq, Status::Canceled, Event::Canceled)?;
                return Ok(true);
            }
            return Ok(false);
        }
        let first = self.first_part(seq, paid, step);
        if let Some(first) = first {
            self.execute(seq, first, reference, price, &day)?;
        }
        let rest = paid.minus(first.unwrap_or_default());
        self.execute(seq, rest, reference, price, &day)?;
        if paid < room && self.order(seq).is_some_and(|order| !order.status.is_final()) {
            // What the account cannot pay for is not bought.
            self.set_status(seq, Status::Canceled, Event::Canceled)?;
        }
        Ok(true)
    }

    /// The first of two executions an order trades in, if the draw says two: of a random size.
    fn first_part(&self, seq: u64, qty: Shares, step: Shares) -> Option<Shares> {
        let (chance, size) = ids::draw(self.state.seed, seq);
        let often = self.config.split_fills.value();
        let is_new = self.order(seq).is_some_and(|order| order.filled.is_zero());
        if often.is_zero() || !is_new || Decimal::from(chance) >= often * Decimal::from(u32::MAX) {
            return None;
        }
        let step = step.nanos();
        let steps = qty.nanos() / step;
        let part = 1 + i64::from(size) % steps.saturating_sub(1).max(1);
        Shares::from_nanos(part * step).filter(|part| *part < qty)
    }

    /// Shares of an order the account can trade: what is left of the position it closes, what cash
    /// pays for with its fees, or what credit covers.
    fn permitted(
        &self,
        order: &OrderRecord,
        room: Shares,
        price: Px,
        day: &Session,
    ) -> Result<Shares, Error> {
        let position = self.state.ledger.position(&order.symbol);
        let is_right_way = position.is_negative() == order.is_short;
        if order.is_closing() {
            return Ok(if is_right_way { room.min(position.size()) } else { Shares::ZERO });
        }
        if position != Delta::ZERO && !is_right_way {
            return Ok(Shares::ZERO);
        }
        match self.config.account.multiplier {
            Multiplier::One => self.affordable(order, room, price, day),
            Multiplier::Two | Multiplier::Four => self.covered(order.seq, room, price),
        }
    }

    /// Shares the cash pays for, fees included.
    fn affordable(
        &self,
        order: &OrderRecord,
        wanted: Shares,
        price: Px,
        day: &Session,
    ) -> Result<Shares, Error> {
        let (ledger, is_first) = (&self.state.ledger, order.filled.is_zero());
        let fees = |qty: Shares| {
            let mut fees: DayFees = ledger.fees;
            if order.symbol.is_crypto() {
                // Its fee is taken from what is bought.
                return ledger.fees_owed();
            }
            fees.add(&self.config.costs, (Side::Buy, is_first), (qty, price), day.date)?;
            fees.total(day.date)
        };
        if price.times(wanted).plus(fees(wanted)?)? <= ledger.cash {
            return Ok(wanted);
        }
        // The fee of the larger quantity bounds that of the smaller one.
        Ok(ledger.cash.minus(fees(wanted)?)?.buys(price).min(wanted))
    }

    fn execute(
        &mut self,
        seq: u64,
        qty: Shares,
        reference: Px,
        price: Px,
        day: &Session,
    ) -> Result<(), Error> {
        let Some(order) = self.order(seq) else { return Ok(()) };
        let listing = self.market.listing(&order.symbol);
        let step = listing.map_or(Shares::SMALLEST, |listing| order.step(listing));
        let cum_qty = order.filled.plus(qty)?;
        let is_filled = match order.size {
            Size::Shares(asked) => cum_qty >= asked,
            // What is left may be less than anybody can trade.
            Size::Notional(_) => qty >= order.leaves(price).on_grid(step),
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
        let is_closing = order.is_closing();
        let is_crypto = symbol.is_crypto();
        let is_first = order.filled.is_zero();
        // A limit order that did not trade at its first moment has rested.
        let rested = order.kind.limit().is_some() && order.times.submitted < self.state.clock;
        if is_crypto && self.state.crypto_day != Some(day.date) {
            self.state.traded.retain(|symbol, _| !symbol.is_crypto());
            self.state.crypto_day = Some(day.date);
        }
        if !is_crypto {
            let ledger = &mut self.state.ledger;
            ledger.fees.add(&self.config.costs, (side, is_first), (qty, price), day.date)?;
            ledger.fees_date = Some(day.date);
            self.note_settlement(&fill, day.date)?;
            self.note_day_trade(&symbol, is_closing, day.date);
        }
        self.count_opening(is_closing, price.times(qty))?;
        let traded = self.state.traded.entry(symbol.clone()).or_default();
        *traded = traded.plus(qty)?;
        self.note_bar(&symbol, qty, day)?;
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
        if is_crypto {
            let fees = self.config.crypto_fees;
            let fee = if rested { fees.maker } else { fees.taker };
            self.charge_crypto(&symbol, Delta::of(side, qty), price, fee, day.date)?;
        }
        self.tell(seq, event, stamp, Some((id, price, qty)));
        self.after_fill(seq, qty)
    }

    /// Notes what was traded in a bar within the day, where there are such bars.
    fn note_bar(&mut self, symbol: &Symbol, qty: Shares, day: &Session) -> Result<(), Error> {
        let listing = self.market.listing(symbol);
        let at = (self.state.clock - day.open).num_milliseconds();
        let bar = listing.and_then(|listing| listing.fine_day(day.date)?.bar_at(at));
        let Some(bar) = bar else { return Ok(()) };
        let start = day.open + TimeDelta::milliseconds(bar.from);
        let (of, used) = self.state.bars.entry(symbol.clone()).or_insert((start, Shares::ZERO));
        if *of != start {
            (*of, *used) = (start, Shares::ZERO);
        }
        *used = used.plus(qty)?;
        Ok(())
    }

    /// Notes when an execution's money settles, where the account needs to know.
    ///
    /// # Errors
    /// [`Error::UnknownRule`] before the first evidenced cycle, if it does.
    fn note_settlement(&mut self, fill: &Execution, date: NaiveDate) -> Result<(), Error> {
        let account = self.config.account;
        let needed = account.multiplier != Multiplier::One
            || !account.spend_unsettled
            || !self.config.carry.idle.value().is_zero();
        match settlement_date(date) {
            Some(settles) => {
                self.state.ledger.settles(settles, fill.side, fill.price.times(fill.qty))
            }
            None if needed => Err(Error::UnknownRule { rule: "settlement cycle", date }),
            None => Ok(()),
        }
    }

    /// Takes the fee of a crypto trade from what it credits: coins of a buy, dollars of a sale
    /// (contract §17: `filled_qty` is gross, the position net).
    fn charge_crypto(
        &mut self,
        symbol: &Symbol,
        traded: Delta,
        price: Px,
        fee: Bps,
        date: NaiveDate,
    ) -> Result<(), Error> {
        let (rate, qty) = (Slippage::Fixed(fee).rate_for(Shares::ZERO, None), traded.size());
        let mut posting = Posting {
            symbol: Some(symbol.clone()),
            per_share: Some(price),
            ..Posting::money(PostingKind::CryptoFee, date, Money::ZERO)
        };
        if traded.is_negative() {
            posting.amount = rate.part_of(price.times(qty))?.up_to_cent()?.negated();
        } else {
            posting.change = Delta::of(Side::Sell, rate.part_of_shares(qty));
        }
        if posting.change == Delta::ZERO && posting.amount == Money::ZERO {
            return Ok(());
        }
        self.post(Entry::Posting(posting)).map(|_| ())
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
