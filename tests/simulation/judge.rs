//! What must be true after every day, computed a second time and as simply as possible.

use std::collections::{BTreeMap, BTreeSet};

use atlas_broker::Entry;
use atlas_core::journal::{Hash, Record};
use atlas_core::{Qty, Side, SignalOutcome, Symbol, Usd};
use atlas_exec::sequencer::Leg;
use atlas_exec::{Session, State, TradingState};
use atlas_venue::core::Shares;

use crate::lossy::Lossy;

/// What was there to be judged.
pub(crate) struct Judged {
    pub(crate) orders: u64,
    pub(crate) fills: u64,
    pub(crate) partials: u64,
}

/// The account's state as the records say it, read without the fold.
pub(crate) fn state_on_record(records: &[Record]) -> TradingState {
    let mut causes = BTreeSet::new();
    for record in records {
        let named = |cause: &str| record.payload.contains(&format!("\"cause\":\"{cause}\""));
        for cause in CAUSES.into_iter().filter(|(cause, _)| named(cause)) {
            match record.kind.as_str() {
                "state_entered" => causes.insert(cause),
                "state_left" => causes.remove(&cause),
                _ => false,
            };
        }
    }
    causes.into_iter().map(|(_, state)| state).max().unwrap_or(TradingState::Active)
}

/// The causes that can occur here, with the states the design page has for them.
const CAUSES: [(&str, TradingState); 6] = [
    ("mismatch", TradingState::Paused),
    ("stale_data", TradingState::Paused),
    ("unknown_order", TradingState::Paused),
    ("conservation_breach", TradingState::Halted),
    ("journal_fault", TradingState::Halted),
    ("kill", TradingState::Halted),
];

/// Judges everything.
///
/// # Errors
/// The first promise that was broken.
pub(crate) fn judge(session: &Session, records: &[Record], wire: &Lossy) -> Result<Judged, String> {
    chain(session, records)?;
    sizes(records)?;
    books(session, wire)?;
    arrivals(session, wire)?;
    signals(session, wire)
}

/// The chain is whole, and the state is what the records amount to.
fn chain(session: &Session, records: &[Record]) -> Result<(), String> {
    let mut state = State::new();
    let mut last = Hash::ZERO;
    for (number, record) in (1..).zip(records) {
        if record.seq != number || record.prev_hash != last {
            return Err(format!("record {number} does not continue the chain"));
        }
        last = record.hash();
        state.apply(record).map_err(|error| error.to_string())?;
    }
    if state != *session.state() {
        return Err("the state is not what the records amount to".to_owned());
    }
    Ok(())
}

/// What a buy was fitted to never grows again, however often the account is asked.
fn sizes(records: &[Record]) -> Result<(), String> {
    let mut fitted: BTreeMap<String, Qty> = BTreeMap::new();
    for record in records.iter().filter(|record| record.kind == "funds_asked") {
        let payload: serde_json::Value =
            serde_json::from_str(&record.payload).map_err(|error| error.to_string())?;
        let sizes: BTreeMap<String, Qty> =
            serde_json::from_value(payload["sizes"].clone()).map_err(|error| error.to_string())?;
        for (id, qty) in sizes {
            if fitted.get(&id).is_some_and(|before| *before < qty) {
                return Err(format!("{id} was fitted to {} and then to {qty}", fitted[&id]));
            }
            fitted.insert(id, qty);
        }
    }
    Ok(())
}

/// Our books, the venue's, and a naive ledger over every entry agree to the cent and share.
fn books(session: &Session, wire: &Lossy) -> Result<(), String> {
    wire.pull();
    let (account, positions) = wire.truth();
    let mut cash = Usd::ZERO;
    let mut shares: BTreeMap<Symbol, rust_decimal::Decimal> = BTreeMap::new();
    // What Atlas has bought and not sold: shares of others are never sold.
    let mut atlas: BTreeMap<Symbol, rust_decimal::Decimal> = BTreeMap::new();
    for activity in &wire.wire().ledger {
        let moved = match &activity.entry {
            Entry::Cash(entry) => entry.net_amount,
            Entry::Fill(fill) => {
                let moved = match fill.side {
                    Side::Buy => fill.qty.value(),
                    Side::Sell => -fill.qty.value(),
                };
                *shares.entry(fill.symbol.clone()).or_default() += moved;
                if fill.client_order_id.is_ours() {
                    let own = atlas.entry(fill.symbol.clone()).or_default();
                    *own += moved;
                    if own.is_sign_negative() {
                        return Err(format!("{} sold shares of others", fill.client_order_id));
                    }
                }
                fill.cash_effect().map_err(|error| error.to_string())?
            }
            other => return Err(format!("an entry nobody here knows: {other:?}")),
        };
        cash = cash.checked_add(moved).map_err(|error| error.to_string())?;
    }
    shares.retain(|_, held| !held.is_zero());
    let ours: BTreeMap<Symbol, rust_decimal::Decimal> = session
        .state()
        .books()
        .lots()
        .iter()
        .map(|(symbol, lot)| (symbol.clone(), lot.owned.value() + lot.unmanaged.value()))
        .collect();
    let venue: BTreeMap<Symbol, rust_decimal::Decimal> =
        positions.into_iter().map(|(symbol, p)| (symbol, p.qty.value())).collect();
    if (cash, &shares) != (account.cash, &venue) {
        return Err(format!("naive {cash} {shares:?}, venue {} {venue:?}", account.cash));
    }
    if (session.state().books().cash(), &ours) != (cash, &shares) {
        let books = session.state().books().cash();
        return Err(format!("journal {books} {ours:?}, naive {cash} {shares:?}"));
    }
    Ok(())
}

