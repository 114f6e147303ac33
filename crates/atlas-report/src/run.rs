//! The report of one run: what `--json` prints and what the artifact holds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use atlas_core::journal::Hash;
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{
    Account, AccountName, ClientOrderId, DecisionId, Fill, OrderStatus, OrderType, Position, Price,
    Qty, Side, SignalId, Symbol, Usd, VenueOrderId,
};
use atlas_engine::plan::{PlannedOrder, PlannedSignal, Preview, RegimeDecision, Target};
use atlas_exec::reconcile::{Discrepancy, Reconciliation};
use atlas_exec::verification::Verification;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Version of the report's form; raised with every change that a reader could trip over.
pub const SCHEMA: u16 = 1;

/// The report of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// [`SCHEMA`].
    pub schema: u16,
    /// Version of the program.
    pub version: String,
    /// The command: `rebalance`, `plan`, `approve` or `execute`.
    pub command: String,
    /// How far the run came.
    pub status: RunStatus,
    /// The same in one sentence.
    pub summary: String,
    /// The account.
    pub account: AccountName,
    /// Replay, paper or live.
    pub mode: Mode,
    /// The session after whose close was decided.
    pub as_of: NaiveDate,
    /// The session in which orders are or were sent.
    pub execute_on: NaiveDate,
    /// From when orders may be sent.
    pub due: Timestamp,
    /// Where prices came from.
    pub data: DataSource,
    /// Digest of the effective configuration.
    pub config_hash: Hash,
    /// Number of the decision.
    pub decision_id: DecisionId,
    /// Digest of the plan, which a person approves.
    pub plan_hash: Hash,
    /// The regime and its evidence.
    pub regime: RegimeDecision,
    /// Equity at decision prices.
    pub equity: Usd,
    /// What may be invested at decision prices.
    pub budget: Usd,
    /// Every signal, with its terminal state once it has one.
    pub signals: Vec<PlannedSignal>,
    /// What is to be held.
    pub targets: Vec<Target>,
    /// The worst that could come of the plan.
    pub preview: Preview,
    /// Every order of the plan and what became of it.
    pub orders: Vec<OrderReport>,
    /// Orders a gate denied.
    pub denied: Vec<PlannedOrder>,
    /// Every fill, in the broker's order.
    pub fills: Vec<Fill>,
    /// Money and positions before anything was sent.
    pub account_before: Books,
    /// Money and positions afterwards; `None` if nothing was sent.
    pub account_after: Option<Books>,
    /// How books and broker compare at the end; `None` if nothing was sent.
    pub reconciliation: Option<Comparison>,
    /// What the execution came to, against what it was meant to; `None` if nothing was sent.
    #[serde(default)]
    pub verification: Option<Verification>,
    /// What the controls' own test came to on the limits in force; `None` in reports made before
    /// there was one.
    #[serde(default)]
    pub controls: Option<ControlsReport>,
    /// Notes for the reader, each one sentence.
    pub notes: Vec<String>,
    /// Head of the journal when the report was made.
    pub journal_head: Hash,
    /// Where the artifact is; `None` if none was written.
    pub artifact: Option<PathBuf>,
    /// Wall time of each stage, in order.
    pub stages: Vec<Stage>,
}

/// The controls' own test: each tried on an order that it alone must deny, and on the neighbour just
/// inside that none may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlsReport {
    /// Pairs that were tried.
    pub tried: usize,
    /// Each that did not come out as it must, in one sentence; empty if all controls hold.
    pub broken: Vec<String>,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Decided on a copy of the state; nothing was sent or kept.
    DryRun,
    /// Decided and journaled; nothing was sent.
    Planned,
    /// A person approved the plan; nothing was sent.
    Approved,
    /// Executed and reconciled.
    Executed,
    /// This session's rebalance had been done before; nothing was sent.
    AlreadyDone,
}

/// Where prices came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSource {
    /// `sample`, or the path.
    pub name: String,
    /// The universe, as it was named.
    pub universe: String,
    /// Its symbols.
    pub symbols: Vec<Symbol>,
    /// Digest of the data the run used.
    pub sha256: String,
    /// Remarks on the data, each one sentence.
    pub notes: Vec<String>,
}

/// One order and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReport {
    /// Our name for it.
    pub client_order_id: ClientOrderId,
    /// The venue's name for it, once it has one.
    pub venue_order_id: Option<VenueOrderId>,
    /// The signal it acts on.
    pub signal_id: SignalId,
    /// What it trades.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Shares planned.
    pub planned_qty: Qty,
    /// Shares asked for, after buys were fitted to buying power; `None` if it was never sent.
    pub sent_qty: Option<Qty>,
    /// How it executes.
    pub order_type: OrderType,
    /// The close it was decided at.
    pub decision_price: Price,
    /// Where it stands.
    pub status: OrderStatus,
    /// Shares filled.
    pub filled_qty: Qty,
    /// Mean fill price.
    pub avg_fill_price: Option<Price>,
    /// Why it was planned; or why it was denied, rejected or not sent.
    pub reason: String,
}

/// Money and positions at one moment, as the broker told them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Money.
    pub account: Account,
    /// Positions.
    pub positions: BTreeMap<Symbol, Position>,
}

/// How books and broker compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Whether nothing differs but what is advisory.
    pub clean: bool,
    /// Entries of the broker's ledger imported by it.
    pub imported: usize,
    /// What differs.
    pub discrepancies: Vec<Discrepancy>,
    /// The same in words, one sentence each.
    pub sentences: Vec<String>,
}

impl From<&Reconciliation> for Comparison {
    fn from(found: &Reconciliation) -> Self {
        Self {
            clean: found.is_clean(),
            imported: found.imported,
            discrepancies: found.discrepancies.clone(),
            sentences: found.discrepancies.iter().map(ToString::to_string).collect(),
        }
    }
}

/// One stage of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Wall time in milliseconds.
    pub ms: f64,
}
