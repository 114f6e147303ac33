//! Looking at an account without taking hold of it.

use rusqlite::ErrorCode;

use crate::error::Error;
use crate::folder::AccountFolder;
use crate::journal::{Journal, MemoryStorage, SqliteStorage, Storage as _};
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
    patiently(|| {
        let storage = SqliteStorage::open_read_only(&path)?;
        Ok(Some(Journal::open(Box::new(storage))?.into_state()))
    })
}

/// A copy of every record of an account's journal, to try things on.
pub(crate) fn copy_records(folder: &AccountFolder) -> Result<MemoryStorage, Error> {
    patiently(|| {
        let mut copy = MemoryStorage::new();
        SqliteStorage::open_read_only(&folder.journal())?
            .replay(&mut |record, hash| copy.append(&[(record, hash)]))?;
        Ok(copy)
    })
}

/// How often a look is taken again that came in between a writer's closing and another's opening.
const LOOKS: u32 = 100;

/// Takes a look again if its files were just being made or removed by others.
fn patiently<T>(look: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    let mut looks = LOOKS;
    loop {
        match look() {
            Err(error) if looks > 0 && is_passing(&error) => {
                looks -= 1;
                std::thread::yield_now();
            }
            result => return result,
        }
    }
}

fn is_passing(error: &Error) -> bool {
    let Error::Sqlite { cause, .. } = error else { return false };
    matches!(
        cause.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::CannotOpen)
    )
}