/// One order a leg, none that is no leg, none while sending was forbidden, sells before buys.
fn arrivals(session: &Session, wire: &Lossy) -> Result<(), String> {
    let wire = wire.wire();
    let mut seen = BTreeSet::new();
    let legs: BTreeSet<_> = session
        .state()
        .decisions()
        .values()
        .flat_map(|decision| decision.planned.legs.iter().map(Leg::id))
        .collect();
    for arrival in &wire.arrivals {
        let id = &arrival.id;
        if !seen.insert(id) {
            return Err(format!("order {id} arrived twice"));
        }
        if !legs.contains(id) {
            return Err(format!("order {id} is no leg of any plan"));
        }
        if arrival.forbidden {
            return Err(format!("order {id} was sent while the account was PAUSED"));
        }
        if arrival.side == Side::Buy && !(arrival.open_sells.is_empty() && arrival.asked) {
            return Err(format!("buy {id} went out before {:?} had ended", arrival.open_sells));
        }
    }
    if let Some(id) = wire.sent_in_doubt.first() {
        return Err(format!("{id} was sent again before anybody asked what had become of it"));
    }
    if let Some(sums) = wire.old_money.first() {
        return Err(format!("buys were fitted to {sums}"));
    }
    if let Some(id) = wire.unpaid.first() {
        return Err(format!("{id} was refused for want of money, which could have been known"));
    }
    if wire.is_late() {
        return Err("an order is still under way though the day has settled".to_owned());
    }
    Ok(())
}

/// Every signal of every decision has one end, and it is the one its order had at the venue.
fn signals(session: &Session, wire: &Lossy) -> Result<Judged, String> {
    let mut judged = Judged { orders: 0, fills: 0, partials: 0 };
    for decision in session.state().decisions().values() {
        let id = decision.planned.decision_id;
        if decision.is_pending() {
            return Err(format!("decision {id} is still pending"));
        }
        for signal in session.signal_reports(id).map_err(|error| error.to_string())? {
            if signal.outcome.is_none() || signal.reason.is_empty() {
                return Err(format!("signal {} has no end or no reason", signal.id));
            }
        }
        for leg in &decision.planned.legs {
            let record = wire.venue().inspect(|exchange| {
                exchange.order_by_client_id(leg.id().as_str()).map(|order| {
                    (
                        order.filled.to_qty(),
                        order.qty().map(Shares::to_qty),
                        order.status.to_core().is_open(),
                    )
                })
            });
            let (filled, asked) = match record {
                None => (Qty::ZERO, Qty::ZERO),
                Some((Ok(filled), Some(Ok(asked)), false)) => (filled, asked),
                Some(odd) => return Err(format!("order {}: {odd:?}", leg.id())),
            };
            judged.orders += u64::from(!asked.is_zero());
            judged.fills += u64::from(!filled.is_zero());
            if asked > leg.request.qty || filled > asked {
                return Err(format!("{}: {filled} of {asked} of {}", leg.id(), leg.request.qty));
            }
            let end = decision.ends.get(&leg.signal_id).ok_or("a leg without an end")?;
            let some = !filled.is_zero() && filled < leg.request.qty;
            judged.partials += u64::from(some);
            let executed = end.outcome == SignalOutcome::Executed;
            let partially = end.outcome == SignalOutcome::PartiallyExecuted;
            if executed != (filled == leg.request.qty) || partially != some {
                return Err(format!("{}: {filled} filled, and it ended {end:?}", leg.id()));
            }
        }
    }
    Ok(judged)
}
