//! What an account may do on credit: buying power, margin requirements, liquidation.
//!
//! | effective multiplier | buying power (contract §6) |
//! | --- | --- |
//! | 1 | cash |
//! | 2 | 2 × max(equity − initial margin, 0) |
//! | 4 | 4 × (equity − maintenance margin, both at the last close) − opened since |
//!
//! less what open orders reserve and what is owed, never below zero. An account whose equity is
//! below $2,000 has a multiplier of 1 (FINRA Rule 4210(b)(4)), one that falls under the
//! pattern-day-trader rule and is below $25,000 at most 2 (until 2026-06-03, see `daytrade`), and one
//! whose owner has set a largest multiplier at most that.
//!
//! **Initial margin** is 50 % of what a position is worth (Regulation T), all of it for what cannot
//! be held on margin, and never below its maintenance margin. **Maintenance margin** is Alpaca's
//! table:
//!
//! | position | requirement |
//! | --- | --- |
//! | long, $2.50 and above | 30 % |
//! | long, below $2.50 | 100 % |
//! | short, $5 and above | $5 a share or 30 %, whichever is larger |
//! | short, below $5 | $2.50 a share or 100 %, whichever is larger |
//!
//! unless the listing has percentages of its own. **Liquidation**: at an opening at which equity is
//! below the maintenance margin, all orders are canceled and positions closed at the market, the
//! one with the largest requirement first, until the requirement is met. Within a session nothing is
//! closed, however prices move: such an account can open nothing more, and what it owes is reckoned
//! from closing prices, as a broker's call is, which is met by the next opening or closed out there.

use atlas_core::{Side, Symbol};
use serde::{Deserialize, Serialize};

use super::events::Event;
use super::exchange::Exchange;
use super::ledger::Holding;
use super::listing::Listing;
use super::order::{NewOrder, OrderRecord};
use super::terms::{Class, Kind, Size, Status, Tif};
use super::{Money, NANO, Px, Shares};
use crate::Error;

/// How often an account's equity counts as buying power, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Multiplier {
    /// A cash account: nothing on credit, nothing short.
    #[default]
    One,
    /// A margin account under Regulation T.
    Two,
    /// A margin account with four times its equity within a day.
    Four,
}

impl Multiplier {
    /// The number the wire uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
            Self::Four => "4",
        }
    }
}

/// What the account is worth and may do, in the terms of `GET /v2/account`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Cash; below zero is borrowed.
    pub cash: Money,
    /// What long positions are worth.
    pub long: Money,
    /// What short positions are worth: zero or less.
    pub short: Money,
    /// Cash and positions together.
    pub equity: Money,
    /// What is needed to open the positions.
    pub initial_margin: Money,
    /// What is needed to keep them.
    pub maintenance_margin: Money,
    /// The multiplier that applies at present.
    pub multiplier: Multiplier,
    /// What could be spent on what can be bought on margin.
    pub buying_power: Money,
    /// The same under Regulation T alone; all of it for a cash account.
    pub regt_buying_power: Money,
    /// What could be spent on what cannot: crypto.
    pub non_marginable_buying_power: Money,
    /// Fees and interest owed and not posted yet.
    pub owed: Money,
}

impl Standing {
    /// What an order for this listing could spend.
    pub(crate) fn power_for(&self, listing: &Listing) -> Money {
        if listing.is_marginable() { self.buying_power } else { self.non_marginable_buying_power }
    }
}

impl Exchange {
    /// What the account is worth and may do at present.
    ///
    /// # Errors
    /// [`Error::Overflow`]; [`Error::NotListed`] if something held has no price.
    pub fn standing(&self) -> Result<Standing, Error> {
        let ledger = &self.state.ledger;
        let (mut long, mut short) = (Money::ZERO, Money::ZERO);
        let (mut initial, mut maintenance) = (Money::ZERO, Money::ZERO);
        for (symbol, holding) in &ledger.holdings {
            let mark = self.mark_of_holding(symbol)?;
            let value = holding.signed().at(mark);
            if holding.is_short {
                short = short.plus(value)?;
            } else {
                long = long.plus(value)?;
            }
            let keep = self.requirement(symbol, holding, mark)?;
            maintenance = maintenance.plus(keep)?;
            initial = initial.plus(self.initial(symbol, holding, mark)?.max(keep))?;
        }
        let equity = ledger.cash.plus(long)?.plus(short)?;
        let owed = ledger.owed_total()?;
        let multiplier = self.multiplier_at(equity);
        let over = |amount: Money| amount.max(Money::ZERO);
        let excess = equity.minus(initial)?.minus(owed)?;
        let regt = over(Money::from_attos(over(excess).attos() * 2).minus(self.reserved)?);
        let cash = self.cash_power(equity, owed)?;
        let buying_power = match multiplier {
            Multiplier::One => cash,
            Multiplier::Two => regt,
            Multiplier::Four => over(self.day_power()?.minus(owed)?.minus(self.reserved)?),
        };
        Ok(Standing {
            cash: ledger.cash,
            long,
            short,
            equity,
            initial_margin: initial,
            maintenance_margin: maintenance,
            multiplier,
            buying_power,
            regt_buying_power: if multiplier == Multiplier::One { cash } else { regt },
            non_marginable_buying_power: match multiplier {
                Multiplier::One => cash,
                Multiplier::Two | Multiplier::Four => over(excess.minus(self.reserved)?),
            },
            owed,
        })
    }

