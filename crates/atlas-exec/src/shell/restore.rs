//! Giving positions back the protection they lack, outside of any plan.
//!
//! A stop makes room for a planned trade and is placed anew once the trading is over. Where it
//! could not be, since the run was stopped, the stop expired or nobody could send it, the next look
//! at the account places it.

use std::collections::BTreeMap;

use atlas_broker::Broker;
use atlas_core::Symbol;

use super::protect::due;
use super::run::{Run, Tools};
use super::{News, Settings};
use crate::approver::Approver;
use crate::error::Error;
use crate::protection::{Cover, cover};
use crate::sequencer::Finish;
use crate::session::Session;
use crate::state::{Decision, State};
use crate::states::{Deed, Permission};
use crate::timer::Timer;

/// What came of a look at what lacks protection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Whether anything was sent or canceled.
    pub acted: bool,
    /// What still is not protected as it is to be.
    pub bare: BTreeMap<Symbol, Cover>,
    /// Why nobody tried, in one sentence; `None` if somebody did, or nothing was lacking.
    pub held_back: Option<String>,
}

/// Places a stop for every whole share that is owned and has none, and cancels stops for shares
/// that are not there any more. Does nothing without [`Settings::protection`], while a plan is
/// under way, which protects what is held once it is over, or where the account's state leaves
/// reducing orders to a person.
///
/// # Errors
/// [`Error::Broker`] if the broker cannot be asked; errors of the journal.
pub async fn restore_protection(
    session: &mut Session,
    broker: &dyn Broker,
    approver: &dyn Approver,
    timer: &dyn Timer,
    settings: &Settings,
) -> Result<Restored, Error> {
    if settings.protection.is_none() {
        return Ok(Restored { acted: false, bare: BTreeMap::new(), held_back: None });
    }
    session.take_note_of_fence()?;
    session.take_commands()?;
    let lacking = is_lacking(session);
    let held_back = held_back(session);
    let mut acted = false;
    if lacking && held_back.is_none() {
        // A broker that tells more than the journal knows is heard first.
        session.import_news(broker).await?;
        let settings = Settings { news: News::Polled, entries_until: None, ..settings.clone() };
        let since = session.now();
        let tools = Tools { broker, approver, timer, settings: &settings };
        let mut run = Run::new(session, tools, None, since, Vec::new());
        let finish = run.run().await?;
        acted = run.acted();
        if let Finish::Stopped { reason, .. } = finish {
            tracing::error!(%reason, "not everything that is held could be protected");
        }
    }
    let bare = bare(session.state());
    let held_back = held_back.filter(|_| !bare.is_empty());
    Ok(Restored { acted, bare, held_back })
}

/// Positions whose every whole share is not on one live protective order.
#[must_use]
pub fn bare(state: &State) -> BTreeMap<Symbol, Cover> {
    let mut found = cover(state);
    found.retain(|_, cover| !cover.is_whole());
    found
}

/// Whether any protective order is missing, too many, too old, or in doubt.
fn is_lacking(session: &Session) -> bool {
    let state = session.state();
    let (right, missing) = due(session);
    let live = state.guards().count();
    !missing.is_empty() || right.len() != live || state.doubtful_guards().next().is_some()
}

/// Why no protective order may be placed now.
fn held_back(session: &Session) -> Option<String> {
    if session.permits(Deed::Reduce) != Permission::Yes {
        let trading = session.state().trading();
        return Some(format!("the account is {} ({})", trading.state(), trading.describe()));
    }
    let begun = session.state().pending().filter(|pending: &&Decision| pending.started.is_some());
    begun
        .map(|pending| format!("the plan of decision {} is under way", pending.planned.decision_id))
}
