//! The four states of an account, as code and documentation from one table.
//!
#![doc = include_str!("states.md")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use atlas_core::SignalOutcome;
use atlas_core::time::Timestamp;
pub use atlas_risk::TradingState;
use serde::{Deserialize, Serialize};

/// What one may want to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// Send an order that opens or enlarges a position.
    Enter,
    /// Send an order that reduces one.
    Reduce,
    /// Leave protective orders resting at the broker.
    KeepProtection,
    /// Cancel an order.
    Cancel,
}

/// Who may do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Atlas itself.
    Yes,
    /// A person, by an explicit command.
    Operator,
    /// Nobody.
    No,
}

/// One row of the table of states.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The state.
    pub state: TradingState,
    /// What enters it.
    pub entered_by: &'static str,
    /// Orders that open.
    pub entries: (Permission, &'static str),
    /// Orders that reduce.
    pub reducing: (Permission, &'static str),
    /// Protective orders that rest at the broker.
    pub protective: (Permission, &'static str),
    /// Cancels.
    pub cancels: (Permission, &'static str),
    /// What leaves it.
    pub left_by: &'static str,
}

use Permission::{No, Operator, Yes};

/// The table of the design page: [`permits`] reads it, the documentation prints it.
pub const TABLE: [Row; 4] = [
    Row {
        state: TradingState::Active,
        entered_by: "clean start",
        entries: (Yes, "yes"),
        reducing: (Yes, "yes"),
        protective: (Yes, "yes"),
        cancels: (Yes, "yes"),
        left_by: "-",
    },
    Row {
        state: TradingState::Reducing,
        entered_by: "daily loss or drawdown halt, breaker, operator",
        entries: (No, "no"),
        reducing: (Yes, "yes"),
        protective: (Yes, "kept"),
        cancels: (Yes, "yes"),
        left_by: "next trading day or operator, per cause",
    },
    Row {
        state: TradingState::Paused,
        entered_by: "mismatch, stale data, unknown order state, lost journal tail, operator",
        entries: (No, "no"),
        reducing: (Operator, "only by operator command"),
        protective: (Yes, "kept"),
        cancels: (Yes, "yes"),
        left_by: "clean reconciliation, then operator `resume`",
    },
    Row {
        state: TradingState::Halted,
        entered_by: "conservation breach, journal fault, kill",
        entries: (No, "no"),
        reducing: (Operator, "no (operator flatten excepted)"),
        protective: (Yes, "kept unless `kill --all`"),
        cancels: (Operator, "operator"),
        left_by: "operator, after reconciliation",
    },
];

/// Whether a state permits a deed, and to whom.
///
/// # Examples
/// ```
/// use atlas_exec::states::{Deed, Permission, TradingState, permits};
///
/// assert_eq!(permits(TradingState::Reducing, Deed::Enter), Permission::No);
/// assert_eq!(permits(TradingState::Paused, Deed::Reduce), Permission::Operator);
/// ```
#[must_use]
pub const fn permits(state: TradingState, deed: Deed) -> Permission {
    permits_by(&TABLE, state, deed)
}

/// As [`permits`], by a table.
pub(crate) const fn permits_by(table: &[Row; 4], state: TradingState, deed: Deed) -> Permission {
    let row = &table[state as usize];
    match deed {
        Deed::Enter => row.entries.0,
        Deed::Reduce => row.reducing.0,
        Deed::KeepProtection => row.protective.0,
        Deed::Cancel => row.cancels.0,
    }
}

/// How much of a plan may go on, by the table: what [`Deed`]s are Atlas's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stance {
    /// Everything.
    Free,
    /// Exits alone.
    NoEntries,
    /// Nothing is sent; what works may be canceled.
    Paused,
    /// Nothing at all.
    Halted,
}

impl Stance {
    /// What the table leaves to Atlas in a state.
    pub(crate) fn by(table: &[Row; 4], state: TradingState) -> Self {
        let may = |deed| permits_by(table, state, deed) == Yes;
        match (may(Deed::Enter), may(Deed::Reduce), may(Deed::Cancel)) {
            (true, true, _) => Self::Free,
            (_, true, _) => Self::NoEntries,
            (_, false, true) => Self::Paused,
            (_, false, false) => Self::Halted,
        }
    }
}

/// Why an account is in a state other than ACTIVE; several can hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The day's loss reached its limit.
    DailyLoss,
    /// The drawdown from the peak reached its limit.
    Drawdown,
    /// The circuit breaker opened.
    Breaker,
    /// A person asked for REDUCING.
    OperatorReduce,
    /// Journal and broker disagree.
    Mismatch,
    /// The journal lacks records that an artifact shows to have been written.
    LostTail,
    /// The data is too old to act on.
    StaleData,
    /// Nobody knows what became of an order.
    UnknownOrder,
    /// A person asked for PAUSED.
    OperatorPause,
    /// More was about to be sent, or was filled, than was planned.
    ConservationBreach,
    /// The journal could not be written.
    JournalFault,
    /// The kill switch.
    Kill,
}

impl Cause {
    /// The state the cause leads to.
    #[must_use]
    pub const fn state(self) -> TradingState {
        match self {
            Self::DailyLoss | Self::Drawdown | Self::Breaker | Self::OperatorReduce => {
                TradingState::Reducing
            }
            Self::Mismatch
            | Self::LostTail
            | Self::StaleData
            | Self::UnknownOrder
            | Self::OperatorPause => TradingState::Paused,
            Self::ConservationBreach | Self::JournalFault | Self::Kill => TradingState::Halted,
        }
    }

    /// Whether the next trading day ends it without a person.
    #[must_use]
    pub const fn ends_with_the_day(self) -> bool {
        matches!(self, Self::DailyLoss)
    }

    /// How a signal ends whose order the cause keeps back.
    #[must_use]
    pub const fn outcome(self) -> SignalOutcome {
        match self {
            Self::DailyLoss | Self::Drawdown => SignalOutcome::RejectedByLimit,
            Self::Breaker => SignalOutcome::RejectedByCircuitBreaker,
            Self::OperatorReduce | Self::OperatorPause | Self::Kill => {
                SignalOutcome::RejectedByOperator
            }
            Self::StaleData => SignalOutcome::RejectedByStaleData,
            Self::Mismatch
            | Self::LostTail
            | Self::UnknownOrder
            | Self::ConservationBreach
            | Self::JournalFault => SignalOutcome::RejectedByPaused,
        }
    }

    /// The words used in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DailyLoss => "daily loss limit",
            Self::Drawdown => "drawdown limit",
            Self::Breaker => "circuit breaker",
            Self::OperatorReduce => "operator asked to reduce",
            Self::Mismatch => "journal and broker disagree",
            Self::LostTail => "the journal lost its tail",
            Self::StaleData => "stale data",
            Self::UnknownOrder => "unknown order state",
            Self::OperatorPause => "operator asked to pause",
            Self::ConservationBreach => "conservation breach",
            Self::JournalFault => "journal fault",
            Self::Kill => "kill switch",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A cause that holds, since when, and the particulars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// When it began to hold.
    pub since: Timestamp,
    /// The record of what was told of it last; a reconciliation has to come after it.
    pub seq: u64,
    /// One sentence, the latest.
    pub detail: String,
}

/// Every cause that holds; the account's state is the strictest of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trading {
    causes: BTreeMap<Cause, Holding>,
    /// Everything that was told of each cause while it holds.
    #[serde(skip)]
    heard: BTreeMap<Cause, BTreeSet<String>>,
}

