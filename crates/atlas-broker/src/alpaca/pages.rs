//! Walking lists of the data API to their end.

use std::collections::BTreeMap;

use atlas_core::Symbol;

use super::http::Call;
use super::wire::{Fault, Page};
use super::{Mode, Session};
use crate::Error;

impl<M: Mode> Session<M> {
    /// Adds all pages of a list by symbol, without what `read` leaves out. Only an absent token ends
    /// the walk: a page may be short, or empty, although more exists, and a symbol may go on in the
    /// next one.
    ///
    /// # Errors
    /// Any [`Error`]; what was added before it is not all there is.
    pub(super) async fn pages<P: Page, T>(
        &self,
        first: &Call,
        read: impl Fn(&P::Row, &Symbol) -> Result<Option<T>, Fault>,
        all: &mut BTreeMap<Symbol, Vec<T>>,
    ) -> Result<(), Error> {
        let mut token: Option<String> = None;
        loop {
            let call = match &token {
                Some(token) => first.clone().with("page_token", token.clone()),
                None => first.clone(),
            };
            let page: P = self.data.ask(&call).await?;
            let (rows, next) = page.parts();
            for (name, rows) in rows {
                let symbol = self.named(&call, &name)?;
                let rows = rows.unwrap_or_default();
                let read: Result<Vec<T>, Fault> =
                    rows.iter().filter_map(|row| read(row, &symbol).transpose()).collect();
                let read = read.map_err(|fault| self.data.fault(&call, fault))?;
                if !read.is_empty() {
                    all.entry(symbol).or_default().extend(read);
                }
            }
            let next = next.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(());
            }
            if next == token {
                let problem = "the same page token twice: the walk does not end".to_owned();
                return Err(self.data.bad_answer(&call, problem));
            }
            token = next;
        }
    }
}
