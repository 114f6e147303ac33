//! One symbol's way through a decision: bars, signal, sizing, gates, order, fills.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Fill, OrderEvent, Signal, SignalOutcome, Symbol};
use atlas_engine::plan::{PlannedOrder, PlannedSignal, Target};
use atlas_engine::{DecisionInputs, RebalancePlan, StoredPrices};
use chrono::NaiveDate;
use serde::Serialize;

use super::Question;
use super::heard::{HeardAgain, heard_again};
use crate::error::Error;
use crate::event::Event;
use crate::folder::AccountFolder;
use crate::journal::{SqliteStorage, Storage};
use crate::protection::stop_price;
use crate::state::{Decision, State};

/// What was seen of a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bars {
    /// Sessions kept.
    pub rows: usize,
    /// The first of them.
    pub first: NaiveDate,
    /// The last of them.
    pub last: NaiveDate,
    /// The last value: a close, or an index's or rate's reading.
    pub value: f64,
}

impl Bars {
    pub(super) fn of(dates: &[NaiveDate], values: &[f64]) -> Option<Self> {
        let (first, last) = (*dates.first()?, *dates.last()?);
        Some(Self { rows: dates.len(), first, last, value: *values.last()? })
    }
}

/// One thing that happened to an order, by the journal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The record.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What, in a few words.
    pub what: String,
}

/// One symbol's way through a decision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chain {
    /// The symbol.
    pub symbol: Symbol,
    /// The bars the decision read; `None` for a symbol it had none of.
    pub bars: Option<Bars>,
    /// The signal and its evidence.
    pub signal: Signal,
    /// How it ended, `None` while it has not.
    pub outcome: Option<SignalOutcome>,
    /// Why it ended so; before its end, what the decision said.
    pub reason: String,
    /// What was held and what was to be held.
    pub target: Option<Target>,
    /// The order with what every gate said, denied ones included.
    pub order: Option<PlannedOrder>,
    /// Whether a gate denied it.
    pub denied: bool,
    /// What became of the order, step by step.
    pub steps: Vec<Step>,
    /// Its fills.
    pub fills: Vec<Fill>,
    /// What every gate said just before each send, heard again from the journal with the same
    /// result.
    pub heard: Vec<HeardAgain>,
    /// Protective orders of the symbol that were placed after the decision, step by step.
    pub guards: BTreeMap<ClientOrderId, Vec<Step>>,
}

/// The chains a question asks for: of one symbol, or of every symbol of the decision.
pub(super) fn chains(
    folder: &AccountFolder,
    state: &State,
    decision: &Decision,
    inputs: &DecisionInputs,
    plan: &RebalancePlan,
    question: &Question,
) -> Result<Vec<Chain>, Error> {
    let wanted = |symbol: &Symbol| match question {
        Question::Symbol(asked) => asked == symbol,
        Question::Order(id) => {
            let ordered = plan
                .orders
                .iter()
                .any(|o| o.request.client_order_id == *id && o.request.symbol == *symbol);
            ordered || guard_of(state, id) == Some(symbol)
        }
        Question::Date(_) | Question::Decision(_) => true,
    };
    let mut heard = heard_again(folder, decision, plan)?;
    let mut steps = steps(folder, decision)?;
    let signals = plan.signals.iter().filter(|planned| wanted(&planned.signal.symbol));
    Ok(signals
        .map(|planned| {
            let mut chain = chain(decision, inputs, plan, planned);
            chain.heard = heard.remove(&planned.signal.symbol).unwrap_or_default();
            let symbol = &planned.signal.symbol;
            let guards = steps.keys().filter(|id| guard_of(state, id) == Some(symbol));
            let guards: Vec<ClientOrderId> = guards.cloned().collect();
            chain.guards = guards.into_iter().filter_map(|id| steps.remove_entry(&id)).collect();
            if let Some(order) = chain.order.as_ref().filter(|_| !chain.denied) {
                let id = &order.request.client_order_id;
                chain.steps = steps.remove(id).unwrap_or_default();
                let tracked = state.orders().get(id);
                chain.fills = tracked.map(|tracked| tracked.fills.clone()).unwrap_or_default();
            }
            chain
        })
        .collect())
}

/// The symbol a protective order protects; `None` for any other order.
fn guard_of<'a>(state: &'a State, id: &ClientOrderId) -> Option<&'a Symbol> {
    let tracked = state.orders().get(id).filter(|tracked| tracked.protects)?;
    Some(&tracked.order.request().symbol)
}

