//! A long life of an account, for measuring how fast it is remembered.

use std::collections::BTreeMap;

use atlas_broker::ActivityId;
use atlas_core::journal::Hash;
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{
    Account, ClientOrderId, DecisionId, ExecutionId, Fill, OrderEvent, OrderRequest, OrderType,
    Qty, Side, SignalId, SignalOutcome, TimeInForce, VenueOrderId,
};
use atlas_risk::Effect;
use chrono::Days;

use atlas_exec::event::{
    AccountOpened, DecisionCompleted, DecisionPlanned, Event, ExecutionStarted, Filled, FundsAsked,
    Kept, OrderIntent, OrderUpdate, PlannedEnd, Reconciled, SignalEnded,
};
use atlas_exec::journal::{Draft, Journal};
use atlas_exec::sequencer::Leg;

fn account() -> Account {
    Account {
        account_number: "PA1".into(),
        cash: "100000".parse().unwrap(),
        equity: "100000".parse().unwrap(),
        buying_power: "100000".parse().unwrap(),
        trading_blocked: false,
    }
}

fn leg(decision: u64, side: Side, number: u64) -> Leg {
    let symbol = format!("S{number}");
    Leg {
        request: OrderRequest {
            client_order_id: ClientOrderId::for_leg(
                &"long".parse().unwrap(),
                DecisionId(decision),
                side,
                &symbol.parse().unwrap(),
                0,
            )
            .unwrap(),
            symbol: symbol.parse().unwrap(),
            side,
            qty: Qty::from_shares(10),
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
        },
        effect: if side == Side::Sell { Effect::Reducing } else { Effect::Opening },
        decision_price: "123.45".parse().unwrap(),
        signal_id: SignalId::new(&format!("{decision}-momentum-{symbol}")).unwrap(),
    }
}

/// Everything one decision leaves in a journal: odd ones buy, even ones sell it all again.
fn life(decision: u64, now: Timestamp) -> Vec<Event> {
    let side = if decision % 2 == 1 { Side::Buy } else { Side::Sell };
    let legs: Vec<Leg> = (0..4).map(|number| leg(decision, side, number)).collect();
    let planned = DecisionPlanned {
        decision_id: DecisionId(decision),
        as_of: now.date_naive(),
        execute_on: now.date_naive(),
        mode: Mode::Paper,
        plan_hash: Hash::of(&decision.to_be_bytes()),
        inputs: [("bars".to_owned(), Hash::of(b"bars"))].into(),
        signals: legs
            .iter()
            .map(|leg| PlannedEnd {
                id: leg.signal_id.clone(),
                outcome: None,
                reason: "among the best five by distance to the 52-week high".into(),
            })
            .collect(),
        legs: legs.clone(),
        kept: Kept::default(),
    };
    let mut events = vec![
        Event::DecisionPlanned(Box::new(planned)),
        Event::ExecutionStarted(ExecutionStarted { account: account(), gates: None }),
        Event::FundsAsked(FundsAsked {
            spendable: "100000".parse().unwrap(),
            prices: BTreeMap::new(),
            sizes: BTreeMap::new(),
        }),
    ];
    for (number, leg) in legs.iter().enumerate() {
        events.extend(order_life(decision, number, leg, now));
    }
    events.extend(legs.iter().map(|leg| {
        Event::SignalEnded(SignalEnded {
            id: leg.signal_id.clone(),
            outcome: SignalOutcome::Executed,
            reason: "all 10 shares filled".into(),
        })
    }));
    events.push(Event::DecisionCompleted(DecisionCompleted { summary: "executed".into() }));
    events.push(Event::Reconciled(Box::new(Reconciled {
        account: account(),
        positions: BTreeMap::new(),
        discrepancies: Vec::new(),
    })));
    events
}

fn order_life(decision: u64, number: usize, leg: &Leg, now: Timestamp) -> [Event; 4] {
    let client_order_id = leg.id().clone();
    let venue_order_id =
        VenueOrderId::new(&format!("61e69015-8549-4bfd-b9c3-{decision:010}{number:02}")).unwrap();
    let update = |update| {
        Event::OrderUpdate(OrderUpdate { client_order_id: client_order_id.clone(), update })
    };
    let price = Some("123.50".parse().unwrap());
    [
        Event::OrderIntent(OrderIntent {
            request: leg.request.clone(),
            bid: price,
            ask: price,
            conditions: None,
        }),
        update(OrderEvent::Submitted),
        update(OrderEvent::Accepted { venue_order_id: venue_order_id.clone() }),
        Event::Filled(Filled {
            activity: Some(ActivityId(format!("{decision:08}{number:02}::fill"))),
            fill: Fill {
                execution_id: ExecutionId::new(&format!("e{decision}-{number}")).unwrap(),
                client_order_id: client_order_id.clone(),
                venue_order_id,
                symbol: leg.request.symbol.clone(),
                side: leg.request.side,
                qty: leg.request.qty,
                price: "123.51".parse().unwrap(),
                ts_event: now,
            },
        }),
    ]
}

/// Lets a journal live through decisions until it has at least `count` records.
pub(crate) fn live(journal: &mut Journal, count: u64) {
    let mut now: Timestamp = "1995-01-03T14:35:00Z".parse().unwrap();
    let opened = AccountOpened {
        account_number: "PA1".into(),
        cash: "100000".parse().unwrap(),
        positions: BTreeMap::new(),
        bookmark: None,
    };
    let event = Event::AccountOpened(opened);
    journal.append(now, vec![Draft { ts_event: now, decision_id: None, event }]).unwrap();
    let mut decision = 0;
    while journal.state().seq() < count {
        decision += 1;
        now = now + Days::new(1);
        let draft = |event| Draft { ts_event: now, decision_id: Some(DecisionId(decision)), event };
        journal.append(now, life(decision, now).into_iter().map(draft).collect()).unwrap();
    }
}
