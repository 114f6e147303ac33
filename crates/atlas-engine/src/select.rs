//! Who is to be held: the one place where a strategy meets the deciding core.

use std::collections::BTreeSet;

use atlas_core::signal::Direction;
use atlas_core::{DecisionId, Regime, Signal, Symbol};
use atlas_strategy::History;
use atlas_strategy::momentum::{High52, Selection};
use chrono::NaiveDate;

use crate::Error;

/// What a selector sees.
#[derive(Debug)]
pub struct Look<'a> {
    /// The symbols that may be chosen, each with a close of `as_of`, up to that session.
    pub histories: &'a [History<'a>],
    /// Symbols Atlas holds.
    pub held: &'a BTreeSet<Symbol>,
    /// The regime that counts.
    pub regime: Regime,
    /// The decision's number, which the names of signals begin with.
    pub decision: DecisionId,
    /// The session after whose close is decided.
    pub as_of: NaiveDate,
}

/// What a selector makes of one symbol.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Long for one that is to be held or was only looked at, exit for one to be sold.
    pub signal: Signal,
    /// Whether it is to be held.
    pub selected: bool,
    /// Fall from the decision price to the level at which the idea is wrong, as a share of the
    /// price; 0 or less where that level is reached already.
    pub stop: f64,
    /// Why, in one sentence.
    pub reason: String,
}

/// Chooses what is to be held among what is seen. A pure function of what it is shown.
pub trait Selector {
    /// One choice a symbol, those to be held first, best first; none for a symbol nothing can be
    /// said about, which stays as it is. Sentences for the plan go to `notes`.
    ///
    /// # Errors
    /// Whatever keeps it from choosing at all.
    fn select(&self, look: &Look<'_>, notes: &mut Vec<String>) -> Result<Vec<Choice>, Error>;
}

/// The scanner of 52-week highs.
impl Selector for High52 {
    fn select(&self, look: &Look<'_>, notes: &mut Vec<String>) -> Result<Vec<Choice>, Error> {
        let scan = self.scan(look.histories, look.held, look.decision, look.as_of)?;
        let params = self.params();
        for warming in &scan.warming {
            notes.push(format!(
                "{} has {} sessions of the {} a signal needs",
                warming.symbol, warming.sessions, params.window
            ));
        }
        let choice = |scanned: atlas_strategy::momentum::Scanned| Choice {
            reason: scanned.reason(),
            selected: matches!(scanned.selection, Selection::Selected { .. }),
            stop: 1.0 - params.exit / scanned.proximity.ratio(),
            signal: scanned.signal,
        };
        Ok(scan.scanned.into_iter().map(choice).collect())
    }
}

impl Choice {
    /// Whether the symbol is to be sold.
    #[must_use]
    pub fn is_exit(&self) -> bool {
        self.signal.direction == Direction::Exit
    }
}