fn chain(
    decision: &Decision,
    inputs: &DecisionInputs,
    plan: &RebalancePlan,
    planned: &PlannedSignal,
) -> Chain {
    let symbol = &planned.signal.symbol;
    let stored = |all: &[StoredPrices]| -> Option<Bars> {
        let found = all.iter().find(|prices| prices.symbol == *symbol)?;
        Bars::of(&found.dates, &found.close)
    };
    let of_signal = |orders: &[PlannedOrder]| {
        orders.iter().find(|order| order.signal_id == planned.signal.id).cloned()
    };
    let (sent, denied) = (of_signal(&plan.orders), of_signal(&plan.denied));
    let end = decision.ends.get(&planned.signal.id);
    Chain {
        symbol: symbol.clone(),
        bars: stored(&inputs.universe).or_else(|| stored(&inputs.others)),
        signal: planned.signal.clone(),
        outcome: end.map(|end| end.outcome).or(planned.outcome),
        reason: end.map_or_else(|| planned.reason.clone(), |end| end.reason.clone()),
        target: plan.targets.iter().find(|target| target.symbol == *symbol).cloned(),
        denied: sent.is_none() && denied.is_some(),
        order: sent.or(denied),
        steps: Vec::new(),
        fills: Vec::new(),
        heard: Vec::new(),
        guards: BTreeMap::new(),
    }
}

/// What the journal tells of each order of a decision.
fn steps(
    folder: &AccountFolder,
    decision: &Decision,
) -> Result<BTreeMap<ClientOrderId, Vec<Step>>, Error> {
    let id = decision.planned.decision_id;
    let mut steps: BTreeMap<ClientOrderId, Vec<Step>> = BTreeMap::new();
    let mut storage = SqliteStorage::open_read_only(&folder.journal())?;
    storage.replay(&mut |record, _| {
        if record.decision_id != Some(id) {
            return Ok(());
        }
        let event = Event::decode(record.seq, &record.kind, record.version, &record.payload)?;
        if let Some((order, what)) = step(&event) {
            let step = Step { seq: record.seq, at: record.ts_event, what };
            steps.entry(order).or_default().push(step);
        }
        Ok(())
    })?;
    Ok(steps)
}

fn step(event: &Event) -> Option<(ClientOrderId, String)> {
    if let Event::OrderIntent(intent) = event {
        let request = &intent.request;
        let side = |price: Option<atlas_core::Price>| {
            price.map_or_else(|| "none".to_owned(), |price| price.to_string())
        };
        let what = format!(
            "intended: {} {} at bid {} ask {}",
            request.side,
            request.qty,
            side(intent.bid),
            side(intent.ask)
        );
        return Some((request.client_order_id.clone(), what));
    }
    if let Event::GuardIntent(intent) = event {
        let request = &intent.request;
        let stop = stop_price(request).map_or_else(String::new, |price| price.to_string());
        let what = format!(
            "protects {} with a stop at {stop}, {} bps below {}",
            request.qty, intent.stop_below, intent.basis
        );
        return Some((request.client_order_id.clone(), what));
    }
    if let Event::OrderUpdate(update) = event {
        return Some((update.client_order_id.clone(), words(&update.update)));
    }
    if let Event::Filled(filled) = event {
        let fill = &filled.fill;
        let what = format!("filled: {} at {}", fill.qty, fill.price);
        return Some((fill.client_order_id.clone(), what));
    }
    if let Event::LegDropped(dropped) = event {
        return Some((dropped.client_order_id.clone(), format!("not sent: {}", dropped.reason)));
    }
    None
}

fn words(update: &OrderEvent) -> String {
    match update {
        OrderEvent::Accepted { venue_order_id } => format!("accepted as {venue_order_id}"),
        OrderEvent::Rejected { reason } => format!("rejected: {reason}"),
        OrderEvent::NotPlaced { reason } => format!("never reached the broker: {reason}"),
        OrderEvent::Denied { .. }
        | OrderEvent::Submitted
        | OrderEvent::Filled(_)
        | OrderEvent::CancelRequested
        | OrderEvent::CancelRejected
        | OrderEvent::Canceled
        | OrderEvent::Expired
        | OrderEvent::ReplaceRequested
        | OrderEvent::ReplaceRejected
        | OrderEvent::Replaced => format!("{update:?}").to_lowercase(),
    }
}
