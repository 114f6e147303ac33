//! Positions with stops at a venue that fires them, loses them and is deaf: never two live exits
//! for a share, and protected once everything is settled.

use std::collections::{BTreeMap, VecDeque};

use atlas_core::{OrderType, Side, TimeInForce};
use atlas_risk::Effect;
use proptest::prelude::*;

use super::*;

fn symbol(number: usize) -> Symbol {
    format!("S{number}").parse().unwrap()
}

fn request(id: &str, symbol: &Symbol, side: Side, qty: u32, stop: bool) -> OrderRequest {
    let stop_price = "80".parse().unwrap();
    OrderRequest {
        client_order_id: format!("atlas-test-{id}-{symbol}").parse().unwrap(),
        symbol: symbol.clone(),
        side,
        qty: Qty::from_shares(qty),
        order_type: if stop { OrderType::Stop { stop_price } } else { OrderType::Market },
        time_in_force: TimeInForce::Day,
    }
}

/// What the venue does with a stop that is to be canceled.
#[derive(Debug, Clone, Copy)]
enum OnCancel {
    Obey,
    FireFirst,
    FireHalf,
    Deaf,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
struct Holding {
    held: u32,
    /// Shares its stop protects; `None` without one.
    stop: Option<u32>,
    on_cancel: OnCancel,
    /// The step at which the stop fires by itself.
    fires_at: Option<usize>,
    /// Shares to be sold, or to be bought on top.
    trade: Option<(Side, u32)>,
    fills: bool,
    /// Whether the venue takes a new stop.
    takes_stops: bool,
}

fn holding() -> impl Strategy<Value = Holding> {
    let on_cancel = prop_oneof![
        6 => Just(OnCancel::Obey),
        2 => Just(OnCancel::FireFirst),
        2 => Just(OnCancel::FireHalf),
        1 => Just(OnCancel::Deaf),
    ];
    let trade = proptest::option::of((any::<bool>(), 1_u32..60));
    let fires = proptest::option::weighted(0.3, 0_usize..30);
    let stop = proptest::option::weighted(0.8, any::<bool>());
    (1_u32..50, stop, on_cancel, fires, trade, any::<bool>(), prop::bool::weighted(0.9)).prop_map(
        |(held, stop, on_cancel, fires_at, trade, fills, takes_stops)| Holding {
            held,
            // Some stops of the past are for fewer shares than are held.
            stop: stop.map(|whole| if whole { held } else { held.div_ceil(2) }),
            on_cancel,
            fires_at,
            trade: trade.map(
                |(sell, qty)| {
                    if sell { (Side::Sell, qty.min(held)) } else { (Side::Buy, qty) }
                },
            ),
            fills,
            takes_stops,
        },
    )
}

#[derive(Debug, Clone)]
struct Live {
    request: OrderRequest,
    status: OrderStatus,
    filled: u32,
    role: Role,
}

/// What an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Leg,
    /// A stop of the past.
    Old,
    /// A stop the run has placed itself.
    New,
}

impl Live {
    fn guard(&self) -> bool {
        self.role != Role::Leg
    }
}

struct Venue {
    holdings: BTreeMap<Symbol, Holding>,
    held: BTreeMap<Symbol, u32>,
    orders: BTreeMap<ClientOrderId, Live>,
    placed: u32,
}

impl Venue {
    fn new(holdings: &[Holding]) -> (Self, Sequencer) {
        let mut venue = Self {
            holdings: BTreeMap::new(),
            held: BTreeMap::new(),
            orders: BTreeMap::new(),
            placed: 0,
        };
        let mut legs = Vec::new();
        for (number, holding) in holdings.iter().enumerate() {
            let symbol = symbol(number);
            if let Some(qty) = holding.stop {
                let request = request("old", &symbol, Side::Sell, qty, true);
                venue.add(request, Role::Old);
            }
            if let Some((side, qty)) = holding.trade {
                let effect = if side == Side::Sell { Effect::Reducing } else { Effect::Opening };
                legs.push(Leg {
                    request: request("leg", &symbol, side, qty, false),
                    effect,
                    decision_price: "100".parse().unwrap(),
                    signal_id: format!("1-test-{symbol}").parse().unwrap(),
                });
            }
            venue.held.insert(symbol.clone(), holding.held);
            venue.holdings.insert(symbol, holding.clone());
        }
        legs.sort_by_key(|leg| !leg.reduces());
        let wait = Duration::from_mins(1);
        let waits =
            Waits { reducing: wait, opening: wait, cancel: wait, minimum_position: Usd::ZERO };
        (venue, Sequencer::new(legs, waits).protecting())
    }

