//! What the journal says, read a second time and naively: no fold of Atlas's is used.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::journal::Record;
use atlas_core::time::Timestamp;
use atlas_core::{OrderRequest, Symbol};
use atlas_exec::TradingState;
use atlas_exec::state::trading_day;
use atlas_risk::BreakerRules;
use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use serde_json::Value;

/// Every cause with the state the design page has for it.
const CAUSES: [(&str, TradingState); 12] = [
    ("daily_loss", TradingState::Reducing),
    ("drawdown", TradingState::Reducing),
    ("breaker", TradingState::Reducing),
    ("operator_reduce", TradingState::Reducing),
    ("mismatch", TradingState::Paused),
    ("lost_tail", TradingState::Paused),
    ("stale_data", TradingState::Paused),
    ("unknown_order", TradingState::Paused),
    ("operator_pause", TradingState::Paused),
    ("conservation_breach", TradingState::Halted),
    ("journal_fault", TradingState::Halted),
    ("kill", TradingState::Halted),
];

/// What is on record and matters to whoever judges a send.
#[derive(Debug, Clone, Default)]
pub(crate) struct OnRecord {
    causes: BTreeMap<&'static str, Timestamp>,
    /// Every cause that ever held.
    pub(crate) seen: BTreeSet<&'static str>,
    /// What is to be sent, by name.
    pub(crate) intents: BTreeMap<String, OrderRequest>,
    /// Orders that never reached the venue.
    not_placed: BTreeSet<String>,
    breaker: Breaker,
    /// Equity at every comparison, with its trading day.
    equity: Vec<(NaiveDate, Decimal)>,
    /// How many comparisons there were when an operator let a drawdown go.
    forgiven: usize,
    /// Entries of the ledger that were taken in.
    imported: BTreeSet<String>,
    /// Shares an operator had Atlas adopt, and after how many entries of the ledger.
    adopted: Vec<(usize, Symbol, Decimal)>,
    /// The first thing on record that may not be there.
    pub(crate) broken: Option<String>,
}

/// The breaker by the rules' own words: closed, or open since.
#[derive(Debug, Clone, Default)]
struct Breaker {
    rules: Option<BreakerRules>,
    failures: Vec<Timestamp>,
    losses: u32,
    open: Option<(Timestamp, u32)>,
}

impl OnRecord {
    /// Takes in one more record.
    pub(crate) fn read(&mut self, record: &Record) {
        match record.kind.as_str() {
            "state_entered" | "state_left" => self.state(record),
            "order_intent" | "guard_intent" | "order_restated" => {
                let payload = payload(record);
                let request: OrderRequest =
                    serde_json::from_value(payload["request"].clone()).unwrap();
                self.intents.insert(request.client_order_id.to_string(), request);
            }
            "order_update" if record.payload.contains("\"not_placed\"") => {
                let id = payload(record)["client_order_id"].as_str().map(str::to_owned);
                self.not_placed.extend(id);
            }
            "breaker_told" => self.breaker.told(&payload(record), record.ts_event),
            "reconciled" => {
                let payload = payload(record);
                let equity = payload["account"]["equity"].as_str().unwrap().parse().unwrap();
                self.equity.push((trading_day(record.ts_event), equity));
            }
            "account_opened" => {
                let bookmark = payload(record)["bookmark"].as_str().map(str::to_owned);
                let count = bookmark.map_or(0, |id| id.parse().unwrap());
                self.imported.extend((1..=count).map(|number: usize| format!("{number:08}")));
            }
            "fill" | "activity_imported" => {
                let payload = payload(record);
                let id = payload["activity"].as_str().or(payload["id"].as_str());
                self.imported.extend(id.map(str::to_owned));
            }
            "adopted" => {
                let payload = payload(record);
                if payload["subject"] == "position" {
                    let symbol = payload["symbol"].as_str().unwrap().parse().unwrap();
                    let qty = payload["qty"].as_str().unwrap().parse().unwrap();
                    self.adopted.push((self.imported.len(), symbol, qty));
                }
            }
            _ => {}
        }
    }

