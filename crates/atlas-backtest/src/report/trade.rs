//! Fills, and the stretches in which a symbol was held.

use std::collections::BTreeMap;

use atlas_core::{ClientOrderId, DecisionId, Price, Qty, Regime, Side, SignalId, Symbol, Usd};
use atlas_venue::core::{Execution, Posting, PostingKind};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::metrics::stats::{float, mean};

/// One fill, with the decision that caused it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// The session.
    pub date: NaiveDate,
    /// The decision.
    pub decision_id: DecisionId,
    /// The regime it rested on.
    pub regime: Regime,
    /// The signal it acted on.
    pub signal_id: SignalId,
    /// The order.
    pub client_order_id: ClientOrderId,
    /// The symbol.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Shares.
    pub qty: Qty,
    /// Price a share, slippage included.
    pub price: Price,
    /// Price the market stood at.
    pub market_price: Price,
    /// The close it was decided at.
    pub decision_price: Price,
    /// Shares × price.
    pub notional: Usd,
    /// What slippage cost; zero or more.
    pub slippage: Usd,
    /// For a sale: proceeds less the average cost of what was sold, before fees.
    pub realized: Option<Usd>,
}

/// A stretch in which a symbol was held, from the first share to the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundTrip {
    /// The symbol.
    pub symbol: Symbol,
    /// Session of the first purchase.
    pub opened: NaiveDate,
    /// Session of the last sale, or the last session of the backtest.
    pub closed: NaiveDate,
    /// Whether it still went on at the end and was marked at the last close.
    pub marked: bool,
    /// The regime of the decision that opened it.
    pub regime: Regime,
    /// Dollars paid in all.
    pub bought: Usd,
    /// Dollars received in all, dividends and the mark included.
    pub sold: Usd,
    /// What it brought in, after slippage and before fees.
    pub profit: Usd,
    /// The same as a fraction of what was paid.
    pub simple_return: Option<f64>,
}

/// What the round trips amount to; profits are after slippage and before fees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradeStatistics {
    /// Number of fills.
    pub fills: usize,
    /// Number of round trips, those marked at the end included.
    pub round_trips: usize,
    /// Share of them with a profit above zero.
    pub win_rate: Option<f64>,
    /// Sum of profits over sum of losses; `None` without losses.
    pub profit_factor: Option<f64>,
    /// Mean profit, USD.
    pub expectancy: Option<f64>,
    /// Mean of the profits above zero, USD.
    pub average_win: Option<f64>,
    /// Mean of the profits of zero or below, USD.
    pub average_loss: Option<f64>,
    /// Mean return of a round trip, as a fraction.
    pub mean_return: Option<f64>,
}

/// The books of round trips, while they are made.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    open: BTreeMap<Symbol, Holding>,
    /// What is on its way from one name to another.
    renamed: Option<Holding>,
    ended: Vec<RoundTrip>,
}

#[derive(Debug)]
struct Holding {
    qty: Qty,
    cost: Usd,
    opened: NaiveDate,
    regime: Regime,
    bought: Usd,
    sold: Usd,
}

/// What is known of a fill besides the venue's word for it.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) date: NaiveDate,
    pub(crate) decision_id: DecisionId,
    pub(crate) regime: Regime,
    pub(crate) signal_id: SignalId,
    pub(crate) decision_price: Price,
}

impl Ledger {
    /// Books one execution.
    pub(crate) fn book(&mut self, fill: &Execution, cause: Cause) -> Result<Trade, Error> {
        let (qty, price) = (fill.qty.to_qty()?, fill.price.to_price()?);
        let market_price = fill.reference.to_price()?;
        let notional = price.notional(qty)?;
        let slippage = notional.checked_sub(market_price.notional(qty)?)?.abs();
        let realized = match fill.side {
            Side::Buy => {
                self.buy(&fill.symbol, qty, notional, &cause)?;
                None
            }
            Side::Sell => Some(self.sell(&fill.symbol, qty, notional, cause.date)?),
        };
        let Cause { date, decision_id, regime, signal_id, decision_price } = cause;
        Ok(Trade {
            date,
            decision_id,
            regime,
            signal_id,
            client_order_id: ClientOrderId::new(&fill.client_order_id)?,
            symbol: fill.symbol.clone(),
            side: fill.side,
            qty,
            price,
            market_price,
            decision_price,
            notional,
            slippage,
            realized,
        })
    }

