//! Looking at an account without taking hold of it.

use crate::error::Error;
use crate::folder::AccountFolder;
use crate::journal::{Journal, SqliteStorage};
use crate::state::State;

/// What an account's journal amounts to at this moment, `None` if it has none. Takes no lock and
/// appends nothing, so that it works beside a process that holds the account; that process may be
/// ahead of what is seen here.
///
/// # Errors
/// As [`Journal::open`], for a journal that cannot be trusted.
pub fn peek(folder: &AccountFolder) -> Result<Option<State>, Error> {
    let path = folder.journal();
    if !path.exists() {
        return Ok(None);
    }
    let storage = SqliteStorage::open_read_only(&path)?;
    Ok(Some(Journal::open(Box::new(storage))?.into_state()))
}
