//! The exchange as a handle that many threads can hold, with its state on disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_core::{Clock, Symbol, Weight};
use chrono::SubsecRound;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::core::ids::{self, Kind};
use crate::core::{
    Exchange, Intent, Listing, NewOrder, OrderRecord, Refusal, Replacement, Taken, Update,
    Watchlist,
};
use crate::credentials::Credentials;
use crate::store::{Kept, Store};
use crate::told::{History, Told};
use crate::{Error, VenueConfig};

/// A venue with one account: cheap to clone, all clones are the same venue.
///
/// With a directory every change is on disk before the call returns, and opening it again goes on
/// where it was left. After a failure to write nothing more is accepted ([`Error::Stopped`]):
/// opening it again goes on from what is on disk.
///
/// Calls that come while others are being written share the next write: each still returns only
/// when what it did is on disk.
///
/// The venue's clock stands until [`advance_to`](Self::advance_to) moves it.
///
/// # Examples
/// ```
/// use atlas_core::bars::{Bars, Columns};
/// use atlas_venue::{Listing, Venue, VenueConfig};
///
/// let bars = Bars::new("AAPL".parse()?, Columns {
///     dates: vec!["2019-01-02".parse().unwrap(), "2019-01-03".parse().unwrap()],
///     close: vec![157.92, 142.19],
///     ..Columns::default()
/// })?;
/// let config = VenueConfig::realistic("2019-01-02T22:00:00Z".parse().unwrap());
/// let venue = Venue::open(None, config, [Listing::raw(bars)])?;
/// venue.advance_to("2019-01-03T14:35:00Z".parse().unwrap())?;
/// assert!(venue.advance_to("2019-01-03T14:30:00Z".parse().unwrap()).is_err());
/// # Ok::<(), atlas_venue::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Venue {
    shared: Arc<Shared>,
    /// Whether calls leave it to [`settled`](Self::settled) to wait for the disk.
    is_deferred: bool,
}

#[derive(Debug)]
struct Shared {
    /// Taken after the store, where both are.
    inner: Mutex<Inner>,
    store: Option<Mutex<Store>>,
    /// The number of the last change that is on disk.
    durable: AtomicU64,
    told: Told,
    seed: u64,
}

#[derive(Debug)]
struct Inner {
    exchange: Exchange,
    /// Number of changes so far.
    changes: u64,
    stopped: Option<String>,
    /// What a server keeps beside the account, by name.
    notes: BTreeMap<String, String>,
}

/// The opening hours around the venue's present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// The venue's present.
    pub now: Timestamp,
    /// Whether regular trading goes on.
    pub is_open: bool,
    /// The next opening after the present.
    pub next_open: Timestamp,
    /// The next close after the present.
    pub next_close: Timestamp,
}

impl Venue {
    /// Opens a venue: kept in `dir`, or in memory alone if there is none. An account found there is
    /// taken up again, and a new one is opened where there is none; listings are handed in each
    /// time.
    ///
    /// # Errors
    /// [`Error::Missing`] if the file is gone and its write-ahead log is not; [`Error::InUse`], [`Error::NewerFormat`], [`Error::Damaged`] and [`Error::Store`] for the
    /// file; [`Error::NotListed`] if the account holds what is not listed; [`Error::Setting`],
    /// [`Error::ListedTwice`] and [`Error::Core`] for what was handed in.
    pub fn open(
        dir: Option<&Path>,
        config: VenueConfig,
        listings: impl IntoIterator<Item = Listing>,
    ) -> Result<Self, Error> {
        config.check()?;
        let Some(dir) = dir else {
            return Self::start(Exchange::new(config, listings)?, None);
        };
        let mut store = Store::open(dir)?;
        let exchange = if let Some(kept) = store.load()? {
            restore(config, listings, kept)?
        } else {
            let mut exchange = Exchange::new(config, listings)?;
            store.create(&mut exchange)?;
            exchange
        };
        Self::start(exchange, Some(store))
    }

