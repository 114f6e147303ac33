//! A made-up account, market and order: everything one judgement looks at.

use std::collections::BTreeMap;

use atlas_core::time::{Mode, Timestamp};
use atlas_core::{
    Account, OrderRequest, OrderType, Position, Price, Qty, Quote, Regime, Side, Symbol,
    TimeInForce, Usd,
};
use chrono::{DateTime, NaiveDate, TimeDelta};
use rust_decimal::Decimal;

use crate::Error;
use crate::breaker::BreakerStance;
use crate::context::{
    Activity, Authority, Context, Entries, Hours, OpenOrder, Performance, Phase, RecentOrder,
    SymbolMarket, Tradability, TradingState,
};
use crate::desk::Desk;
use crate::validator::{Judgement, Validator};

/// One order and all it is judged against, owned.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) now: Timestamp,
    pub(crate) mode: Mode,
    pub(crate) state: TradingState,
    pub(crate) authority: Authority,
    pub(crate) hours: Hours,
    pub(crate) regime: Regime,
    pub(crate) entries: Entries,
    pub(crate) equity: Usd,
    pub(crate) budget: Usd,
    pub(crate) account: Account,
    pub(crate) positions: BTreeMap<Symbol, Position>,
    pub(crate) open_orders: Vec<OpenOrder>,
    pub(crate) recent_orders: Vec<RecentOrder>,
    pub(crate) market: BTreeMap<Symbol, SymbolMarket>,
    pub(crate) session: NaiveDate,
    pub(crate) activity: Activity,
    pub(crate) performance: Performance,
    pub(crate) breaker: BreakerStance,
    pub(crate) desk: Option<Desk>,
    pub(crate) request: OrderRequest,
}

impl Scene {
    /// A clean account in an open market that buys `qty` shares at a decision price, with a limit at
    /// that price and a quote a ten-thousandth around it. Equity, budget and cash are `equity`.
    pub(crate) fn buy(qty: Qty, price: Price, equity: Usd) -> Result<Self, Error> {
        let now = DateTime::from_timestamp(1_546_527_600, 0).unwrap_or_default();
        let session = now.date_naive() - TimeDelta::days(1);
        let symbol = Symbol::new("PROBE")?;
        let mut scene = Self {
            now,
            mode: Mode::Live,
            state: TradingState::Active,
            authority: Authority::Engine,
            hours: Hours::Open,
            regime: Regime::Bull,
            entries: Entries::Allowed,
            equity,
            budget: equity,
            account: Account {
                account_number: "PROBE".into(),
                cash: equity,
                equity,
                buying_power: equity,
                trading_blocked: false,
            },
            positions: BTreeMap::new(),
            open_orders: Vec::new(),
            recent_orders: Vec::new(),
            market: BTreeMap::new(),
            session,
            activity: Activity::NONE,
            performance: Performance::NEW,
            breaker: BreakerStance::Closed,
            desk: None,
            request: OrderRequest {
                client_order_id: "atlas-probe-1-buy-PROBE-0".parse()?,
                symbol: symbol.clone(),
                side: Side::Buy,
                qty,
                order_type: OrderType::Limit { limit_price: price },
                time_in_force: TimeInForce::Day,
            },
        };
        scene.price(&symbol, price)?;
        Ok(scene)
    }

    /// Gives a symbol a decision price and a quote around it.
    pub(crate) fn price(&mut self, symbol: &Symbol, price: Price) -> Result<(), Error> {
        let edge = Decimal::new(5, 5);
        let quote = Quote {
            symbol: symbol.clone(),
            bid: Some(price.moved(-edge)?),
            ask: Some(price.moved(edge)?),
            ts_event: self.now,
        };
        let market = SymbolMarket {
            decision_price: price,
            session: self.session,
            quote: Some(quote),
            tradability: Tradability::Tradable,
        };
        self.market.insert(symbol.clone(), market);
        Ok(())
    }

    /// Puts a position on the account.
    pub(crate) fn hold(&mut self, symbol: &Symbol, qty: Qty, price: Price) {
        let position = Position {
            symbol: symbol.clone(),
            qty,
            qty_available: qty,
            avg_entry_price: price,
            current_price: price,
        };
        self.positions.insert(symbol.clone(), position);
    }

    /// The market entry of the order's symbol, if there is one.
    pub(crate) fn entry(&mut self) -> Option<&mut SymbolMarket> {
        self.market.get_mut(&self.request.symbol)
    }

    /// What every gate says on the order, just before a send.
    pub(crate) fn judge(&self, validator: &Validator) -> Judgement {
        let context = self.context(Phase::Send);
        let batch = std::slice::from_ref(&self.request);
        let judged = validator.judge_with(batch, &context, self.desk.as_ref());
        let silent = || Judgement { effect: crate::Effect::Opening, verdicts: Vec::new() };
        judged.into_iter().next().unwrap_or_else(silent)
    }

    pub(crate) fn context(&self, phase: Phase) -> Context<'_> {
        Context {
            now: self.now,
            phase,
            mode: self.mode,
            state: self.state,
            authority: self.authority,
            hours: self.hours,
            regime: self.regime,
            entries: self.entries,
            equity: self.equity,
            budget: self.budget,
            account: &self.account,
            positions: &self.positions,
            open_orders: &self.open_orders,
            recent_orders: &self.recent_orders,
            market: &self.market,
            decision_session: self.session,
            activity: self.activity,
            performance: self.performance,
            breaker: self.breaker,
        }
    }
}
