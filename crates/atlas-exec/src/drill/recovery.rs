//! Coming back from the files alone, tried on a copy of them.

use std::path::Path;
use std::sync::Arc;

use atlas_core::time::Timestamp;
use atlas_core::{AccountName, Clock};

use super::Step;
use crate::error::Error;
use crate::folder::{AccountFolder, FenceNote, InputStore};
use crate::journal::verify_account;
use crate::peek::peek;
use crate::session::Session;
use crate::state::State;
use crate::states::{Cause, TradingState};
use crate::why::prove;

/// Rehearses a recovery of an account on a copy of its state directory (made by
/// [`crate::copy_state`]): proves the files whole, reads and folds them again, computes the last
/// decision again, and lets the copy be stopped and restarted. The account itself is only read.
///
/// Every step speaks, whatever became of those before it.
///
/// # Errors
/// As [`peek`] for a journal that cannot be read; everything else is a finding of its step.
pub fn rehearse_recovery(
    state_dir: &Path,
    copy: &Path,
    account: &AccountName,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Step>, Error> {
    let folder = AccountFolder::new(state_dir, account);
    let Some(before) = peek(&folder)? else {
        let found = Err("there is no journal: use the account first".to_owned());
        return Ok(vec![Step::of("files", found)]);
    };
    Ok(vec![
        Step::of("files", files(&folder)),
        Step::of("fold", fold(copy, account, clock, &before)),
        Step::of("decision", decision(copy, account, &before)),
        Step::of("stop", stop(copy, account, clock)),
        Step::of("restart", restart(copy, account, clock)),
    ])
}

fn files(folder: &AccountFolder) -> Result<String, String> {
    let found = verify_account(folder).map_err(|error| error.to_string())?;
    if !found.journal.is_whole() {
        let findings: Vec<String> =
            found.journal.findings.iter().map(ToString::to_string).collect();
        return Err(findings.join("; "));
    }
    Ok(format!(
        "{} records are whole, {} artifacts and {} stored inputs agree with them",
        found.journal.records, found.artifacts, found.inputs
    ))
}

fn fold(
    copy: &Path,
    account: &AccountName,
    clock: &Arc<dyn Clock>,
    before: &State,
) -> Result<String, String> {
    let session =
        Session::open(copy, account, Arc::clone(clock)).map_err(|error| error.to_string())?;
    let after = session.state();
    // Opening may add what it finds, such as a lost tail; an equal state adds nothing.
    if after != before {
        return Err(format!(
            "the copy folds to record {} ({}), the account stands at {} ({})",
            after.seq(),
            after.head().short(),
            before.seq(),
            before.head().short()
        ));
    }
    Ok(format!(
        "{} records fold to the same state: {}, {} orders, {} open",
        after.seq(),
        after.trading().state(),
        after.orders().len(),
        after.open_orders().count()
    ))
}

fn decision(copy: &Path, account: &AccountName, before: &State) -> Result<String, String> {
    let Some(id) = before.decisions().keys().next_back() else {
        return Ok("nothing was decided yet".to_owned());
    };
    let store = InputStore::of(&AccountFolder::new(copy, account));
    let plan = prove(&store, before, *id).map_err(|error| error.to_string())?;
    Ok(format!(
        "decision {id} of {} comes out the same from its stored inputs, to the byte",
        plan.as_of
    ))
}

/// A fence that somebody raises stops the copy.
fn stop(copy: &Path, account: &AccountName, clock: &Arc<dyn Clock>) -> Result<String, String> {
    let mut session =
        Session::open(copy, account, Arc::clone(clock)).map_err(|error| error.to_string())?;
    let at: Timestamp = session.state().last().unwrap_or_else(|| clock.now());
    let (by, why) = ("drill".to_owned(), "a rehearsal, on a copy".to_owned());
    session
        .fence()
        .raise(&FenceNote { cause: Cause::Kill, by, at, why })
        .map_err(|error| error.to_string())?;
    session.take_note_of_fence().map_err(|error| error.to_string())?;
    let state = session.trading_state();
    if state == TradingState::Halted {
        return Ok("a fence HALTS it".to_owned());
    }
    Err(format!("it is {state} although its fence is up"))
}

/// What stopped it still does after a restart.
fn restart(copy: &Path, account: &AccountName, clock: &Arc<dyn Clock>) -> Result<String, String> {
    let session =
        Session::open(copy, account, Arc::clone(clock)).map_err(|error| error.to_string())?;
    let state = session.trading_state();
    if state == TradingState::Halted {
        return Ok("it is still HALTED after a restart".to_owned());
    }
    Err(format!("it is {state} after a restart, and was HALTED before"))
}
