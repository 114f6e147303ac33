//! Named lists of symbols, which do nothing but exist.

use atlas_core::Symbol;
use atlas_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::exchange::Exchange;
use super::ids::{self, Kind};
use super::refusal::Refusal;

/// A named list of symbols.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watchlist {
    /// The venue's name for it.
    pub id: Uuid,
    /// The owner's name for it, unique within the account.
    pub name: String,
    /// What is on it, in the order it was added.
    pub symbols: Vec<Symbol>,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// What is to be done with a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchlistChange {
    /// Give it a name, symbols, or both.
    Set {
        /// The new name, if it is to have one.
        name: Option<String>,
        /// The new symbols, if it is to have others.
        symbols: Option<Vec<Symbol>>,
    },
    /// Put a symbol on it.
    Add(Symbol),
    /// Take a symbol off it.
    Remove(Symbol),
    /// Do away with it.
    Delete,
}

impl Exchange {
    /// All lists, oldest first.
    #[must_use]
    pub fn watchlists(&self) -> &[Watchlist] {
        &self.state.watchlists
    }

    /// Makes a list.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for a name that is empty, longer than 64 characters or taken,
    /// [`Refusal::Rule`] for a symbol that is not listed.
    pub fn add_watchlist(
        &mut self,
        name: String,
        symbols: Vec<Symbol>,
    ) -> Result<Watchlist, Refusal> {
        self.check_name(&name, None)?;
        self.check_listed(&symbols)?;
        let stamp = self.stamp();
        let count = stamp.timestamp_millis().unsigned_abs();
        let id = ids::uuid(self.state.seed, Kind::Watchlist, count);
        let list = Watchlist { id, name, symbols: once(symbols), created: stamp, updated: stamp };
        self.state.watchlists.push(list.clone());
        Ok(list)
    }

    /// Changes a list; gives it as it is afterwards, and for the last time if it is done away with.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a list or a symbol that is not there, otherwise as
    /// [`add_watchlist`](Self::add_watchlist).
    pub fn change_watchlist(
        &mut self,
        id: Uuid,
        change: WatchlistChange,
    ) -> Result<Watchlist, Refusal> {
        let missing = || Refusal::NotFound(format!("watchlist not found for {id}"));
        let at = self.state.watchlists.iter().position(|list| list.id == id).ok_or_else(missing)?;
        let mut list = self.state.watchlists[at].clone();
        match change {
            WatchlistChange::Set { name, symbols } => {
                if let Some(name) = name {
                    self.check_name(&name, Some(id))?;
                    list.name = name;
                }
                if let Some(symbols) = symbols {
                    self.check_listed(&symbols)?;
                    list.symbols = once(symbols);
                }
            }
            WatchlistChange::Add(symbol) => {
                self.check_listed(std::slice::from_ref(&symbol))?;
                list.symbols.push(symbol);
                list.symbols = once(list.symbols);
            }
            WatchlistChange::Remove(symbol) => {
                let before = list.symbols.len();
                list.symbols.retain(|other| *other != symbol);
                if list.symbols.len() == before {
                    return Err(Refusal::NotFound(format!("{symbol} is not on the watchlist")));
                }
            }
            WatchlistChange::Delete => return Ok(self.state.watchlists.remove(at)),
        }
        list.updated = self.stamp();
        self.state.watchlists[at] = list.clone();
        Ok(list)
    }

    fn check_name(&self, name: &str, own: Option<Uuid>) -> Result<(), Refusal> {
        if name.is_empty() || name.chars().count() > 64 {
            return Err(Refusal::Malformed("watchlist name must be 1 to 64 characters".into()));
        }
        let taken = |list: &Watchlist| list.name == name && Some(list.id) != own;
        if self.state.watchlists.iter().any(taken) {
            return Err(Refusal::Malformed("watchlist name must be unique".into()));
        }
        Ok(())
    }

    fn check_listed(&self, symbols: &[Symbol]) -> Result<(), Refusal> {
        match symbols.iter().find(|symbol| !self.listings().contains_key(symbol)) {
            Some(symbol) => Err(Refusal::Rule(format!("asset \"{symbol}\" not found"))),
            None => Ok(()),
        }
    }
}

/// The symbols without repeats, each where it came first.
fn once(symbols: Vec<Symbol>) -> Vec<Symbol> {
    let mut unique = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        if !unique.contains(&symbol) {
            unique.push(symbol);
        }
    }
    unique
}