    /// What the account could still spend; see [`Standing::buying_power`].
    pub(crate) fn buying_power(&self) -> Result<Money, Error> {
        if self.config.account.multiplier == Multiplier::One {
            // No need to know what positions are worth.
            let cash = self.state.ledger.cash;
            return self.cash_power(cash, self.state.ledger.owed_total()?);
        }
        Ok(self.standing()?.buying_power)
    }

    /// Cash that is neither reserved nor owed, nor the proceeds of shares that are owed themselves.
    fn cash_power(&self, equity: Money, owed: Money) -> Result<Money, Error> {
        let ledger = &self.state.ledger;
        let mut free = ledger.cash.min(equity).minus(self.reserved)?.minus(owed)?;
        if !self.config.account.spend_unsettled {
            let today = super::date_of(self.state.clock);
            free = free.minus(ledger.unsettled_credit(today)?)?;
        }
        Ok(free.max(Money::ZERO))
    }

    /// Four times what was above the maintenance margin at the last close, less what was opened
    /// since.
    fn day_power(&self) -> Result<Money, Error> {
        let base = self.state.last_equity.minus(self.state.margin.last_maintenance)?;
        let power = Money::from_attos(base.max(Money::ZERO).attos() * 4);
        power.minus(self.state.margin.opened_today)
    }

    /// The multiplier that applies at this equity.
    fn multiplier_at(&self, equity: Money) -> Multiplier {
        if equity < Money::from_cents(MARGIN_MINIMUM) {
            return Multiplier::One;
        }
        let owners = self.state.max_multiplier.unwrap_or(Multiplier::Four);
        self.config.account.multiplier.min(self.day_trading_multiplier(equity)).min(owners)
    }

    /// What is needed to keep a position.
    fn requirement(&self, symbol: &Symbol, held: &Holding, mark: Px) -> Result<Money, Error> {
        let listing = self.market.listing(symbol);
        let value = mark.times(held.qty);
        let percent = listing.and_then(|listing| listing.margin(held.is_short));
        if let Some(percent) = percent {
            return value.fraction(i128::from(percent), 100);
        }
        maintenance(held.is_short, mark, held.qty)
    }

    /// What Regulation T asks for to open a position: half of it, or all of what is not marginable.
    fn initial(&self, symbol: &Symbol, held: &Holding, mark: Px) -> Result<Money, Error> {
        let value = mark.times(held.qty);
        let marginable = self.market.listing(symbol).is_some_and(Listing::is_marginable);
        if marginable { value.fraction(1, 2) } else { Ok(value) }
    }

    /// Counts what an execution opens or closes of the day's buying power.
    pub(super) fn count_opening(&mut self, is_closing: bool, notional: Money) -> Result<(), Error> {
        let opened = &mut self.state.margin.opened_today;
        *opened = if is_closing {
            opened.minus(notional)?.max(Money::ZERO)
        } else {
            opened.plus(notional)?
        };
        Ok(())
    }

    /// Shares of an opening order that credit and cash still cover at the moment it trades.
    pub(super) fn covered(&self, seq: u64, wanted: Shares, price: Px) -> Result<Shares, Error> {
        let Some(order) = self.order(seq) else { return Ok(Shares::ZERO) };
        let Some(listing) = self.market.listing(&order.symbol) else { return Ok(Shares::ZERO) };
        let standing = self.standing()?;
        let power = standing.power_for(listing).plus(order.reserved())?;
        if price.times(wanted) <= power { Ok(wanted) } else { Ok(power.buys(price).min(wanted)) }
    }

