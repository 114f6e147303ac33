//! Random venues against the sequencer: whatever they do, its promises hold.

use std::collections::{BTreeMap, VecDeque};

use atlas_core::{OrderType, Side, SignalOutcome, TimeInForce};
use atlas_risk::Effect;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

fn leg(side: Side, number: usize, qty: u32, cents: i64) -> Leg {
    let symbol: Symbol =
        format!("{}{number}", if side == Side::Sell { 'S' } else { 'B' }).parse().unwrap();
    Leg {
        request: OrderRequest {
            client_order_id: format!("atlas-test-1-{side}-{symbol}-0").parse().unwrap(),
            symbol: symbol.clone(),
            side,
            qty: Qty::from_shares(qty),
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
        },
        effect: if side == Side::Sell { Effect::Reducing } else { Effect::Opening },
        decision_price: Price::new(Decimal::new(cents, 2)).unwrap(),
        signal_id: format!("1-test-{symbol}").parse().unwrap(),
    }
}

fn waits() -> Waits {
    Waits {
        reducing: Duration::from_mins(5),
        opening: Duration::from_mins(5),
        cancel: Duration::from_mins(1),
        minimum_position: "500".parse().unwrap(),
    }
}

/// What the venue does with an order it is sent, or with one it is asked to cancel.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Fill,
    Partial,
    Hang,
    Reject,
    Deny,
    Lose,
    /// Fills in part, and the rest while it is being canceled.
    FillOnCancel,
    /// Never confirms a cancel.
    Deaf,
}

fn fate() -> impl Strategy<Value = Fate> + Clone {
    prop_oneof![
        5 => Just(Fate::Fill),
        3 => Just(Fate::Partial),
        2 => Just(Fate::Hang),
        1 => Just(Fate::Reject),
        1 => Just(Fate::Deny),
        1 => Just(Fate::FillOnCancel),
    ]
}

fn harsh_fate() -> impl Strategy<Value = Fate> + Clone {
    prop_oneof![8 => fate(), 1 => Just(Fate::Lose), 1 => Just(Fate::Deaf)]
}

#[derive(Debug, Clone)]
struct Script {
    sells: Vec<(u32, i64, Fate)>,
    buys: Vec<(u32, i64, Fate)>,
    spendable: i64,
    /// A step at which sending stops, and how.
    stop: Option<(usize, u8)>,
}

fn script(fates: impl Strategy<Value = Fate> + Clone) -> impl Strategy<Value = Script> {
    let legs =
        move || proptest::collection::vec((1_u32..500, 100_i64..50_000, fates.clone()), 0..6);
    let stop = proptest::option::weighted(0.3, (0_usize..40, 0_u8..3));
    (legs(), legs(), 0_i64..20_000_000, stop).prop_map(|(sells, buys, spendable, stop)| Script {
        sells,
        buys,
        spendable,
        stop,
    })
}

/// Plays a script and checks the promises on the way; gives the sequencer and how it finished.
struct Play {
    sequencer: Sequencer,
    fates: BTreeMap<ClientOrderId, Fate>,
    prices: BTreeMap<Symbol, Price>,
    sent: BTreeMap<ClientOrderId, Qty>,
    state: BTreeMap<ClientOrderId, (OrderStatus, Qty)>,
    /// How often the account was asked.
    asked: u32,
    spent: Usd,
    spendable: Usd,
    stopped: bool,
}

impl Play {
    fn new(script: &Script) -> Self {
        let (mut legs, mut fates, mut prices) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for (side, list) in [(Side::Sell, &script.sells), (Side::Buy, &script.buys)] {
            for (number, (qty, cents, fate)) in list.iter().enumerate() {
                let leg = leg(side, number, *qty, *cents);
                fates.insert(leg.id().clone(), *fate);
                prices.insert(leg.request.symbol.clone(), leg.decision_price);
                legs.push(leg);
            }
        }
        Self {
            sequencer: Sequencer::new(legs, waits()),
            fates,
            prices,
            sent: BTreeMap::new(),
            state: BTreeMap::new(),
            asked: 0,
            spent: Usd::ZERO,
            spendable: Usd::new(Decimal::new(script.spendable, 2)).unwrap(),
            stopped: false,
        }
    }

