//! What is asked of the broker just before a send.

use std::collections::BTreeMap;

use atlas_broker::Broker;
use atlas_core::{Account, Price, Qty, Quote, Side, Symbol, Usd};
use atlas_risk::{Activity, Hours, RecentOrder};
use chrono::TimeDelta;

use super::run::Run;
use crate::approver::FreshContext;
use crate::error::Error;
use crate::event::{Event, Reference};
use crate::judged::{ContextAsked, add_what_was_sent};
use crate::sequencer::{Funds, Leg};
use crate::session::Session;
use crate::snapshot::still_open;
use crate::state::{past, trading_day};

/// Prices, cash and positions of the moment: what an approval is given on and held against. A
/// symbol's price is the middle of bid and ask; one with a single side is priced by that.
///
/// # Errors
/// [`Error::Broker`] if the broker cannot be asked, [`Error::Core`] if a middle is no price.
pub async fn reference_now(broker: &dyn Broker, legs: &[Leg]) -> Result<Reference, Error> {
    let symbols: Vec<Symbol> = legs.iter().map(|leg| leg.request.symbol.clone()).collect();
    let account = broker.account().await.map_err(Error::broker("ask for the account"))?;
    let positions = broker.positions().await.map_err(Error::broker("ask for the positions"))?;
    let quotes = broker.quotes(&symbols).await.map_err(Error::broker("ask for quotes"))?;
    let mut prices = BTreeMap::new();
    for (symbol, quote) in quotes {
        if let Some(price) = middle(&quote)? {
            prices.insert(symbol, price);
        }
    }
    let positions = positions.into_iter().map(|(symbol, p)| (symbol, p.qty)).collect();
    Ok(Reference { prices, cash: account.cash, positions })
}

fn middle(quote: &Quote) -> Result<Option<Price>, atlas_core::Error> {
    match (quote.bid, quote.ask) {
        (Some(bid), Some(ask)) => {
            let two = Qty::from_shares(2);
            let sum = Usd::new(bid.value())?.checked_add(Usd::new(ask.value())?)?;
            sum.per_share(two, 6, atlas_core::Rounding::HalfEven).map(Some)
        }
        (bid, ask) => Ok(bid.or(ask)),
    }
}

impl Run<'_> {
    /// What approvals rest on, asked again if it is too old. Whoever has used it puts it back into
    /// `context`; otherwise the next one asks again.
    pub(super) async fn fresh(&mut self) -> Result<FreshContext, Error> {
        let age = TimeDelta::from_std(self.settings.context_age).unwrap_or(TimeDelta::zero());
        let now = self.session.now();
        match self.context.take().filter(|context| now - context.now <= age) {
            Some(mut context) => {
                self.add_what_was_sent(&mut context);
                Ok(context)
            }
            None => self.ask().await,
        }
    }

    /// Asks for everything at once.
    async fn ask(&mut self) -> Result<FreshContext, Error> {
        // What filled is in the broker's cash already, so it must not count as open any more.
        self.session.import_news(self.broker).await?;
        let now = self.session.now();
        let symbols: Vec<Symbol> = self.legs.iter().map(|leg| leg.request.symbol.clone()).collect();
        let broker = self.broker;
        let account = broker.account().await.map_err(Error::broker("ask for the account"))?;
        let positions = broker.positions().await.map_err(Error::broker("ask for positions"))?;
        let open = broker.open_orders().await.map_err(Error::broker("ask for open orders"))?;
        let quotes =
            if symbols.is_empty() { Ok(BTreeMap::new()) } else { broker.quotes(&symbols).await };
        let quotes = quotes.map_err(Error::broker("ask for quotes"))?;
        let clock = broker.clock().await.map_err(Error::broker("ask for the market clock"))?;
        let performance = self.session.performance(account.equity, trading_day(now))?;
        if let Some(losses) = self.settings.losses {
            self.session.heed_losses(account.equity, losses)?;
        }
        let state = self.session.state();
        self.listed = open.iter().map(|order| order.client_order_id.clone()).collect();
        let mut context = FreshContext {
            now,
            account,
            positions,
            owned: state.books().all_owned(),
            open_orders: open.into_iter().map(still_open).collect(),
            recent_orders: Vec::new(),
            quotes,
            hours: if clock.is_open { Hours::Open } else { Hours::Closed },
            state: self.session.trading_state(),
            activity: Activity::default(),
            breaker: self.session.state().breaker(now),
            performance,
        };
        (context.recent_orders, context.activity) = past(state, now)?;
        if let Some(untold) = &mut self.untold {
            untold.push(Event::ContextAsked(Box::new(ContextAsked::from(&context))));
        }
        self.add_what_was_sent(&mut context);
        Ok(context)
    }

    fn add_what_was_sent(&self, context: &mut FreshContext) {
        let session = &*self.session;
        let (state, trading) = (session.state(), session.trading_state());
        add_what_was_sent(context, &self.listed, (state, trading), session.now());
    }

    /// What can be spent, and what a share of each symbol to be bought is taken to cost: its
    /// limit, else the ask plus the cushion.
    pub(super) async fn funds(&mut self) -> Result<Funds, Error> {
        self.context = None;
        let context = self.fresh().await?;
        let mut prices = BTreeMap::new();
        for leg in self.legs.iter().filter(|leg| !leg.reduces()) {
            let symbol = &leg.request.symbol;
            let ask = context.quotes.get(symbol).and_then(|quote| quote.ask);
            let price = match (leg.request.limit_price(), ask) {
                (Some(limit), _) => Some(limit),
                (None, Some(ask)) => Some(ask.moved(self.settings.buy_cushion.fraction())?),
                (None, None) => None,
            };
            if let Some(price) = price {
                prices.insert(symbol.clone(), price);
            }
        }
        let spendable = spendable(&context.account, &prices, self.session)?;
        self.context = Some(context);
        Ok(Funds { spendable, prices })
    }
}

/// min(cash, buying power), less what working buys of ours may still take from cash.
fn spendable(
    account: &Account,
    prices: &BTreeMap<Symbol, Price>,
    session: &Session,
) -> Result<Usd, Error> {
    let mut cash = account.cash;
    for tracked in session.state().open_orders() {
        let request = tracked.order.request();
        if request.side == Side::Buy {
            let price = request.limit_price().or_else(|| prices.get(&request.symbol).copied());
            // A working buy without a price could cost anything: nothing can be spent then.
            let Some(price) = price else { return Ok(Usd::ZERO) };
            cash = cash.checked_sub(price.notional(tracked.order.leaves_qty())?)?;
        }
    }
    Ok(cash.min(account.buying_power).max(Usd::ZERO))
}

impl Session {
    /// What was sent within the last day: orders that have ended with a fill, and counts.
    ///
    /// # Errors
    /// [`Error::Core`] if the dollars traded do not fit.
    pub fn recent(&self) -> Result<(Vec<RecentOrder>, Activity), Error> {
        Ok(past(self.state(), self.now())?)
    }

    /// How the account has done on a trading day, were `equity` what it is worth; deposits and
    /// withdrawals since the baseline are excluded.
    ///
    /// # Errors
    /// [`Error::Core`] if the amounts do not fit.
    pub fn performance(
        &self,
        equity: Usd,
        day: chrono::NaiveDate,
    ) -> Result<atlas_risk::Performance, Error> {
        let net = equity.checked_sub(self.state().books().flows())?;
        Ok(self.state().track().performance(day, net))
    }
}