    /// Opens the venue of an account that exists: as [`open`](Self::open), yet where `dir` holds no
    /// account, or one whose creation was not finished, none is opened.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no account, with nothing made; as [`open`](Self::open).
    pub fn reopen(
        dir: &Path,
        config: VenueConfig,
        listings: impl IntoIterator<Item = Listing>,
    ) -> Result<Self, Error> {
        config.check()?;
        let store = Store::reopen(dir)?;
        let kept = store.load()?.ok_or_else(|| store.missing())?;
        let exchange = restore(config, listings, kept)?;
        Self::start(exchange, Some(store))
    }

    fn start(mut exchange: Exchange, store: Option<Store>) -> Result<Self, Error> {
        exchange.watch();
        let changes = u64::from(exchange.reject_waiting()?);
        let seed = exchange.state().seed;
        let notes = store.as_ref().map(Store::notes).transpose()?.unwrap_or_default();
        let inner = Mutex::new(Inner { exchange, changes, stopped: None, notes });
        let (store, durable) = (store.map(Mutex::new), AtomicU64::new(0));
        let shared = Arc::new(Shared { inner, store, durable, told: Told::default(), seed });
        Ok(Self { shared, is_deferred: false })
    }

    /// The same venue for a server: its calls return before what they did is on disk, and whoever
    /// tells of it waits for [`settled`](Self::settled) first.
    pub(crate) fn deferred(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), is_deferred: true }
    }

    /// Waits until everything that has happened so far is on disk, together with what others wait
    /// for; returns at once for a venue in memory.
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Stopped`] as for every change.
    pub(crate) async fn settled(&self) -> Result<(), Error> {
        if self.shared.store.is_none() {
            return Ok(());
        }
        let change = self.lock().changes;
        if self.shared.durable.load(Ordering::Acquire) >= change {
            return self.lock().check_running();
        }
        let venue = self.clone();
        let written = tokio::task::spawn_blocking(move || venue.settle(change)).await;
        written.unwrap_or_else(|error| Err(Error::Stopped { problem: error.to_string() }))
    }

    /// Waits until a change is on disk: whoever comes first writes for all who have come since.
    fn settle(&self, change: u64) -> Result<(), Error> {
        let Some(store) = &self.shared.store else { return Ok(()) };
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.durable.load(Ordering::Acquire) >= change {
            return self.lock().check_running();
        }
        let (batch, updates, until) = {
            let mut inner = self.lock();
            inner.check_running()?;
            let changes = inner.exchange.take_changes();
            (store.batch(&inner.exchange, &changes), changes.updates, inner.changes)
        };
        if let Err(error) = batch.and_then(|batch| store.write(batch, &updates)) {
            self.lock().stopped = Some(error.to_string());
            return Err(error);
        }
        self.shared.durable.store(until, Ordering::Release);
        self.shared.told.tell(updates);
        Ok(())
    }

    /// From now on messages are kept for [`history`](Self::history), together with those the store
    /// has from before.
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Damaged`] for the store, [`Error::Stopped`].
    pub(crate) fn keep_history(&self) -> Result<(), Error> {
        if let Some(store) = &self.shared.store {
            let change = self.lock().changes;
            self.settle(change)?;
            // What becomes durable is told of while the store is held: nothing comes in between.
            let store = store.lock().unwrap_or_else(PoisonError::into_inner);
            let count = self.lock().exchange.state().updates;
            self.shared.told.keep(store.updates()?, count);
        } else {
            let inner = self.lock();
            self.shared.told.keep(Vec::new(), inner.exchange.state().updates);
        }
        Ok(())
    }

    /// Messages of the past that fit, if any are wanted, and all to come; see [`Told::since`].
    pub(crate) fn history(
        &self,
        wants_past: bool,
        fits: impl Fn(&Update) -> bool,
    ) -> Option<History> {
        if wants_past && self.shared.told.is_blank() {
            return None;
        }
        self.shared.told.since(|update| wants_past && fits(update))
    }

    /// The venue's present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inspect(Exchange::now)
    }

    /// Moves the clock forward: working orders meet the prices on the way, sessions open and
    /// close, orders expire, fees are posted.
    ///
    /// # Errors
    /// [`Error::ClockBackwards`] naming both moments, and [`Error::Core`] outside of the calendar,
    /// with nothing changed; [`Error::Store`] and [`Error::Stopped`] as for every change.
    pub fn advance_to(&self, to: Timestamp) -> Result<(), Error> {
        let mut inner = self.lock();
        inner.check_running()?;
        let clock = inner.exchange.state().clock;
        let to = to.trunc_subsecs(3);
        if to < clock {
            return Err(Error::ClockBackwards { clock, asked: to });
        }
        inner.exchange.check_reach(to)?;
        if to == clock {
            return Ok(());
        }
        let moved = inner.exchange.advance_to(to);
        self.finish(inner, moved)
    }

    /// Moves the clock forward as [`advance_to`](Self::advance_to) does, for a clock that runs: a
    /// step in which nothing happened becomes durable with the next change or
    /// [`keep`](Self::keep), and after a crash is made again. A moment that has passed changes
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Core`] outside of the calendar, with nothing changed; [`Error::Store`] and
    /// [`Error::Stopped`] as for every change.
    pub fn drift_to(&self, to: Timestamp) -> Result<(), Error> {
        let mut inner = self.lock();
        inner.check_running()?;
        let to = to.trunc_subsecs(3);
        if to <= inner.exchange.state().clock {
            return Ok(());
        }
        inner.exchange.check_reach(to)?;
        let known = (inner.exchange.activities().len(), inner.exchange.steps());
        let moved = inner.exchange.advance_to(to);
        let is_quiet =
            moved.is_ok() && (inner.exchange.activities().len(), inner.exchange.steps()) == known;
        if is_quiet { Ok(()) } else { self.finish(inner, moved) }
    }

    /// Writes where the clock stands.
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Stopped`] as for every change.
    pub fn keep(&self) -> Result<(), Error> {
        let inner = self.lock();
        inner.check_running()?;
        self.finish(inner, Ok(()))
    }

    /// What was kept under a name by [`set_note`](Self::set_note).
    pub(crate) fn note(&self, name: &str) -> Option<String> {
        self.lock().notes.get(name).cloned()
    }

    /// Keeps a text beside the account.
    pub(crate) fn set_note(&self, name: &str, text: &str) -> Result<(), Error> {
        self.lock().check_running()?;
        if let Some(store) = &self.shared.store {
            store.lock().unwrap_or_else(PoisonError::into_inner).set_note(name, text)?;
        }
        self.lock().notes.insert(name.to_owned(), text.to_owned());
        Ok(())
    }

    /// Moves the clock to the close of the session it stands in, or does nothing outside of one:
    /// day orders expire and the day's fees are posted.
    ///
    /// # Errors
    /// As [`advance_to`](Self::advance_to).
    pub fn settle_day(&self) -> Result<(), Error> {
        let session = self.inspect(Exchange::session)?;
        session.map_or(Ok(()), |session| self.advance_to(session.close))
    }

    /// The venue's number of the account.
    #[must_use]
    pub fn account_number(&self) -> String {
        let id = self.account_id().simple().to_string();
        format!("PA{}", id[..10].to_ascii_uppercase())
    }

    /// The venue's identifier of the account.
    #[must_use]
    pub fn account_id(&self) -> Uuid {
        ids::uuid(self.shared.seed, Kind::Account, 1)
    }

    /// The key pair that belongs to the account's seed.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials::from_seed(self.shared.seed)
    }

    /// The opening hours around the present.
    ///
    /// # Errors
    /// [`Error::Core`] at the end of the calendar.
    pub fn hours(&self) -> Result<Hours, Error> {
        let (now, session) = self.inspect(|exchange| (exchange.now(), exchange.session()));
        let nyse = Calendar::nyse();
        let Some(session) = session? else {
            let next = nyse.next_session(nyse.last_closed(now)?.date)?;
            return Ok(Hours { now, is_open: false, next_open: next.open, next_close: next.close });
        };
        let next_open = nyse.next_session(session.date)?.open;
        Ok(Hours { now, is_open: true, next_open, next_close: session.close })
    }

    /// Takes a quote in, which moves the clock to its moment; see [`Exchange::take_quote`].
    ///
    /// # Errors
    /// As [`Exchange::take_quote`], with nothing changed for a quote of a moment that has passed;
    /// [`Error::Store`] and [`Error::Stopped`] as for every change.
    pub fn take_quote(&self, quote: &atlas_core::Quote) -> Result<(), Error> {
        let mut inner = self.lock();
        inner.check_running()?;
        let clock = inner.exchange.state().clock;
        if quote.ts_event < clock {
            return Err(Error::ClockBackwards { clock, asked: quote.ts_event });
        }
        Calendar::nyse().session_at(quote.ts_event)?;
        if quote.is_crossed() {
            return inner.exchange.take_quote(quote);
        }
        let taken = inner.exchange.take_quote(quote);
        self.finish(inner, taken)
    }

    /// Takes an order; see [`Exchange::submit`].
    ///
    /// # Errors
    /// A [`Refusal`]; [`Refusal::Internal`] means that the venue has stopped.
    pub fn submit(&self, order: NewOrder) -> Result<Taken, Refusal> {
        self.change(|exchange| exchange.submit(order))
    }

    /// Takes an order if it does what its sender means; see [`Exchange::submit_meant`].
    ///
    /// # Errors
    /// A [`Refusal`]; [`Refusal::Internal`] means that the venue has stopped.
    pub fn submit_meant(&self, order: NewOrder, meant: Option<Intent>) -> Result<Taken, Refusal> {
        self.change(|exchange| exchange.submit_meant(order, meant))
    }

    /// Replaces an order; see [`Exchange::replace`].
    ///
    /// # Errors
    /// A [`Refusal`]; [`Refusal::Internal`] means that the venue has stopped.
    pub fn replace(&self, id: Uuid, wish: &Replacement) -> Result<OrderRecord, Refusal> {
        self.change(|exchange| exchange.replace(id, wish))
    }

    /// Accepts the replacement of an order, to be carried out later; see
    /// [`Exchange::begin_replace`].
    ///
    /// # Errors
    /// A [`Refusal`]; [`Refusal::Internal`] means that the venue has stopped.
    pub fn begin_replace(&self, id: Uuid, wish: &Replacement) -> Result<OrderRecord, Refusal> {
        self.change(|exchange| exchange.begin_replace(id, wish))
    }

    /// Carries out a replacement that was accepted, by its successor's name; see
    /// [`Exchange::end_replace`].
    ///
    /// # Errors
    /// A [`Refusal`]; [`Refusal::Internal`] means that the venue has stopped.
    pub fn end_replace(&self, successor: Uuid) -> Result<(), Refusal> {
        self.change(|exchange| exchange.end_replace(successor))
    }

    /// Suspends trading, or lifts the suspension; see [`Exchange::suspend`].
    ///
    /// # Errors
    /// [`Refusal::Internal`] if it could not be kept: the venue has stopped.
    pub fn suspend(&self, suspended: bool) -> Result<(), Refusal> {
        self.change(|exchange| {
            exchange.suspend(suspended);
            Ok(())
        })
    }

    /// Changes what the account's owner has forbidden it.
    pub(crate) fn configure(&self, act: impl FnOnce(&mut Exchange)) -> Result<(), Refusal> {
        self.change(|exchange| {
            act(exchange);
            Ok(())
        })
    }

    /// Halts trading in a symbol, or lifts the halt; see [`Exchange::halt`].
    ///
    /// # Errors
    /// A [`Refusal`]; [`Refusal::Internal`] means that the venue has stopped.
    pub fn halt(&self, symbol: &Symbol, halted: bool) -> Result<(), Refusal> {
        self.change(|exchange| exchange.halt(symbol, halted))
    }

    /// Cancels an order; see [`Exchange::cancel`].
    ///
    /// # Errors
    /// A [`Refusal`]; [`Refusal::Internal`] means that the venue has stopped.
    pub fn cancel(&self, id: Uuid) -> Result<(), Refusal> {
        self.change(|exchange| exchange.cancel(id))
    }

    /// Accepts the cancellation of an order, to be carried out later; see
    /// [`Exchange::begin_cancel`].
    ///
    /// # Errors
    /// A [`Refusal`]; [`Refusal::Internal`] means that the venue has stopped.
    pub fn begin_cancel(&self, id: Uuid) -> Result<(), Refusal> {
        self.change(|exchange| exchange.begin_cancel(id))
    }

    /// Lets the next order fill by at most this share in its first session; see
    /// [`Exchange::limit_next_order`].
    pub fn limit_next_order(&self, share: Weight) {
        self.lock().exchange.limit_next_order(share);
    }

    /// Changes a list of symbols.
    pub(crate) fn watch_list(
        &self,
        act: impl FnOnce(&mut Exchange) -> Result<Watchlist, Refusal>,
    ) -> Result<Watchlist, Refusal> {
        self.change(act)
    }

    /// Looks at the exchange while nothing can change it. Must not call the venue again.
    pub fn inspect<T>(&self, look: impl FnOnce(&Exchange) -> T) -> T {
        look(&self.lock().exchange)
    }

    /// Messages about orders from now on. Whoever reads too slowly is told how many were missed.
    #[must_use]
    pub fn updates(&self) -> broadcast::Receiver<Arc<Update>> {
        self.shared.told.listen()
    }

    fn change<T>(
        &self,
        act: impl FnOnce(&mut Exchange) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut inner = self.lock();
        inner.check_running()?;
        match act(&mut inner.exchange) {
            Ok(done) => {
                self.finish(inner, Ok(()))?;
                Ok(done)
            }
            Err(Refusal::Internal(problem)) => {
                inner.stopped = Some(problem.clone());
                Err(Refusal::Internal(problem))
            }
            // Refused: nothing has changed.
            Err(refusal) => Err(refusal),
        }
    }

    /// Makes a change durable, then tells of it; a deferred venue leaves that to who waits.
    fn finish(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        done: Result<(), Error>,
    ) -> Result<(), Error> {
        if let Err(error) = done {
            inner.stopped = Some(error.to_string());
            return Err(error);
        }
        inner.changes += 1;
        if self.shared.store.is_none() {
            // Told under the lock, so that messages keep the order of what happened.
            self.shared.told.tell(inner.exchange.take_changes().updates);
            return Ok(());
        }
        let change = inner.changes;
        drop(inner);
        if self.is_deferred { Ok(()) } else { self.settle(change) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
            let mut inner = poisoned.into_inner();
            inner.stopped.get_or_insert_with(|| "a panic while it was changed".to_owned());
            inner
        })
    }
}