    fn add(&mut self, request: OrderRequest, role: Role) {
        let live = Live { status: OrderStatus::Accepted, filled: 0, role, request };
        assert!(self.orders.insert(live.request.client_order_id.clone(), live).is_none());
        self.check_exits();
    }

    /// The promise: no share is offered twice, and a stop never lives beside another order.
    fn check_exits(&self) {
        for (symbol, held) in &self.held {
            let live: Vec<&Live> = self
                .orders
                .values()
                .filter(|o| !o.status.is_terminal() && o.request.symbol == *symbol)
                .collect();
            let stops = live.iter().filter(|order| order.guard()).count();
            assert!(stops == 0 || live.len() == 1, "a stop of {symbol} beside others: {live:?}");
            let exits = live.iter().filter(|order| order.request.side == Side::Sell);
            let offered: u32 = exits.map(|order| leaves(order)).sum();
            assert!(offered <= *held, "{offered} of {held} {symbol} are on offer: {live:?}");
        }
    }

    fn news(&self, id: &ClientOrderId) -> Input {
        let order = &self.orders[id];
        let (qty, filled) = (order.request.qty, Qty::from_shares(order.filled));
        if order.guard() {
            let sold = if order.role == Role::New { Qty::ZERO } else { filled };
            let symbol = order.request.symbol.clone();
            let (id, status) = (id.clone(), order.status);
            return Input::Guard(GuardNews { id, symbol, qty, status, filled, sold });
        }
        Input::Order { id: id.clone(), qty, status: order.status, filled }
    }

    fn fill(&mut self, id: &ClientOrderId, shares: u32) {
        let order = self.orders.get_mut(id).unwrap();
        let held = self.held.get_mut(&order.request.symbol).unwrap();
        match order.request.side {
            Side::Buy => *held += shares,
            Side::Sell => *held = held.checked_sub(shares).expect("more is sold than is held"),
        }
        order.filled += shares;
        if leaves(order) == 0 {
            order.status = OrderStatus::Filled;
        }
    }

    fn fire(&mut self, step: usize) -> Vec<Input> {
        let due = |order: &&Live| {
            let at = self.holdings[&order.request.symbol].fires_at;
            order.guard() && !order.status.is_terminal() && at == Some(step)
        };
        let fired: Vec<ClientOrderId> = self
            .orders
            .values()
            .filter(due)
            .map(|order| order.request.client_order_id.clone())
            .collect();
        for id in &fired {
            let shares = leaves(&self.orders[id]);
            self.fill(id, shares);
        }
        fired.iter().map(|id| self.news(id)).collect()
    }

    fn act(&mut self, action: Action) -> Vec<Input> {
        match action {
            Action::Send(request) => {
                let (id, fills) =
                    (request.client_order_id.clone(), self.holdings[&request.symbol].fills);
                self.add(request, Role::Leg);
                if fills {
                    let shares = leaves(&self.orders[&id]);
                    self.fill(&id, shares);
                }
                vec![self.news(&id)]
            }
            Action::Protect(request) => {
                let id = request.client_order_id.clone();
                if !self.holdings[&request.symbol].takes_stops {
                    return vec![Input::Unguarded { id }];
                }
                self.add(request, Role::New);
                vec![self.news(&id)]
            }
            Action::Cancel(id) => self.cancel(&id),
            Action::AskAccount => {
                let prices =
                    self.held.keys().map(|symbol| (symbol.clone(), "100".parse().unwrap()));
                let prices = prices.collect();
                vec![Input::Funds(Funds { spendable: "1000000".parse().unwrap(), prices })]
            }
            Action::AskProtection => vec![Input::Protect(self.due())],
            Action::Finish(_) => vec![],
        }
    }

    fn cancel(&mut self, id: &ClientOrderId) -> Vec<Input> {
        let order = self.orders[id].clone();
        if order.status.is_terminal() {
            return vec![];
        }
        let left = leaves(&order);
        if order.guard() {
            match self.holdings[&order.request.symbol].on_cancel {
                OnCancel::Deaf => return vec![],
                OnCancel::FireFirst => self.fill(id, left),
                OnCancel::FireHalf => self.fill(id, left / 2),
                OnCancel::Obey => {}
            }
        }
        let order = self.orders.get_mut(id).unwrap();
        if !order.status.is_terminal() {
            order.status = OrderStatus::Canceled;
        }
        vec![self.news(id)]
    }

