//! What the engine wants done.

use atlas_core::time::Timestamp;
use atlas_core::{
    ClientOrderId, ExecutionId, OrderRequest, Price, Side, Signal, SignalId, SignalOutcome, Symbol,
};
use serde::{Deserialize, Serialize};

use super::event::{Share, Timeframe};
use crate::plan::RebalancePlan;

/// What an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// It opens or adds.
    Entry,
    /// It reduces.
    Exit,
    /// It rests at the venue and reduces when the price falls to its stop.
    Guard,
}

/// How grave an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// Somebody should look at it today.
    Warning,
    /// Somebody must look at it now.
    Critical,
}

/// One thing to be done, in the order given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// A strategy wants something; it will end exactly once.
    Signal(Signal),
    /// A signal ended.
    SignalEnded {
        /// Which.
        id: SignalId,
        /// How.
        outcome: SignalOutcome,
        /// Why, in one sentence.
        reason: String,
    },
    /// Judge this order and send it; tell the outcome by [`Event::Order`](crate::Event::Order).
    Submit {
        /// What is to be sent.
        request: OrderRequest,
        /// What for.
        purpose: Purpose,
        /// The price it was decided at.
        decision_price: Price,
        /// Whose shares it trades; quantities add up to the request's.
        shares: Vec<Share>,
    },
    /// Cancel an order.
    Cancel {
        /// Which.
        id: ClientOrderId,
        /// Why, in one sentence.
        reason: String,
    },
    /// Strategies wanted opposite things: shares changed hands between their books, and nothing is
    /// sent.
    Crossed {
        /// What.
        symbol: Symbol,
        /// At which price.
        price: Price,
        /// Who sold, in the order of the strategies.
        sold: Vec<Share>,
        /// Who bought, likewise; quantities add up to those sold, and cash to nothing.
        bought: Vec<Share>,
    },
    /// A fill, divided among the strategies it was for, exactly.
    Attributed {
        /// The venue's name for the execution.
        execution: ExecutionId,
        /// What was traded.
        symbol: Symbol,
        /// Which way.
        side: Side,
        /// The parts; they add up to the fill, to the share and the cent.
        shares: Vec<Share>,
    },
    /// Ask for bars of the past: a strategy has to be warmed up (again).
    NeedHistory {
        /// Of which symbol.
        symbol: Symbol,
        /// Of which span.
        timeframe: Timeframe,
        /// How many at least.
        bars: usize,
    },
    /// Send [`Event::Timer`](crate::Event::Timer) at this instant.
    WakeAt(Timestamp),
    /// Carry out this plan.
    Plan(Box<RebalancePlan>),
    /// Something a person should know.
    Incident {
        /// How grave.
        severity: Severity,
        /// What happened, in one sentence.
        what: String,
    },
}
