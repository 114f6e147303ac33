//! What can be asked.

use std::fmt;
use std::str::FromStr;

use atlas_core::{ClientOrderId, DecisionId, Symbol};
use chrono::NaiveDate;

use crate::state::{Decision, State};

/// What one wants to know the reason of.
///
/// # Examples
/// ```
/// use atlas_exec::why::Question;
///
/// assert!(matches!("2019-01-02".parse(), Ok(Question::Date(_))));
/// assert!(matches!("atlas-default-3-buy-AAPL-0".parse(), Ok(Question::Order(_))));
/// assert!(matches!("AAPL".parse(), Ok(Question::Symbol(_))));
/// assert!(matches!("7".parse(), Ok(Question::Decision(_))));
/// # Ok::<(), atlas_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// An order of ours.
    Order(ClientOrderId),
    /// A symbol: the latest decision that wanted something of it.
    Symbol(Symbol),
    /// A session: the latest decision made after its close, else the latest executed in it.
    Date(NaiveDate),
    /// A decision by its number.
    Decision(DecisionId),
}

impl FromStr for Question {
    type Err = atlas_core::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(date) = text.parse() {
            return Ok(Self::Date(date));
        }
        if let Ok(number) = text.parse() {
            return Ok(Self::Decision(DecisionId(number)));
        }
        match text.parse::<ClientOrderId>() {
            Ok(id) if id.is_ours() => Ok(Self::Order(id)),
            Ok(_) | Err(_) => text.parse().map(Self::Symbol),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(id) => write!(f, "order {id}"),
            Self::Symbol(symbol) => write!(f, "symbol {symbol}"),
            Self::Date(date) => write!(f, "session {date}"),
            Self::Decision(id) => write!(f, "decision {id}"),
        }
    }
}

impl Question {
    /// The decision the question is about.
    pub(super) fn find<'a>(&self, state: &'a State) -> Option<&'a Decision> {
        let mut latest = state.decisions().values().rev();
        match self {
            // A protective order is no leg; it belongs to the decision after which it was placed.
            Self::Order(id) => latest
                .find(|d| d.planned.legs.iter().any(|leg| leg.id() == id))
                .or_else(|| state.decisions().get(&state.orders().get(id)?.decision_id?)),
            Self::Symbol(symbol) => {
                let traded =
                    |d: &&Decision| d.planned.legs.iter().any(|leg| leg.request.symbol == *symbol);
                // Where it was never traded, a signal that came to nothing is the answer.
                let signalled = |d: &&Decision| {
                    let end = format!("-{symbol}");
                    d.planned.signals.iter().any(|signal| signal.id.as_str().ends_with(&end))
                };
                latest.find(traded).or_else(|| state.decisions().values().rev().find(signalled))
            }
            Self::Date(date) => {
                latest.find(|decision| decision.planned.as_of == *date).or_else(|| {
                    let mut latest = state.decisions().values().rev();
                    latest.find(|decision| decision.planned.execute_on == *date)
                })
            }
            Self::Decision(id) => state.decisions().get(id),
        }
    }
}