    /// At an opening: closes positions of an account below its maintenance margin.
    pub(super) fn liquidate(&mut self) -> Result<(), Error> {
        if self.config.account.multiplier == Multiplier::One
            || self.state.ledger.holdings.is_empty()
        {
            return Ok(());
        }
        let standing = self.standing()?;
        if standing.equity.minus(standing.owed)? >= standing.maintenance_margin {
            return Ok(());
        }
        let open: Vec<u64> = self.open_orders().map(|order| order.seq).collect();
        for seq in open {
            if self.order(seq).is_some_and(|order| !order.status.is_final()) {
                self.set_status(seq, Status::Canceled, Event::Canceled)?;
            }
        }
        for symbol in self.by_requirement()? {
            let standing = self.standing()?;
            if standing.equity.minus(standing.owed)? >= standing.maintenance_margin {
                break;
            }
            self.close_out(&symbol)?;
        }
        Ok(())
    }

    /// Symbols of all positions, the largest requirement first.
    fn by_requirement(&self) -> Result<Vec<Symbol>, Error> {
        let mut all = Vec::new();
        for (symbol, holding) in &self.state.ledger.holdings {
            let mark = self.mark_of_holding(symbol)?;
            all.push((self.requirement(symbol, holding, mark)?, symbol.clone()));
        }
        all.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        Ok(all.into_iter().map(|(_, symbol)| symbol).collect())
    }

    /// Sends the venue's own order that closes a position at the market.
    fn close_out(&mut self, symbol: &Symbol) -> Result<(), Error> {
        let Some(holding) = self.state.ledger.holdings.get(symbol).copied() else { return Ok(()) };
        let is_crypto = symbol.is_crypto();
        // What is less than anybody can trade stays.
        let rules = self.market.listing(symbol).and_then(Listing::crypto_rules);
        let qty = rules.map_or(holding.qty, |rules| holding.qty.on_grid(rules.min_trade_increment));
        if qty.is_zero() {
            return Ok(());
        }
        let order = NewOrder {
            client_order_id: Some(format!("liquidation-{}", self.state.orders + 1)),
            symbol: symbol.clone(),
            side: holding.closing_side(),
            size: Size::Shares(qty),
            kind: Kind::Market,
            tif: if is_crypto { Tif::Gtc } else { Tif::Day },
            extended_hours: false,
            class: Class::Simple,
            take_profit: None,
            stop_loss: None,
        };
        match self.take_unchecked(order, holding.is_short) {
            Ok(_) => Ok(()),
            Err(refusal) => {
                Err(Error::Liquidation { symbol: symbol.to_string(), problem: refusal.message() })
            }
        }
    }

    /// Shares of a position that open orders of `side` would close, and those orders. Exits that
    /// wait hold none, two exits of one position hold it once.
    pub(crate) fn held_back(
        &self,
        symbol: &Symbol,
        side: Side,
    ) -> Result<(Shares, Vec<uuid::Uuid>), Error> {
        let (mut held, mut related) = (Shares::ZERO, Vec::new());
        let closes = |order: &&OrderRecord| {
            order.side == side && order.is_closing() && order.status != Status::Held
        };
        for seq in self.open.get(symbol).into_iter().flatten() {
            let Some(order) = self.order(*seq).filter(closes) else { continue };
            if !self.is_second_exit(order) {
                held = held.plus(order.holds())?;
            }
            related.push(order.id);
        }
        Ok((held, related))
    }
}

/// Alpaca's maintenance margin of a position without percentages of its own.
fn maintenance(is_short: bool, mark: Px, qty: Shares) -> Result<Money, Error> {
    let value = mark.times(qty);
    let each = |dollars_tenths: i64| Px::from_nanos(dollars_tenths * NANO / 10);
    let least = |tenths: i64| each(tenths).map_or(Money::ZERO, |price| price.times(qty));
    match (is_short, mark.nanos()) {
        (false, nanos) if nanos >= 25 * NANO / 10 => value.fraction(30, 100),
        (false, _) => Ok(value),
        (true, nanos) if nanos >= 5 * NANO => Ok(value.fraction(30, 100)?.max(least(50))),
        (true, _) => Ok(value.max(least(25))),
    }
}

/// Least equity of a margin account, in cents (FINRA Rule 4210(b)(4); Alpaca: $2,000).
const MARGIN_MINIMUM: i64 = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maintenance_table() {
        let of = |is_short, mark: &str| {
            let (mark, qty) = (mark.parse().unwrap(), "100".parse().unwrap());
            maintenance(is_short, mark, qty).unwrap().to_string()
        };
        assert_eq!(of(false, "10"), "300");
        assert_eq!(of(false, "2.5"), "75");
        assert_eq!(of(false, "2.49"), "249");
        assert_eq!(of(true, "100"), "3000");
        assert_eq!(of(true, "10"), "500");
        assert_eq!(of(true, "4"), "400");
        assert_eq!(of(true, "1"), "250");
    }
}