    fn run(&mut self, script: &Script) -> Finish {
        let mut news = VecDeque::from([Input::Begin]);
        for step in 0..400 {
            if script.stop.is_some_and(|(at, _)| at == step) {
                let kind = script.stop.map_or(0, |(_, kind)| kind);
                let reason = "a test".to_owned();
                self.stopped = kind > 0;
                news.push_back(Input::Stop(match kind {
                    0 => Stop::Entries { outcome: SignalOutcome::RejectedByLimit, reason },
                    1 => Stop::Pause { reason },
                    _ => Stop::Halt { reason },
                }));
            }
            let open_time = Duration::from_secs(10 * u64::try_from(step).unwrap());
            let input = news.pop_front().unwrap_or(Input::Tick { open_time, session_over: false });
            for action in self.sequencer.step(input).unwrap() {
                if let Action::Finish(finish) = action {
                    return finish;
                }
                news.extend(self.act(action));
            }
        }
        panic!("it never finished: {:?}", self.sequencer);
    }

    fn act(&mut self, action: Action) -> Vec<Input> {
        match action {
            Action::Send(request) => self.on_send(&request),
            Action::Cancel(id) => self.on_cancel(id),
            Action::AskAccount => {
                self.asked += 1;
                vec![Input::Funds(Funds { spendable: self.spendable, prices: self.prices.clone() })]
            }
            Action::Finish(_) | Action::AskProtection | Action::Protect(_) => vec![],
        }
    }

    fn on_send(&mut self, request: &OrderRequest) -> Vec<Input> {
        let id = request.client_order_id.clone();
        assert!(!self.stopped || !self.sequencer.is_done(), "sent after a stop");
        assert!(self.sent.insert(id.clone(), request.qty).is_none(), "{id} was sent twice");
        if request.side == Side::Buy {
            assert!(self.asked > 0, "a buy went out before the account was asked");
            let sells = self.state.iter().filter(|(id, _)| id.as_str().contains("sell"));
            for (id, (status, _)) in sells {
                assert!(status.is_terminal(), "a buy went out while {id} is {status:?}");
            }
            let price = self.prices[&request.symbol];
            let cost = price.notional(request.qty).unwrap();
            self.spent = self.spent.checked_add(cost).unwrap();
            assert!(self.spent <= self.spendable, "{} of {}", self.spent, self.spendable);
        }
        let (status, filled) = match self.fates[&id] {
            Fate::Deny => {
                let (outcome, reason) = (SignalOutcome::RejectedByHeat, "no".to_owned());
                self.state.insert(id.clone(), (OrderStatus::Denied, Qty::ZERO));
                return vec![Input::Dropped { id, outcome, reason }];
            }
            Fate::Lose => {
                self.state.insert(id.clone(), (OrderStatus::Submitted, Qty::ZERO));
                return vec![Input::Lost { id }];
            }
            Fate::Fill => (OrderStatus::Filled, request.qty),
            Fate::Reject => (OrderStatus::Rejected, Qty::ZERO),
            Fate::Partial | Fate::FillOnCancel if request.qty > Qty::from_shares(1) => {
                (OrderStatus::PartiallyFilled, Qty::from_shares(1))
            }
            Fate::Hang | Fate::Deaf | Fate::Partial | Fate::FillOnCancel => {
                (OrderStatus::Accepted, Qty::ZERO)
            }
        };
        self.report(id, status, filled)
    }

    fn on_cancel(&mut self, id: ClientOrderId) -> Vec<Input> {
        let (status, filled) = self.state[&id];
        assert!(!status.is_terminal(), "{id} was canceled after its end");
        match self.fates[&id] {
            Fate::Deaf => vec![],
            Fate::FillOnCancel => {
                let qty = self.sent[&id];
                self.report(id, OrderStatus::Filled, qty)
            }
            Fate::Fill | Fate::Partial | Fate::Hang | Fate::Reject | Fate::Deny | Fate::Lose => {
                self.report(id, OrderStatus::Canceled, filled)
            }
        }
    }