impl Inner {
    fn check_running(&self) -> Result<(), Error> {
        self.stopped
            .as_ref()
            .map_or(Ok(()), |problem| Err(Error::Stopped { problem: problem.clone() }))
    }
}

fn restore(
    config: VenueConfig,
    listings: impl IntoIterator<Item = Listing>,
    kept: Kept,
) -> Result<Exchange, Error> {
    let Kept { state, orders, activities } = kept;
    Exchange::restore(config, listings, state, orders, activities)
}

impl Clock for Venue {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

#[cfg(test)]
mod tests {
    use atlas_core::Side;

    use super::*;
    use crate::core::tests::{at, listings, order};
    use crate::core::{Kind as OrderKind, Status};

    fn config() -> VenueConfig {
        VenueConfig::realistic(at("2019-01-03T14:35:00Z"))
    }

    fn open(dir: &Path) -> Result<Venue, Error> {
        Venue::open(Some(dir), config(), listings())
    }

    fn told(venue: &Venue) -> String {
        venue.inspect(|exchange| {
            format!("{:?} {:?} {:?}", exchange.state(), exchange.orders(), exchange.activities())
        })
    }

    #[test]
    fn opening_again_goes_on_where_it_was_left() {
        let dir = tempfile::tempdir().unwrap();
        let venue = open(dir.path()).unwrap();
        venue.submit(order("AAPL", Side::Buy, "10", OrderKind::Market)).unwrap();
        venue
            .submit(order("AAPL", Side::Buy, "1", OrderKind::Limit("100".parse().unwrap())))
            .unwrap();
        let before = told(&venue);
        assert!(matches!(open(dir.path()), Err(Error::InUse { .. })));
        drop(venue);
        let venue = open(dir.path()).unwrap();
        assert_eq!(told(&venue), before);
        venue.settle_day().unwrap();
        let again = venue.submit(order("AAPL", Side::Buy, "1", OrderKind::Market)).unwrap();
        assert_eq!(again.order.seq, 3);
        assert!(matches!(
            venue.advance_to(at("2019-01-03T14:35:00Z")),
            Err(Error::ClockBackwards { .. })
        ));
    }

