//! Whether the account may send an order, and has the money or the shares for it.

use atlas_core::{Side, Symbol};

use super::exchange::Exchange;
use super::listing::Listing;
use super::order::NewOrder;
use super::terms::{Size, Status};
use super::{Money, Multiplier, Px, Refusal, Shares};
use crate::Error;
use crate::costs::Slippage;

/// The price a share of an opening order is reserved at, and the shares an order for an amount of
/// money holds if it closes.
pub(super) type Means = (Option<Px>, Option<Shares>);

impl Exchange {
    /// Whether an order belongs to a short position: it buys back what is owed, or sells what is not
    /// held.
    pub(super) fn is_of_short(&self, order: &NewOrder) -> bool {
        let holding = self.state.ledger.holdings.get(&order.symbol);
        match order.side {
            Side::Buy => holding.is_some_and(|holding| holding.is_short),
            Side::Sell => holding.is_none_or(|holding| holding.is_short),
        }
    }

    /// Whether the account may send such an order at all: the right to short, no order that would
    /// open the opposite position, the day-trading rule (contract §3 and §8).
    pub(super) fn check_intent(
        &self,
        order: &NewOrder,
        listing: &Listing,
        is_short: bool,
    ) -> Result<(), Refusal> {
        let is_closing = (order.side == Side::Sell) != is_short;
        self.check_day_trading(&order.symbol, is_closing)?;
        if is_closing {
            return Ok(());
        }
        let forbidden = |text: String| Err(Refusal::Forbidden(text));
        let whole = matches!(order.size, Size::Shares(qty) if qty.is_whole());
        if self.state.no_fractions && !whole && !listing.is_crypto() {
            return forbidden("fractional trading is turned off by the user".to_owned());
        }
        if is_short {
            if !self.can_short()? {
                return forbidden("account is not allowed to short".to_owned());
            }
            if !listing.is_shortable() {
                return forbidden(format!("asset \"{}\" cannot be sold short", order.symbol));
            }
            if !whole {
                return forbidden("fractional orders cannot be sold short".to_owned());
            }
        }
        let opposite = |seq: &&u64| {
            self.order(**seq).is_some_and(|other| {
                other.side != order.side && !other.is_closing() && other.status != Status::Held
            })
        };
        if self.open.get(&order.symbol).into_iter().flatten().any(|seq| opposite(&seq)) {
            let (what, other) =
                if is_short { ("short sell", "long buy") } else { ("long buy", "short sell") };
            return forbidden(format!("cannot open a {what} while a {other} order is open"));
        }
        Ok(())
    }

    /// Whether the account may sell short at present: a margin account that is configured so, with
    /// the equity credit takes.
    pub(crate) fn can_short(&self) -> Result<bool, Error> {
        let rules = self.config.account;
        if !rules.shorting || self.state.no_shorting || rules.multiplier == Multiplier::One {
            return Ok(false);
        }
        Ok(self.standing()?.multiplier != Multiplier::One)
    }

    /// What an order for a symbol could spend.
    pub(super) fn power_in(&self, symbol: &Symbol) -> Result<Money, Error> {
        match self.market.listing(symbol) {
            Some(listing) if self.config.account.multiplier != Multiplier::One => {
                Ok(self.standing()?.power_for(listing))
            }
            Some(_) | None => self.buying_power(),
        }
    }

    /// Checks that the account has the money or the shares.
    pub(super) fn check_means(
        &self,
        order: &NewOrder,
        listing: &Listing,
        is_closing: bool,
    ) -> Result<Means, Refusal> {
        if is_closing {
            let requested = self.check_shares(order, listing)?;
            return Ok((None, matches!(order.size, Size::Notional(_)).then_some(requested)));
        }
        let price = self.reserve_price(order, listing)?;
        let cost_basis = match order.size {
            Size::Shares(qty) => price.times(qty),
            Size::Notional(amount) => amount,
        };
        check_minimum(cost_basis, listing)?;
        let buying_power = self.power_in(&order.symbol)?;
        if cost_basis > buying_power {
            return Err(Refusal::BuyingPower { buying_power, cost_basis });
        }
        Ok((Some(price), None))
    }

    /// What a share of an opening order counts as while it is open: a buy its limit, or the higher of
    /// ask and stop and a collar on top; a short sale the higher of its limit and 1.03 × ask.
    pub(super) fn reserve_price(&self, order: &NewOrder, listing: &Listing) -> Result<Px, Refusal> {
        let none = || Refusal::Rule(format!("asset \"{}\" has no price yet", order.symbol));
        let (_, ask) = self.quote(&order.symbol)?.ok_or_else(none)?;
        let raised = |base: Px, collar: Slippage| {
            Ok::<_, Error>(collar.rate()?.worsened(base, Side::Buy, listing.trade_tick()))
        };
        if order.side == Side::Sell {
            let shorted = raised(ask, Slippage::Fixed(atlas_core::Bps::from_int(SHORT_COLLAR)))?;
            return Ok(order.kind.limit().map_or(shorted, |limit| limit.max(shorted)));
        }
        if let Some(limit) = order.kind.limit() {
            return Ok(limit);
        }
        let base = order.kind.stop().map_or(ask, |stop| stop.max(ask));
        Ok(raised(base, Slippage::Fixed(self.config.collar))?)
    }

    fn check_shares(&self, order: &NewOrder, listing: &Listing) -> Result<Shares, Refusal> {
        let held = self.state.ledger.position(&order.symbol).size();
        let (held_for_orders, related_orders) = self.held_back(&order.symbol, order.side)?;
        let none = || Refusal::Rule(format!("asset \"{}\" has no price", order.symbol));
        let requested = match order.size {
            Size::Shares(qty) => qty,
            Size::Notional(amount) => {
                let (bid, ask) = self.quote(&order.symbol)?.ok_or_else(none)?;
                check_minimum(amount, listing)?;
                let qty = amount.buys(if order.side == Side::Sell { bid } else { ask });
                listing.crypto_rules().map_or(qty, |rules| qty.on_grid(rules.min_trade_increment))
            }
        };
        if listing.is_crypto() {
            let (bid, _) = self.quote(&order.symbol)?.ok_or_else(none)?;
            check_minimum(order.kind.limit().unwrap_or(bid).times(requested), listing)?;
        }
        if requested > held.minus(held_for_orders) {
            return Err(Refusal::QtyAvailable {
                symbol: order.symbol.to_string(),
                requested,
                held,
                held_for_orders,
                related_orders,
            });
        }
        Ok(requested)
    }
}

/// The least an order may come to: one dollar, ten for crypto (contract §8).
pub(super) fn check_minimum(amount: Money, listing: &Listing) -> Result<(), Refusal> {
    let dollars = if listing.is_crypto() { 10 } else { 1 };
    if amount < Money::from_cents(dollars * 100) {
        return Err(Refusal::Forbidden(format!(
            "cost basis must be >= minimal amount of order {dollars}"
        )));
    }
    Ok(())
}

/// What a short sale reserves above the ask, in basis points (contract §6: 1.03 × ask).
const SHORT_COLLAR: i16 = 300;
