//! The course of an account as its journal has it.

use std::collections::BTreeMap;

use atlas_core::Usd;
use atlas_core::calendar::{Calendar, to_eastern};
use atlas_core::journal::Record;
use atlas_core::time::Timestamp;
use atlas_exec::event::Event;
use chrono::NaiveDate;

use super::{Course, FillLine, OrderLine};
use crate::Error;

impl Course {
    /// That of a journal, of a rehearsal or of a real account: what was sent, what was filled, and
    /// what the broker said the account was worth once a session was over.
    ///
    /// The chain of the records is not proven here: what was changed by hand is to be found, not
    /// refused.
    ///
    /// # Errors
    /// [`Error::Session`] for a record that this program cannot read.
    pub fn of_records<'r>(records: impl IntoIterator<Item = &'r Record>) -> Result<Self, Error> {
        let mut course = Self::default();
        let mut closes: BTreeMap<NaiveDate, Usd> = BTreeMap::new();
        for record in records {
            course.take(record, &mut closes)?;
        }
        course.equity = closes.into_iter().collect();
        Ok(course)
    }

    fn take(
        &mut self,
        record: &Record,
        closes: &mut BTreeMap<NaiveDate, Usd>,
    ) -> Result<(), Error> {
        if !KINDS.contains(&record.kind.as_str()) {
            return Ok(());
        }
        let event = Event::decode(record.seq, &record.kind, record.version, &record.payload)?;
        #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is not compared")]
        match event {
            Event::OrderIntent(intent) => {
                let request = intent.request;
                self.note_account(&request.client_order_id, request.side, &request.symbol);
                self.orders.push(OrderLine {
                    date: day(record.ts_event)?,
                    limit_price: request.limit_price(),
                    client_order_id: request.client_order_id,
                    symbol: request.symbol,
                    side: request.side,
                    qty: request.qty,
                });
            }
            Event::Filled(filled) => {
                let fill = filled.fill;
                self.fills.push(FillLine {
                    date: day(fill.ts_event)?,
                    client_order_id: fill.client_order_id,
                    symbol: fill.symbol,
                    side: fill.side,
                    qty: fill.qty,
                    price: fill.price,
                });
            }
            Event::Reconciled(seen) => {
                if let Some(date) = closed_at(record.ts_event)? {
                    closes.insert(date, seen.account.equity);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The session whose close a moment after it speaks of; `None` while one is open.
fn closed_at(moment: Timestamp) -> Result<Option<NaiveDate>, Error> {
    let nyse = Calendar::nyse();
    match nyse.session_at(moment)? {
        Some(open) if moment < open.close => Ok(None),
        Some(_) | None => Ok(Some(nyse.last_closed(moment)?.date)),
    }
}

/// The day in New York.
fn day(moment: Timestamp) -> Result<NaiveDate, Error> {
    Ok(to_eastern(moment)?.date_naive())
}

/// Kinds of records that are compared; others need not be readable.
const KINDS: [&str; 3] = ["order_intent", "fill", "reconciled"];