impl Trading {
    /// The account's state.
    #[must_use]
    pub fn state(&self) -> TradingState {
        self.causes.keys().map(|cause| cause.state()).max().unwrap_or(TradingState::Active)
    }

    /// The causes that hold.
    #[must_use]
    pub const fn causes(&self) -> &BTreeMap<Cause, Holding> {
        &self.causes
    }

    /// The first of the strictest causes, `None` if the account is ACTIVE.
    #[must_use]
    pub fn leading(&self) -> Option<(Cause, &Holding)> {
        let state = self.state();
        self.causes
            .iter()
            .find(|(cause, _)| cause.state() == state)
            .map(|(cause, holding)| (*cause, holding))
    }

    /// The leading cause in words; `"no cause"` if the account is ACTIVE.
    #[must_use]
    pub fn describe(&self) -> String {
        self.leading().map_or_else(
            || "no cause".to_owned(),
            |(cause, holding)| format!("{cause}: {}", holding.detail),
        )
    }

    /// Whether a cause holds, and this was told of it.
    pub(crate) fn has_heard(&self, cause: Cause, detail: &str) -> bool {
        self.heard.get(&cause).is_some_and(|heard| heard.contains(detail))
    }

    /// Notes that a cause holds, or holds once more; the first mention keeps its date.
    pub(crate) fn enter(&mut self, cause: Cause, holding: Holding) {
        self.heard.entry(cause).or_default().insert(holding.detail.clone());
        let since = self.causes.get(&cause).map_or(holding.since, |held| held.since);
        self.causes.insert(cause, Holding { since, ..holding });
    }

    /// Notes that a cause holds no more.
    pub(crate) fn leave(&mut self, cause: Cause) {
        self.causes.remove(&cause);
        self.heard.remove(&cause);
    }
}

/// The table as Markdown, which is how the documentation gets it.
#[must_use]
pub fn table_markdown() -> String {
    let mut text = String::from(
        "| state | entered by | entries | reducing orders | resting protective orders | cancels \
         | left by |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in TABLE {
        let state = row.state.to_string();
        let cells = [
            state.as_str(),
            row.entered_by,
            row.entries.1,
            row.reducing.1,
            row.protective.1,
            row.cancels.1,
            row.left_by,
        ];
        text.extend(["| ", &cells.join(" | "), " |\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_and_code_are_one() {
        assert_eq!(table_markdown(), include_str!("states.md"));
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.state as usize, index);
        }
    }

    #[test]
    fn the_table_says_how_much_of_a_plan_goes_on() {
        let stances = TABLE.map(|row| Stance::by(&TABLE, row.state));
        assert_eq!(stances, [Stance::Free, Stance::NoEntries, Stance::Paused, Stance::Halted]);
    }

    #[test]
    fn the_strictest_cause_counts() {
        let mut trading = Trading::default();
        assert_eq!(trading.state(), TradingState::Active);
        let holding =
            Holding { since: Timestamp::default(), seq: 1, detail: "something".to_owned() };
        trading.enter(Cause::Mismatch, holding.clone());
        trading.enter(Cause::DailyLoss, holding);
        assert_eq!(trading.state(), TradingState::Paused);
        assert_eq!(trading.leading().map(|(cause, _)| cause), Some(Cause::Mismatch));
        trading.leave(Cause::Mismatch);
        assert_eq!(trading.state(), TradingState::Reducing);
    }
}
