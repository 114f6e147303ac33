//! A small exchange: takes orders, fills them in parts, refuses some, lets stops rest.

use std::collections::BTreeMap;

use atlas_core::{
    ClientOrderId, Fill, OrderEvent, OrderRequest, OrderType, Price, Qty, Rounding, Side, Symbol,
    Usd,
};

use super::super::*;
use super::{EPOCH, mix};

/// What the exchange has, and what it has not told yet.
pub(super) struct Exchange {
    seed: u64,
    draws: u64,
    pub(super) cash: Usd,
    pub(super) held: BTreeMap<Symbol, Qty>,
    working: BTreeMap<ClientOrderId, (OrderRequest, Qty)>,
    prices: BTreeMap<Symbol, f64>,
    executions: u64,
    pub(super) telling: Vec<Event>,
}

impl Exchange {
    pub(super) fn new(seed: u64, cash: Usd) -> Self {
        Self {
            seed,
            draws: 0,
            cash,
            held: BTreeMap::new(),
            working: BTreeMap::new(),
            prices: BTreeMap::new(),
            executions: 0,
            telling: Vec::new(),
        }
    }

    fn draw(&mut self, of: u64) -> u64 {
        self.draws += 1;
        mix(self.seed, self.draws) % of
    }

    pub(super) fn take(&mut self, action: &Action) {
        if let Action::Submit { request, .. } = action {
            self.submit(request);
        } else if let Action::Cancel { id, .. } = action {
            self.cancel(id);
        }
    }

    fn tell(&mut self, id: &ClientOrderId, change: OrderEvent) {
        self.telling.push(Event::Order { id: id.clone(), change });
    }

    fn submit(&mut self, request: &OrderRequest) {
        let id = request.client_order_id.clone();
        self.no_crossing(request);
        if self.draw(12) == 0 {
            return self.tell(&id, OrderEvent::Rejected { reason: "no".into() });
        }
        self.working.insert(id.clone(), (request.clone(), Qty::ZERO));
        self.tell(&id, OrderEvent::Accepted { venue_order_id: "v".parse().unwrap() });
    }

    /// What a venue refuses as a wash trade, or for want of shares, must not be sent at all.
    fn no_crossing(&self, request: &OrderRequest) {
        let of_symbol = self.working.values().filter(|(other, _)| other.symbol == request.symbol);
        let mut selling = if request.side == Side::Sell { request.qty } else { Qty::ZERO };
        for (other, filled) in of_symbol {
            assert_eq!(other.side, request.side, "{request:?} meets {other:?}");
            assert_eq!(other.side, Side::Sell, "two purchases at once: {request:?}, {other:?}");
            selling = selling.checked_add(other.qty.saturating_sub(*filled)).unwrap();
        }
        let held = self.held.get(&request.symbol).copied().unwrap_or_default();
        assert!(selling <= held, "{selling} of {} for sale, {held} held", request.symbol);
    }

    fn cancel(&mut self, id: &ClientOrderId) {
        // Some cancels come too late.
        if self.draw(5) == 0 {
            self.execute(id, true);
        }
        if self.working.remove(id).is_some() {
            self.tell(id, OrderEvent::Canceled);
        }
    }

    /// A new price: some orders fill, in parts.
    pub(super) fn price(&mut self, symbol: &Symbol, low: f64, last: f64) {
        self.prices.insert(symbol.clone(), last);
        let ids: Vec<_> = self.working.keys().cloned().collect();
        for id in ids {
            let (request, _) = &self.working[&id];
            let touched = if let OrderType::Stop { stop_price } = request.order_type {
                low <= stop_price.to_f64()
            } else {
                request.limit_price().is_none_or(|limit| last <= limit.to_f64())
            };
            if request.symbol == *symbol && touched && self.draw(3) > 0 {
                let whole = self.draw(2) == 0;
                self.execute(&id, whole);
            }
        }
    }

    fn execute(&mut self, id: &ClientOrderId, whole: bool) {
        let Some((request, filled)) = self.working.get(id).cloned() else { return };
        let Some(last) = self.prices.get(&request.symbol) else { return };
        let leaves = request.qty.checked_sub(filled).unwrap();
        let half = (leaves.value() / rust_decimal::Decimal::TWO).trunc();
        let qty = if whole || half.is_zero() { leaves } else { Qty::new(half).unwrap() };
        let price = Price::from_f64(*last, 4, Rounding::HalfEven).unwrap();
        let price = request.limit_price().map_or(price, |limit| price.min(limit));
        self.executions += 1;
        let fill = Fill {
            execution_id: format!("x{}", self.executions).parse().unwrap(),
            client_order_id: id.clone(),
            venue_order_id: "v".parse().unwrap(),
            symbol: request.symbol.clone(),
            side: request.side,
            qty,
            price,
            ts_event: EPOCH,
        };
        let fee: Usd = "0.07".parse().unwrap();
        self.cash = self.cash.checked_add(fill.cash_effect().unwrap()).unwrap();
        self.cash = self.cash.checked_sub(fee).unwrap();
        let held = self.held.entry(request.symbol.clone()).or_default();
        *held = match request.side {
            Side::Buy => held.checked_add(qty).unwrap(),
            Side::Sell => held.checked_sub(qty).expect("no more is sold than held"),
        };
        let filled = filled.checked_add(qty).unwrap();
        if filled == request.qty {
            self.working.remove(id);
        } else {
            self.working.insert(id.clone(), (request, filled));
        }
        self.telling.push(Event::Fill { fill: fill.clone(), fee });
        // Now and then it tells twice.
        if self.draw(6) == 0 {
            self.telling.push(Event::Fill { fill, fee });
        }
    }
}
