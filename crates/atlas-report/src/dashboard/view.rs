//! What the dashboard shows of an account at one moment.

use atlas_core::{Price, Qty, Symbol, Usd};
use chrono::NaiveDate;
use serde::Serialize;

use crate::incident::Incident;

/// An account at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// Its name.
    pub account: String,
    /// ACTIVE, REDUCING, PAUSED or HALTED.
    pub state: String,
    /// What holds it, one sentence each.
    pub causes: Vec<String>,
    /// Who holds its lock, if somebody does.
    pub held_by: Option<String>,
    /// Cash by our books, USD.
    pub cash: Usd,
    /// Equity at the last comparison, USD.
    pub equity: Option<Usd>,
    /// How the last comparison came out, in one sentence.
    pub compared: String,
    /// Whether that was clean.
    pub clean: bool,
    /// The circuit breaker.
    pub breaker: String,
    /// Equity by day, with the regime in force.
    pub curve: Vec<Point>,
    /// What is held.
    pub positions: Vec<PositionRow>,
    /// Orders that work at the broker.
    pub orders: Vec<OpenOrder>,
    /// The day the signals are of.
    pub day: Option<NaiveDate>,
    /// The day's signals with their ends.
    pub signals: Vec<SignalRow>,
    /// Risk against its limits.
    pub gauges: Vec<Gauge>,
    /// Why this regime: name and value.
    pub evidence: Vec<(String, String)>,
    /// Execution quality: name and value.
    pub quality: Vec<(String, String)>,
    /// The latest incidents, newest first.
    pub incidents: Vec<Incident>,
    /// Records in the journal, and its head.
    pub journal: String,
}

/// A day of the curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The day.
    pub date: NaiveDate,
    /// Equity at its end, USD.
    pub equity: f64,
    /// The regime in force.
    pub regime: String,
}

/// A position.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PositionRow {
    /// What is held.
    pub symbol: Symbol,
    /// Shares.
    pub qty: Qty,
    /// Average cost of a share.
    pub cost: Option<Price>,
    /// The last price known, of the last day that was carried out.
    pub price: Option<Price>,
    /// Where the strategy leaves it.
    pub stop: Option<f64>,
    /// Worth less cost, USD; `None` where a price is missing.
    pub unrealised: Option<f64>,
}

/// An order that works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenOrder {
    /// Its name.
    pub id: String,
    /// Which way, how many, of what.
    pub what: String,
    /// Where it stands.
    pub status: String,
    /// Shares still open.
    pub leaves: Qty,
}

/// A signal and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignalRow {
    /// The strategy.
    pub strategy: String,
    /// The symbol.
    pub symbol: Symbol,
    /// Its end; empty while it has none.
    pub end: String,
    /// Why.
    pub reason: String,
}

/// A figure against its limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gauge {
    /// What is measured.
    pub name: String,
    /// The figure, as a share; `None` if it is not known.
    pub value: Option<f64>,
    /// The limit, as a share.
    pub limit: f64,
}