    /// What is to be protected: every share that is held.
    fn due(&mut self) -> Vec<OrderRequest> {
        let mut due = Vec::new();
        for (symbol, held) in self.held.clone() {
            let live: Vec<&Live> = self.stops(&symbol).collect();
            match live.as_slice() {
                [one] if leaves(one) == held => {
                    due.push(OrderRequest { qty: Qty::from_shares(held), ..one.request.clone() });
                }
                _ if held > 0 => {
                    self.placed += 1;
                    let name = format!("new{}", self.placed);
                    due.push(request(&name, &symbol, Side::Sell, held, true));
                }
                _ => {}
            }
        }
        due
    }

    fn stops(&self, symbol: &Symbol) -> impl Iterator<Item = &Live> {
        let live = self.orders.values().filter(|o| o.guard() && !o.status.is_terminal());
        live.filter(move |order| order.request.symbol == *symbol)
    }
}

fn leaves(order: &Live) -> u32 {
    u32::try_from(order.request.qty.value()).unwrap() - order.filled
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn never_two_live_exits_and_protected_once_settled(
        holdings in proptest::collection::vec(holding(), 1..5),
        pause in proptest::option::weighted(0.15, 0_usize..25),
        entries in proptest::option::weighted(0.15, 0_usize..25),
    ) {
        let (mut venue, mut sequencer) = Venue::new(&holdings);
        let mut news: VecDeque<Input> = venue.orders.keys().map(|id| venue.news(id)).collect();
        news.push_back(Input::Begin);
        let mut finish = None;
        for step in 0..600 {
            news.extend(venue.fire(step));
            let reason = "a test".to_owned();
            if pause == Some(step) {
                news.push_back(Input::Stop(Stop::Pause { reason: reason.clone() }));
            }
            if entries == Some(step) {
                let outcome = SignalOutcome::RejectedByLimit;
                news.push_back(Input::Stop(Stop::Entries { outcome, reason }));
            }
            let open_time = Duration::from_secs(5 * u64::try_from(step).unwrap());
            let input = news.pop_front().unwrap_or(Input::Tick { open_time, session_over: false });
            for action in sequencer.step(input).unwrap() {
                if let Action::Finish(end) = action {
                    finish = Some(end);
                } else {
                    news.extend(venue.act(action));
                }
            }
            if finish.is_some() {
                break;
            }
        }
        let finish = finish.expect("it never finished");
        let deaf = holdings.iter().any(|holding| matches!(holding.on_cancel, OnCancel::Deaf));
        if pause.is_none() && !deaf {
            prop_assert_eq!(&finish, &Finish::Complete);
        }
        if pause.is_none() && finish == Finish::Complete {
            // News that were still on their way are of stops that have fired: less is held.
            for (symbol, held) in &venue.held {
                let whole: u32 = venue.stops(symbol).map(leaves).sum();
                let expected = if venue.holdings[symbol].takes_stops { *held } else { whole };
                prop_assert_eq!(whole, expected, "{} of {} is protected", symbol, held);
            }
        }
        if finish == Finish::Complete {
            for (leg, end) in sequencer.ends() {
                prop_assert!(end.is_some(), "{:?} has no end", leg);
            }
        }
    }
}

#[test]
fn a_stop_gives_way_before_the_sale_and_what_it_sold_is_not_sold_again() {
    let holding = Holding {
        held: 10,
        stop: Some(10),
        on_cancel: OnCancel::FireHalf,
        fires_at: None,
        trade: Some((Side::Sell, 10)),
        fills: true,
        takes_stops: true,
    };
    let (mut venue, mut sequencer) = Venue::new(&[holding]);
    let old: ClientOrderId = "atlas-test-old-S0".parse().unwrap();
    assert_eq!(sequencer.step(venue.news(&old)).unwrap(), []);
    assert_eq!(sequencer.step(Input::Begin).unwrap(), [Action::Cancel(old.clone())]);
    let news = venue.cancel(&old).remove(0);
    let rest = OrderRequest {
        qty: Qty::from_shares(5),
        ..request("leg", &symbol(0), Side::Sell, 10, false)
    };
    assert_eq!(sequencer.step(news).unwrap(), [Action::Send(rest.clone())]);
    let news = venue.act(Action::Send(rest)).remove(0);
    assert_eq!(sequencer.step(news).unwrap(), [Action::AskProtection]);
    assert_eq!(sequencer.step(Input::Protect(vec![])).unwrap(), [Action::Finish(Finish::Complete)]);
    let (_, end) = sequencer.ends().next().unwrap();
    assert_eq!(end.unwrap().outcome, SignalOutcome::PartiallyExecuted);
}
