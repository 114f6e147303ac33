//! What keeps a backtest from being run.

use atlas_core::{Symbol, Usd};
use chrono::NaiveDate;

use crate::Schedule;

/// Why there is no result. Nothing is half done: a report exists whole or not at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The period ends before it begins.
    #[error("the period ends on {to}, before it begins on {from}: swap the two dates")]
    Backwards {
        /// Its first day.
        from: NaiveDate,
        /// Its last day.
        to: NaiveDate,
    },
    /// No decision falls into the period.
    #[error(
        "no {schedule} decision with a session after it lies between {from} and {to}: \
         take a longer period"
    )]
    Empty {
        /// How often is decided.
        schedule: Schedule,
        /// First day of the period.
        from: NaiveDate,
        /// Last day of the period.
        to: NaiveDate,
    },
    /// The data end before the period does.
    #[error("{place} ends on {last}, before the period ends on {to}: choose an earlier end")]
    AfterEnd {
        /// The data.
        place: String,
        /// Their last session.
        last: NaiveDate,
        /// Last day of the period.
        to: NaiveDate,
    },
    /// There are no prices at all.
    #[error("{place} has no prices of any symbol: name a universe that it has")]
    NoPrices {
        /// The data.
        place: String,
    },
    /// No money to begin with.
    #[error("starting cash is {cash} USD: it must be above zero")]
    NoCash {
        /// What was given.
        cash: Usd,
    },
    /// Stays in a universe that cannot be.
    #[error(
        "the stay of {symbol} from {from} overlaps another or ends before it begins: list stays \
         in order"
    )]
    Members {
        /// The symbol.
        symbol: Symbol,
        /// First day of the stay.
        from: NaiveDate,
    },
    /// A line of a file of members that cannot be read.
    #[error(
        "line {line} of the members, {text:?}, is no stay: write SYMBOL,FIRST-DAY,DAY-OF-LEAVING, \
         the last one empty while it lasts"
    )]
    MembersLine {
        /// Its number, from 1.
        line: usize,
        /// Its beginning.
        text: String,
    },
    /// The data do not allow a decision.
    #[error("nothing can be decided as of {as_of}: {source}")]
    Data {
        /// The decision's session.
        as_of: NaiveDate,
        /// What is wrong with the data.
        source: Box<atlas_data::Error>,
    },
    /// The engine made no plan.
    #[error("no plan can be made as of {as_of}: {source}")]
    Plan {
        /// The decision's session.
        as_of: NaiveDate,
        /// Why not.
        source: Box<atlas_engine::Error>,
    },
    /// A plan could not be carried out.
    #[error("the plan as of {as_of} could not be carried out: {source}")]
    Execution {
        /// The decision's session.
        as_of: NaiveDate,
        /// Why not.
        source: Box<atlas_exec::Error>,
    },
    /// Books and venue differ, or sending was stopped: neither may happen in a simulation.
    #[error("the account is held back after the plan as of {as_of}: {why}")]
    HeldBack {
        /// The decision's session.
        as_of: NaiveDate,
        /// Why.
        why: String,
    },
    /// The simulated venue could not be opened or moved.
    #[error(transparent)]
    Venue(#[from] atlas_venue::Error),
    /// The simulated venue could not be asked.
    #[error(transparent)]
    Broker(#[from] atlas_broker::Error),
    /// An account could not be opened.
    #[error(transparent)]
    Session(#[from] atlas_exec::Error),
    /// A date outside of the calendar, or an amount that does not fit.
    #[error(transparent)]
    Core(#[from] atlas_core::Error),
    /// Something was waited for that never comes in a simulation.
    #[error("{what} waits for something outside of the simulation: run it without a backtest")]
    Waits {
        /// What waits.
        what: &'static str,
    },
    /// A strategy nobody knows.
    #[error("there is no strategy {name}: use one of {known}")]
    NoStrategy {
        /// The name that was given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A strategy that cannot be made as asked.
    #[error("strategy {strategy} {problem}")]
    Strategy {
        /// The strategy.
        strategy: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// More than there is room for.
    #[error(
        "about {needed} MiB of memory are needed and {available} MiB are free: try fewer \
         parameters, symbols or threads, or a shorter period"
    )]
    Memory {
        /// MiB needed.
        needed: usize,
        /// MiB free.
        available: usize,
    },
    /// A parameter of a tool outside of its range.
    #[error("{what} is {value}: it must be {range}")]
    Parameter {
        /// The parameter.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        range: &'static str,
    },
}
