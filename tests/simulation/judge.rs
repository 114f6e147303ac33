//! What must be true after every day, computed a second time and as simply as possible.

use std::collections::{BTreeMap, BTreeSet};

use atlas_broker::{Entry, SharesKind};
use atlas_core::journal::{Hash, Record};
use atlas_core::{Qty, Side, SignalOutcome, Symbol, Usd};
use atlas_exec::sequencer::Leg;
use atlas_exec::{Session, State};
use atlas_venue::core::Shares;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::lossy::Lossy;
use crate::story::Story;
use crate::wire::is_guard;

/// What was there to be judged.
pub(crate) struct Judged {
    pub(crate) orders: u64,
    pub(crate) fills: u64,
    pub(crate) partials: u64,
    pub(crate) guards: u64,
}

/// Shares by the naive ledger.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    pub(crate) cash: Usd,
    /// What Atlas has bought and not sold, and what an operator had it adopt.
    pub(crate) atlas: BTreeMap<Symbol, Decimal>,
    pub(crate) others: BTreeMap<Symbol, Decimal>,
    /// What went out under an old name and has not come under the new one.
    moving: Vec<(Decimal, Decimal)>,
    /// Something that may not be.
    wrong: Option<String>,
}

/// Judges everything.
///
/// # Errors
/// The first promise that was broken.
pub(crate) fn judge(session: &Session, records: &[Record], wire: &Lossy) -> Result<Judged, String> {
    if let Some(broken) = wire.wire().broken.first() {
        return Err(broken.clone());
    }
    if let Some(broken) = &wire.wire().record.broken {
        return Err(broken.clone());
    }
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

/// What everybody holds, from every entry of the ledger and every adoption on record.
pub(crate) fn shares(wire: &Lossy) -> Holdings {
    wire.pull();
    let mut held = Holdings::default();
    let wire = wire.wire();
    for (number, activity) in wire.ledger.iter().enumerate() {
        held.take(&activity.entry);
        for (symbol, qty) in wire.record.adopted_after(number + 1) {
            held.adopt(symbol, *qty);
        }
    }
    held.atlas.retain(|_, shares| !shares.is_zero());
    held.others.retain(|_, shares| !shares.is_zero());
    held
}

impl Holdings {
    fn take(&mut self, entry: &Entry) {
        let moved = match entry {
            Entry::Cash(entry) => entry.net_amount,
            Entry::Fill(fill) => {
                self.fill(fill);
                fill.cash_effect().unwrap()
            }
            Entry::Shares(entry) => {
                self.reshape(&entry.kind, &entry.symbol, entry.change);
                entry.net_amount
            }
            _ => {
                self.wrong = Some(format!("an entry nobody here knows: {entry:?}"));
                Usd::ZERO
            }
        };
        self.cash = self.cash.checked_add(moved).unwrap();
    }

    fn fill(&mut self, fill: &atlas_core::Fill) {
        let (qty, ours) = (fill.qty.value(), fill.client_order_id.is_ours());
        let atlas = self.atlas.entry(fill.symbol.clone()).or_default();
        let others = self.others.entry(fill.symbol.clone()).or_default();
        match (fill.side, ours) {
            (Side::Buy, true) => *atlas += qty,
            (Side::Buy, false) => *others += qty,
            (Side::Sell, true) => {
                *atlas -= qty;
                if atlas.is_sign_negative() {
                    self.wrong = Some(format!("{} sold shares of others", fill.client_order_id));
                }
            }
            // Who takes the place of an order of ours may sell what is Atlas's.
            (Side::Sell, false) => {
                let theirs = qty.min(*others);
                *others -= theirs;
                *atlas -= qty - theirs;
            }
        }
    }

    fn reshape(&mut self, kind: &SharesKind, symbol: &Symbol, change: Decimal) {
        let atlas = self.atlas.entry(symbol.clone()).or_default();
        let others = self.others.entry(symbol.clone()).or_default();
        let total = *atlas + *others;
        if *kind == SharesKind::SymbolChange {
            if change.is_sign_negative() {
                self.moving.push((*atlas, *others));
                (*atlas, *others) = (Decimal::ZERO, Decimal::ZERO);
            } else if let Some((ours, theirs)) = self.moving.pop() {
                *atlas += ours;
                *others += theirs;
            }
            return;
        }
        let after = total + change;
        *atlas = if others.is_zero() {
            after
        } else {
            (*atlas * after / total).round_dp_with_strategy(9, RoundingStrategy::ToZero)
        };
        *others = after - *atlas;
    }

    fn adopt(&mut self, symbol: &Symbol, qty: Decimal) {
        *self.atlas.entry(symbol.clone()).or_default() += qty;
        *self.others.entry(symbol.clone()).or_default() -= qty;
    }
}

/// Our books, the venue's, and a naive ledger over every entry agree to the cent and share.
fn books(session: &Session, wire: &Lossy) -> Result<(), String> {
    let naive = shares(wire);
    if let Some(wrong) = naive.wrong {
        return Err(wrong);
    }
    let (account, positions) = wire.truth();
    let mut all = naive.atlas.clone();
    for (symbol, theirs) in &naive.others {
        *all.entry(symbol.clone()).or_default() += theirs;
    }
    let venue: BTreeMap<Symbol, Decimal> =
        positions.into_iter().map(|(symbol, p)| (symbol, p.qty.value())).collect();
    if (naive.cash, &all) != (account.cash, &venue) {
        return Err(format!("naive {} {all:?}, venue {} {venue:?}", naive.cash, account.cash));
    }
    let books = session.state().books();
    let lots = books.lots().iter();
    let mut ours: BTreeMap<Symbol, Decimal> =
        lots.clone().map(|(symbol, lot)| (symbol.clone(), lot.owned.value())).collect();
    ours.retain(|_, owned| !owned.is_zero());
    let mut theirs: BTreeMap<Symbol, Decimal> =
        lots.map(|(symbol, lot)| (symbol.clone(), lot.unmanaged.value())).collect();
    theirs.retain(|_, qty| !qty.is_zero());
    if (books.cash(), &ours, &theirs) != (naive.cash, &naive.atlas, &naive.others) {
        return Err(format!(
            "journal {} {ours:?} and {theirs:?} of others, naive {} {:?} and {:?}",
            books.cash(),
            naive.cash,
            naive.atlas,
            naive.others
        ));
    }
    Ok(())
}

/// Which legs of a waiting plan are about shares that a company changes this morning and that are
/// held: they may not be sent any more.
pub(crate) fn note_outdated(story: &Story) {
    let wire = &story.wire;
    wire.pull();
    let date = wire.venue().now().date_naive();
    let changed: BTreeSet<Symbol> = wire
        .wire()
        .ledger
        .iter()
        .filter_map(|activity| match &activity.entry {
            Entry::Shares(entry) if entry.date == date => Some(entry.symbol.clone()),
            _ => None,
        })
        .collect();
    let Ok(session) = story.quiet_session() else { return };
    let Some(pending) = session.state().pending() else { return };
    let legs = pending.planned.legs.iter();
    let outdated = legs.filter(|leg| changed.contains(&leg.request.symbol));
    let outdated: Vec<_> = outdated.map(|leg| leg.id().clone()).collect();
    wire.wire().outdated.extend(outdated);
}

/// One order a leg, none that is no leg, sells before buys.
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
        if !legs.contains(id) && !is_guard(id.as_str()) {
            return Err(format!("order {id} is no leg of any plan"));
        }
        if arrival.side == Side::Buy && !(arrival.open_sells.is_empty() && arrival.asked) {
            return Err(format!("buy {id} went out before {:?} had ended", arrival.open_sells));
        }
    }
    if wire.is_late() {
        return Err("an order is still under way though the day has settled".to_owned());
    }
    Ok(())
}

/// Every signal of every decision has one end, and it is the one its order had at the venue.
fn signals(session: &Session, wire: &Lossy) -> Result<Judged, String> {
    let guards = wire.wire().arrivals.iter().filter(|a| is_guard(a.id.as_str())).count();
    let guards = u64::try_from(guards).unwrap();
    let mut judged = Judged { orders: 0, fills: 0, partials: 0, guards };
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