    fn state(&mut self, record: &Record) {
        let payload = payload(record);
        let named = payload["cause"].as_str().unwrap();
        let Some((cause, _)) = CAUSES.iter().find(|(cause, _)| *cause == named) else {
            self.broken = Some(format!("record {} has an unknown cause {named}", record.seq));
            return;
        };
        if record.kind == "state_entered" {
            self.causes.entry(cause).or_insert(record.ts_event);
            self.seen.insert(cause);
            return;
        }
        let since = self.causes.remove(cause);
        if *cause == "daily_loss"
            && since.is_some_and(|since| trading_day(since) >= trading_day(record.ts_event))
        {
            self.broken = Some(format!("record {} ends a daily loss on its own day", record.seq));
        }
        if *cause == "drawdown" {
            self.forgiven = self.equity.len();
        }
    }

    /// What was adopted once so many entries of the ledger were taken in.
    pub(crate) fn adopted_after(&self, count: usize) -> impl Iterator<Item = (&Symbol, &Decimal)> {
        let then = self.adopted.iter().filter(move |(after, ..)| *after == count);
        then.map(|(_, symbol, qty)| (symbol, qty))
    }

    /// The account's state.
    pub(crate) fn state_of(&self) -> TradingState {
        let states = self.causes.keys().filter_map(|cause| {
            CAUSES.iter().find(|(name, _)| name == cause).map(|(_, state)| *state)
        });
        states.max().unwrap_or(TradingState::Active)
    }

    /// Whether an order certainly never reached the venue.
    pub(crate) fn never_came(&self, id: &str) -> bool {
        self.not_placed.contains(id)
    }

    /// Whether a cause holds.
    pub(crate) fn holds(&self, cause: &str) -> bool {
        self.causes.contains_key(cause)
    }

    /// Whether the breaker lets no entry through.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.breaker.is_open(now)
    }

    /// The loss of the day and the fall from the peak as shares, by the last comparison.
    pub(crate) fn losses(&self) -> (Decimal, Decimal) {
        self.equity.last().map_or_else(Default::default, |(day, last)| self.losses_at(*day, *last))
    }

    /// The loss of a day and the fall from the peak as shares, were this the equity.
    pub(crate) fn losses_at(&self, today: NaiveDate, last: Decimal) -> (Decimal, Decimal) {
        let before = self.equity.iter().rev().find(|(day, _)| *day < today);
        let first = self.equity.iter().find(|(day, _)| *day == today);
        let base = before.or(first).map_or(last, |(_, equity)| *equity);
        let from = self.forgiven.saturating_sub(1);
        let peak = self.equity.iter().skip(from).map(|(_, equity)| *equity).max();
        let peak = peak.map_or(last, |peak| peak.max(last));
        let fall = |from: Decimal| (from - last) / from;
        (fall(base), fall(peak))
    }
}

impl Breaker {
    fn told(&mut self, payload: &Value, at: Timestamp) {
        let rules: BreakerRules = serde_json::from_value(payload["rules"].clone()).unwrap();
        if self.rules != Some(rules) {
            *self = Self { rules: Some(rules), ..Self::default() };
        }
        let Some(event) = payload["event"].as_str() else {
            (self.failures, self.losses, self.open) = (Vec::new(), 0, None);
            return;
        };
        let bad = matches!(event, "failure" | "loss");
        if self.is_open(at) {
            return;
        }
        if let Some((since, tried)) = self.open {
            if bad {
                self.open = Some((at, 0));
            } else if tried + 1 >= rules.trials {
                (self.failures, self.losses, self.open) = (Vec::new(), 0, None);
            } else {
                self.open = Some((since, tried + 1));
            }
            return;
        }
        match event {
            "failure" => self.failures.push(at),
            "loss" => self.losses += 1,
            "gain" => self.losses = 0,
            _ => {}
        }
        let window = TimeDelta::seconds(i64::from(rules.window_seconds));
        self.failures.retain(|failure| at - *failure < window);
        let failed = u32::try_from(self.failures.len()).unwrap();
        if failed >= rules.failures || self.losses >= rules.losses {
            self.open = Some((at, 0));
        }
    }

    fn is_open(&self, now: Timestamp) -> bool {
        let (Some(rules), Some((since, _))) = (self.rules, self.open) else { return false };
        now - since < TimeDelta::seconds(i64::from(rules.cooldown_seconds))
    }
}

fn payload(record: &Record) -> Value {
    serde_json::from_str(&record.payload).unwrap()
}