    /// Books what came or went without a trade: dividends belong to the stretch they are paid in,
    /// a delisting ends it, splits and new names change what is held.
    pub(crate) fn post(&mut self, posting: &Posting) -> Result<(), Error> {
        let Some(symbol) = &posting.symbol else { return Ok(()) };
        let amount = posting.amount.to_usd()?;
        let size = posting.change.size().to_qty()?;
        let less = posting.change.is_negative();
        if posting.kind == PostingKind::Rename {
            if less {
                self.renamed = self.open.remove(symbol);
            } else if let Some(holding) = self.renamed.take() {
                self.open.insert(symbol.clone(), holding);
            }
            return Ok(());
        }
        let Some(holding) = self.open.get_mut(symbol) else { return Ok(()) };
        holding.sold = holding.sold.checked_add(amount)?;
        holding.qty = if less {
            holding.qty.checked_sub(size.min(holding.qty))?
        } else {
            holding.qty.checked_add(size)?
        };
        if posting.kind == PostingKind::Delisting
            && let Some(holding) = self.open.remove(symbol)
        {
            self.ended.push(holding.end(symbol.clone(), posting.date, false)?);
        }
        Ok(())
    }

    fn buy(
        &mut self,
        symbol: &Symbol,
        qty: Qty,
        notional: Usd,
        cause: &Cause,
    ) -> Result<(), Error> {
        let holding = self.open.entry(symbol.clone()).or_insert_with(|| Holding {
            qty: Qty::ZERO,
            cost: Usd::ZERO,
            opened: cause.date,
            regime: cause.regime,
            bought: Usd::ZERO,
            sold: Usd::ZERO,
        });
        holding.qty = holding.qty.checked_add(qty)?;
        holding.cost = holding.cost.checked_add(notional)?;
        holding.bought = holding.bought.checked_add(notional)?;
        Ok(())
    }

    fn sell(
        &mut self,
        symbol: &Symbol,
        qty: Qty,
        notional: Usd,
        date: NaiveDate,
    ) -> Result<Usd, Error> {
        let Some(holding) = self.open.get_mut(symbol) else { return Ok(notional) };
        let left = holding.qty.checked_sub(qty)?;
        // The share of the cost that goes with what is sold; all of it with the last share.
        let gone = if left.is_zero() {
            holding.cost
        } else {
            let part = qty.value() / holding.qty.value();
            let cost = holding.cost.value().checked_mul(part).unwrap_or_default();
            Usd::new(cost.round_dp(12))?
        };
        holding.qty = left;
        holding.cost = holding.cost.checked_sub(gone)?;
        holding.sold = holding.sold.checked_add(notional)?;
        if left.is_zero()
            && let Some(holding) = self.open.remove(symbol)
        {
            self.ended.push(holding.end(symbol.clone(), date, false)?);
        }
        Ok(notional.checked_sub(gone)?)
    }

    /// Marks what is still held, and gives every round trip in the order of its end.
    pub(crate) fn close(
        mut self,
        last: NaiveDate,
        marks: &BTreeMap<Symbol, Usd>,
    ) -> Result<Vec<RoundTrip>, Error> {
        for (symbol, mut holding) in std::mem::take(&mut self.open) {
            let mark = marks.get(&symbol).copied().unwrap_or(Usd::ZERO);
            holding.sold = holding.sold.checked_add(mark)?;
            self.ended.push(holding.end(symbol, last, true)?);
        }
        Ok(self.ended)
    }
}

impl Holding {
    fn end(self, symbol: Symbol, closed: NaiveDate, marked: bool) -> Result<RoundTrip, Error> {
        let profit = self.sold.checked_sub(self.bought)?;
        let paid = self.bought.to_f64();
        Ok(RoundTrip {
            symbol,
            opened: self.opened,
            closed,
            marked,
            regime: self.regime,
            bought: self.bought,
            sold: self.sold,
            profit,
            simple_return: (paid > 0.0).then(|| profit.to_f64() / paid),
        })
    }
}

impl TradeStatistics {
    pub(crate) fn of(fills: usize, trips: &[RoundTrip]) -> Self {
        let profits: Vec<f64> = trips.iter().map(|trip| trip.profit.to_f64()).collect();
        let (wins, losses): (Vec<f64>, Vec<f64>) = profits.iter().partition(|p| **p > 0.0);
        let lost: f64 = losses.iter().sum();
        let returns: Vec<f64> = trips.iter().filter_map(|trip| trip.simple_return).collect();
        Self {
            fills,
            round_trips: trips.len(),
            win_rate: (!trips.is_empty()).then(|| float(wins.len()) / float(trips.len())),
            profit_factor: (lost < 0.0).then(|| wins.iter().sum::<f64>() / -lost),
            expectancy: mean(&profits),
            average_win: mean(&wins),
            average_loss: mean(&losses),
            mean_return: mean(&returns),
        }
    }
}