    #[test]
    fn a_replacement_that_waited_is_rejected_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let venue = open(dir.path()).unwrap();
        let limit = |text: &str| text.parse().unwrap();
        let rests = order("AAPL", Side::Buy, "1", OrderKind::Limit(limit("100")));
        let old = venue.submit(rests).unwrap().order;
        let wish = Replacement { limit: Some(limit("99")), ..Replacement::default() };
        let new = venue.begin_replace(old.id, &wish).unwrap();
        drop(venue);
        for _ in 0..2 {
            let venue = open(dir.path()).unwrap();
            let status = |id| venue.inspect(|exchange| exchange.order_by_id(id).unwrap().status);
            assert_eq!((status(old.id), status(new.id)), (Status::New, Status::Rejected));
            venue.keep_history().unwrap();
            let told = venue.history(true, |update| update.seq > 4).unwrap();
            let words: Vec<&str> = told.0.iter().map(|update| update.event.as_str()).collect();
            assert_eq!(words, ["order_replace_rejected", "rejected"]);
            venue.end_replace(new.id).unwrap();
        }
    }

    fn reopen(dir: &Path) -> Result<Venue, Error> {
        Venue::reopen(dir, config(), listings())
    }

    #[test]
    fn an_account_that_must_exist_is_taken_up_and_never_made() {
        let dir = tempfile::tempdir().unwrap();
        let nowhere = dir.path().join("venue");
        let error = reopen(&nowhere).unwrap_err().to_string();
        assert!(error.contains("venue/venue.sqlite are missing: restore them"), "{error}");
        assert!(!nowhere.exists());

        let venue = open(&nowhere).unwrap();
        venue.submit(order("AAPL", Side::Buy, "10", OrderKind::Market)).unwrap();
        let before = told(&venue);
        assert!(matches!(reopen(&nowhere), Err(Error::InUse { .. })));
        drop(venue);
        assert_eq!(told(&reopen(&nowhere).unwrap()), before);

        let file = nowhere.join("venue.sqlite");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(reopen(&nowhere), Err(Error::Missing { .. })));
        assert_eq!(std::fs::read(&file).unwrap(), b"");
        let connection = rusqlite::Connection::open(&file).unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        drop(connection);
        assert!(matches!(reopen(&nowhere), Err(Error::Damaged { .. })));
    }

    /// What a creation killed at any moment leaves: file and write-ahead log. The last one is
    /// complete.
    fn kill_points() -> Vec<[Option<Vec<u8>>; 2]> {
        let dir = tempfile::tempdir().unwrap();
        let venue = open(dir.path()).unwrap();
        let main = std::fs::read(dir.path().join("venue.sqlite")).unwrap();
        let log = std::fs::read(dir.path().join("venue.sqlite-wal")).unwrap();
        drop(venue);
        assert_eq!(main.len(), 4096, "the tables are in the log until it is folded in");
        let mut points = vec![[None, None], [Some(Vec::new()), None], [Some(main.clone()), None]];
        for kept in (0..log.len()).step_by(3000).chain([log.len() - 1, log.len()]) {
            points.push([Some(main.clone()), Some(log[..kept].to_vec())]);
        }
        points
    }

    #[test]
    fn a_creation_that_was_killed_is_completed_by_open_and_refused_by_reopen() {
        let points = kill_points();
        let complete = points.len() - 1;
        let expected = told(&Venue::open(None, config(), listings()).unwrap());
        for (point, [main, log]) in points.into_iter().enumerate() {
            let dir = tempfile::tempdir().unwrap();
            let files = [("venue.sqlite", main), ("venue.sqlite-wal", log)];
            for (name, bytes) in files.into_iter().filter_map(|(name, b)| b.map(|b| (name, b))) {
                std::fs::write(dir.path().join(name), bytes).unwrap();
            }
            if point < complete {
                let error = reopen(dir.path()).unwrap_err();
                assert!(matches!(error, Error::Missing { .. }), "{point}: {error}");
            } else {
                drop(reopen(dir.path()).unwrap());
            }
            let venue = open(dir.path()).unwrap_or_else(|error| panic!("{point}: {error}"));
            assert_eq!(told(&venue), expected, "{point}");
            drop(venue);
            assert_eq!(told(&reopen(dir.path()).unwrap()), expected, "{point}");
        }
    }

    #[test]
    fn a_log_without_its_file_is_never_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        let venue = open(dir.path()).unwrap();
        let log = std::fs::read(dir.path().join("venue.sqlite-wal")).unwrap();
        drop(venue);
        let file = dir.path().join("venue.sqlite");
        let beside = dir.path().join("venue.sqlite-wal");
        std::fs::write(&beside, &log).unwrap();
        std::fs::write(&file, "").unwrap();
        assert!(matches!(open(dir.path()), Err(Error::Missing { .. })));
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(open(dir.path()), Err(Error::Missing { .. })));
        assert_eq!(std::fs::read(&beside).unwrap(), log);
    }

    #[test]
    fn the_same_calls_give_the_same_bytes() {
        let run = || {
            let venue = Venue::open(None, config(), listings()).unwrap();
            venue.submit(order("AAPL", Side::Buy, "10", OrderKind::Market)).unwrap();
            venue.settle_day().unwrap();
            told(&venue)
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("venue.sqlite");
        std::fs::write(
            &file,
            "this is no database, but long enough to be taken for one".repeat(20),
        )
        .unwrap();
        assert!(matches!(open(dir.path()), Err(Error::Damaged { .. })));
        std::fs::remove_file(&file).unwrap();

        drop(open(dir.path()).unwrap());
        let edit = |sql: &str| {
            let connection = rusqlite::Connection::open(&file).unwrap();
            connection.execute_batch(sql).unwrap();
        };
        edit("DELETE FROM activities");
        assert!(matches!(open(dir.path()), Err(Error::Damaged { .. })));
        edit("DELETE FROM orders; DELETE FROM state");
        assert!(matches!(open(dir.path()), Err(Error::Damaged { .. })));
        edit("PRAGMA user_version = 99");
        assert!(matches!(open(dir.path()), Err(Error::NewerFormat { found: 99, .. })));
    }

    #[test]
    fn a_symbol_that_is_held_must_be_listed() {
        let dir = tempfile::tempdir().unwrap();
        let venue = open(dir.path()).unwrap();
        venue.submit(order("AAPL", Side::Buy, "10", OrderKind::Market)).unwrap();
        drop(venue);
        let [_, xom] = listings();
        let error = Venue::open(Some(dir.path()), config(), [xom]).unwrap_err();
        assert!(matches!(error, Error::NotListed { symbol } if symbol == "AAPL"));
    }

    #[test]
    fn listeners_hear_of_every_step() {
        let venue = Venue::open(None, config(), listings()).unwrap();
        let mut updates = venue.updates();
        venue.submit(order("AAPL", Side::Buy, "10", OrderKind::Market)).unwrap();
        let mut heard = Vec::new();
        while let Ok(update) = updates.try_recv() {
            heard.push(update.event.as_str());
        }
        assert_eq!(heard, ["pending_new", "new", "fill"]);
    }

    #[test]
    fn hours_around_the_present() {
        let venue = Venue::open(None, config(), listings()).unwrap();
        let hours = venue.hours().unwrap();
        assert!(hours.is_open && hours.next_close < hours.next_open);
        venue.settle_day().unwrap();
        assert!(!venue.hours().unwrap().is_open);
        assert_eq!(venue.account_number().len(), 12);
    }
}