    fn report(&mut self, id: ClientOrderId, status: OrderStatus, filled: Qty) -> Vec<Input> {
        self.state.insert(id.clone(), (status, filled));
        let qty = self.sent[&id];
        vec![Input::Order { id, qty, status, filled }]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn sells_first_within_the_money_and_every_signal_ends(script in script(fate())) {
        let mut play = Play::new(&script);
        let finish = play.run(&script);
        let ends: Vec<_> = play.sequencer.ends().collect();
        if !play.stopped {
            prop_assert_eq!(&finish, &Finish::Complete);
        }
        if finish == Finish::Complete {
            for (leg, end) in &ends {
                let end = end.as_ref().unwrap();
                let filled = play.state.get(leg.id()).map_or(Qty::ZERO, |(_, filled)| *filled);
                let executed = end.outcome == SignalOutcome::Executed;
                prop_assert_eq!(executed, filled == leg.request.qty, "{:?}", end);
                let partial = end.outcome == SignalOutcome::PartiallyExecuted;
                let some = !filled.is_zero() && filled < leg.request.qty;
                prop_assert_eq!(partial, some, "{:?}", end);
            }
        }
        for (leg, _) in &ends {
            if let Some(qty) = play.sent.get(leg.id()) {
                prop_assert!(*qty <= leg.request.qty);
            }
        }
    }

    #[test]
    fn what_is_lost_or_deaf_stops_everything_new(script in script(harsh_fate())) {
        let mut play = Play::new(&script);
        let finish = play.run(&script);
        let open = play.state.values().any(|(status, _)| !status.is_terminal());
        if finish == Finish::Complete {
            prop_assert!(!open);
            prop_assert!(play.sequencer.ends().all(|(_, end)| end.is_some()));
        }
        if let Finish::Stopped { unresolved, .. } = finish {
            prop_assert_eq!(unresolved, open);
        }
    }
}

#[test]
fn a_restart_goes_on_where_the_journal_ends() {
    let legs = vec![leg(Side::Sell, 0, 10, 10_000), leg(Side::Buy, 0, 10, 10_000)];
    let (sell, buy) = (legs[0].id().clone(), legs[1].clone());
    let mut sequencer = Sequencer::new(legs, waits());
    let filled = Qty::from_shares(10);
    let news = Input::Order { id: sell, qty: filled, status: OrderStatus::Filled, filled };
    assert_eq!(sequencer.step(news).unwrap(), []);
    assert_eq!(sequencer.step(Input::Begin).unwrap(), [Action::AskAccount]);
    let funds = Funds {
        spendable: "500".parse().unwrap(),
        prices: [(buy.request.symbol.clone(), "100".parse().unwrap())].into(),
    };
    let smaller = OrderRequest { qty: Qty::from_shares(5), ..buy.request };
    assert_eq!(sequencer.step(Input::Funds(funds)).unwrap(), [Action::Send(smaller)]);
}

#[test]
fn a_missing_price_drops_the_buy() {
    let mut sequencer = Sequencer::new(vec![leg(Side::Buy, 0, 10, 10_000)], waits());
    assert_eq!(sequencer.step(Input::Begin).unwrap(), [Action::AskAccount]);
    let funds = Funds { spendable: "5000".parse().unwrap(), prices: BTreeMap::new() };
    let done = sequencer.step(Input::Funds(funds)).unwrap();
    assert_eq!(done, [Action::Finish(Finish::Complete)]);
    let (_, end) = sequencer.ends().next().unwrap();
    assert_eq!(end.unwrap().outcome, SignalOutcome::RejectedByStaleData);
}

#[test]
fn an_overfill_is_a_breach() {
    let sell = leg(Side::Sell, 0, 10, 10_000);
    let id = sell.id().clone();
    let mut sequencer = Sequencer::new(vec![sell], waits());
    sequencer.step(Input::Begin).unwrap();
    let (qty, filled) = (Qty::from_shares(10), Qty::from_shares(11));
    let news = Input::Order { id, qty, status: OrderStatus::PartiallyFilled, filled };
    assert!(matches!(sequencer.step(news), Err(Breach::Overfilled { .. })));
}

#[test]
fn conservation_sees_every_way_to_send_too_much() {
    let legs = [leg(Side::Sell, 0, 10, 10_000), leg(Side::Buy, 0, 10, 10_000)];
    let sell = legs[0].request.clone();
    let check =
        |request: &OrderRequest, sent: &BTreeMap<&ClientOrderId, &atlas_core::Order>, free| {
            let ceilings =
                Ceilings { order_notional: Some("1000".parse().unwrap()), plan_notional: None };
            Conservation {
                legs: &legs,
                sent,
                free: Qty::from_shares(free),
                stopped_out: Qty::ZERO,
                ceilings,
            }
            .check(request)
        };
    let none = BTreeMap::new();
    assert_eq!(check(&sell, &none, 10), Ok(()));
    let order = atlas_core::Order::new(sell.clone());
    let one = BTreeMap::from([(&sell.client_order_id, &order)]);
    assert!(matches!(check(&sell, &one, 10), Err(Breach::SentBefore { .. })));
    assert!(matches!(check(&sell, &none, 9), Err(Breach::SellsUnowned { .. })));
    let strange = atlas_core::Order::new(leg(Side::Buy, 7, 10, 10_000).request);
    let strangers = BTreeMap::from([(&strange.request().client_order_id, &strange)]);
    assert!(matches!(check(&sell, &strangers, 10), Err(Breach::NotPlanned { .. })));
    let change = |edit: fn(&mut OrderRequest)| {
        let mut request = legs[1].request.clone();
        edit(&mut request);
        check(&request, &none, 10)
    };
    assert_eq!(change(|_| {}), Ok(()));
    assert_eq!(change(|request| request.qty = Qty::from_shares(3)), Ok(()));
    for edit in [
        (|request: &mut OrderRequest| request.qty = Qty::from_shares(11)) as fn(&mut OrderRequest),
        |request| request.qty = Qty::ZERO,
        |request| request.symbol = "S0".parse().unwrap(),
        |request| request.side = Side::Sell,
        |request| request.time_in_force = TimeInForce::Gtc,
    ] {
        assert!(matches!(change(edit), Err(Breach::NotItsLeg { .. })));
    }
    let stranger = "atlas-test-2-buy-B0-0".parse().unwrap();
    let unknown = OrderRequest { client_order_id: stranger, ..legs[1].request.clone() };
    assert!(matches!(check(&unknown, &none, 10), Err(Breach::NotPlanned { .. })));
}

#[test]
fn conservation_sees_an_order_that_costs_too_much() {
    let dear = [leg(Side::Buy, 1, 10, 10_001)];
    let ceilings = Ceilings { order_notional: Some("1000".parse().unwrap()), plan_notional: None };
    let conservation = Conservation {
        legs: &dear,
        sent: &BTreeMap::new(),
        free: Qty::ZERO,
        stopped_out: Qty::ZERO,
        ceilings,
    };
    assert!(matches!(conservation.check(&dear[0].request), Err(Breach::Notional { .. })));
}

#[test]
fn the_ceiling_of_an_order_never_traps_an_exit() {
    let exit = [leg(Side::Sell, 1, 10, 10_001)];
    let conservation = Conservation {
        legs: &exit,
        sent: &BTreeMap::new(),
        free: Qty::from_shares(10),
        stopped_out: Qty::ZERO,
        ceilings: Ceilings { order_notional: Some("1000".parse().unwrap()), plan_notional: None },
    };
    assert_eq!(conservation.check(&exit[0].request), Ok(()));
}

#[test]
fn the_ceiling_of_a_plan_counts_its_buys_alone() {
    let legs = [
        leg(Side::Sell, 0, 10, 90_000),
        leg(Side::Buy, 0, 10, 10_000),
        leg(Side::Buy, 1, 10, 10_001),
    ];
    let orders: Vec<_> =
        legs.iter().map(|leg| atlas_core::Order::new(leg.request.clone())).collect();
    let check = |index: usize, most: &str| {
        let sent = orders[..index].iter();
        let sent = sent.map(|order| (&order.request().client_order_id, order)).collect();
        let ceilings = Ceilings { order_notional: None, plan_notional: most.parse().ok() };
        let (free, stopped_out) = (Qty::from_shares(10), Qty::ZERO);
        Conservation { legs: &legs, sent: &sent, free, stopped_out, ceilings }
            .check(&legs[index].request)
    };
    assert_eq!(check(0, "1"), Ok(()), "an exit is not trapped");
    assert_eq!(check(1, "1000"), Ok(()));
    assert_eq!(check(2, "2000.1"), Ok(()));
    assert!(matches!(check(2, "2000.09"), Err(Breach::Notional { what: "the plan's buys", .. })));
}

#[test]
fn a_protective_order_is_what_was_intended_once_and_of_free_shares() {
    let intended = leg(Side::Sell, 0, 10, 10_000).request;
    let (free, few) = (Qty::from_shares(10), Qty::from_shares(9));
    assert_eq!(check_guard(&intended, &intended, false, free), Ok(()));
    let more = OrderRequest { qty: Qty::from_shares(11), ..intended.clone() };
    let found = check_guard(&more, &intended, false, free);
    assert!(matches!(found, Err(Breach::NotItsLeg { .. })));
    let found = check_guard(&intended, &intended, true, free);
    assert!(matches!(found, Err(Breach::SentBefore { .. })));
    let found = check_guard(&intended, &intended, false, few);
    assert!(matches!(found, Err(Breach::SellsUnowned { .. })));
    let buy = leg(Side::Buy, 0, 10, 10_000).request;
    assert!(matches!(check_guard(&buy, &buy, false, free), Err(Breach::NotItsLeg { .. })));
}
