//! The books as they are when the process that keeps them hangs.

use std::collections::BTreeMap;
use std::sync::Arc;

use atlas_broker::{ActivityId, Broker};
use atlas_core::{AccountName, Clock, Qty, Symbol};

use crate::error::Error;
use crate::folder::{AccountFolder, Command, Fence, Inbox, InputStore};
use crate::peek::copy_records;
use crate::session::{Ground, Session};

/// A copy of an account's journal in memory, which the broker's ledger is taken into: what Atlas
/// owns now, though the process that holds the account has not journaled it. Nothing is written.
#[derive(Debug)]
pub struct Copy(Session);

impl Copy {
    /// Copies the journal, and takes in what flattenings before have left in the inbox.
    ///
    /// # Errors
    /// As [`crate::peek()`]; [`Error::Io`] if the inbox cannot be read.
    pub fn of(
        folder: &AccountFolder,
        account: &AccountName,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let ground = Ground { inputs: InputStore::in_memory(), fence: Fence::in_memory() };
        let mut session = Session::over(account, Box::new(copy_records(folder)?), ground, clock)?;
        for left in Inbox::of(folder).look()? {
            if let Command::Flatten { orders, .. } = &left.command {
                session.record_all(session.flattening(orders))?;
            }
        }
        Ok(Self(session))
    }

    /// Takes in what the broker's ledger says since.
    ///
    /// # Errors
    /// [`Error::Broker`] if the broker cannot be asked.
    pub async fn update(&mut self, broker: &dyn Broker) -> Result<(), Error> {
        if self.0.state().account().is_some() {
            self.0.import_news(broker).await?;
        }
        Ok(())
    }

    /// Shares Atlas owns.
    #[must_use]
    pub fn owned(&self) -> BTreeMap<Symbol, Qty> {
        self.0.state().books().all_owned()
    }

    /// The last entry of the broker's ledger that was taken in.
    #[must_use]
    pub fn last_entry(&self) -> Option<&ActivityId> {
        self.0.state().bookmark()
    }
}
