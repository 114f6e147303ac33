//! Order updates as server-sent events, with names from which a client can go on.
//!
//! Every event has an id that sorts like the moments (a ULID). A client that lost its connection
//! asks with `since_id` for all that came after, or with `since` for a moment. The newest 10 000
//! events since the start of the server can be asked for, and asking for more is refused; what is
//! older stands in the account's activities.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atlas_core::time::Timestamp;
use axum::extract::{Query as Pairs, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::json;
use tokio::sync::broadcast::{self, Receiver};

use super::super::account::{Ctx, Server, Shared};
use super::super::answer::{Answer, Failure};
use super::super::lens::{SIGHT, Sight, shown};
use super::super::query::Query;
use super::updates::body;
use crate::Venue;
use crate::core::Update;
use crate::faults::{Fault, Target};

/// The newest updates of an account since the server's start.
#[derive(Debug)]
pub(crate) struct Log {
    kept: Mutex<Kept>,
    new: broadcast::Sender<Arc<Entry>>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Arc<Entry>>,
    /// How many there were in all.
    count: u64,
    /// The last one that is kept no more.
    dropped: Option<Arc<Entry>>,
}

/// What has come, and what is to come.
type Told = (Vec<Arc<Entry>>, Receiver<Arc<Entry>>);

/// One update and its name.
#[derive(Debug)]
struct Entry {
    id: String,
    update: Arc<Update>,
}

impl Default for Log {
    fn default() -> Self {
        Self { kept: Mutex::default(), new: broadcast::Sender::new(BEHIND) }
    }
}

impl Log {
    /// Writes down every update of a venue from now on, until the venue is gone.
    pub(crate) fn follow(self: &Arc<Self>, venue: &Venue) -> tokio::task::JoinHandle<()> {
        let (log, mut updates) = (Arc::clone(self), venue.updates());
        tokio::spawn(async move {
            loop {
                match updates.recv().await {
                    Ok(update) => log.add(update),
                    Err(broadcast::error::RecvError::Lagged(count)) => {
                        tracing::warn!(count, "the log of order updates has a gap");
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        })
    }

    fn add(&self, update: Arc<Update>) {
        let mut kept = self.lock();
        let entry = Arc::new(Entry { id: ulid(update.stamp, kept.count), update });
        kept.count += 1;
        if kept.entries.len() == KEPT {
            kept.dropped = kept.entries.pop_front();
        }
        kept.entries.push_back(Arc::clone(&entry));
        // Nobody listening is no failure.
        drop(self.new.send(entry));
    }

    /// What has come since, and what comes from now on, without gap or repetition; `None` if some
    /// of it is kept no more.
    fn since(&self, fits: impl Fn(&Entry) -> bool) -> Option<Told> {
        let kept = self.lock();
        if kept.dropped.as_ref().is_some_and(|dropped| fits(dropped)) {
            return None;
        }
        let known = kept.entries.iter().filter(|entry| fits(entry)).cloned().collect();
        Some((known, self.new.subscribe()))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `GET /v2/events/trades`
pub(super) async fn trades(
    State(server): State<Arc<Server>>,
    Ctx(shared): Ctx,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let query = Query::new(pairs);
    let (since, until) = (query.moment("since")?, query.moment("until")?);
    let id = |names: [&str; 2]| names.iter().find_map(|name| query.text(name)).map(str::to_owned);
    let (since_id, until_id) = (id(["since_id", "since_ulid"]), id(["until_id", "until_ulid"]));
    if since.is_some() && since_id.is_some() {
        return Err(Failure::BadRequest("give since or since_id, not both".to_owned()));
    }
    let past = since.is_some() || since_id.is_some();
    let found = shared.log.since(|entry| {
        past && since.is_none_or(|since| entry.update.stamp >= since)
            && since_id.as_ref().is_none_or(|id| entry.id > *id)
    });
    let (known, new) = found.ok_or_else(|| {
        Failure::BadRequest("the events asked for are kept no more: read the activities".to_owned())
    })?;
    let ends = move |entry: &Entry| {
        until.is_some_and(|until| entry.update.stamp > until)
            || until_id.as_ref().is_some_and(|id| entry.id > *id)
    };
    let ended = server.stopping.clone();
    let live = stream::unfold((new, ended), async |(mut new, mut ended)| {
        let entry = tokio::select! {
            entry = new.recv() => entry.ok()?,
            () = super::stopped(&mut ended) => return None,
        };
        Some((entry, (new, ended)))
    });
    let told = stream::iter(known)
        .chain(live)
        .take_while(move |entry| std::future::ready(!ends(entry)))
        .filter_map(move |entry| tell(Arc::clone(&server), Arc::clone(&shared), entry))
        .flat_map(stream::iter);
    Ok(Sse::new(told).keep_alive(KeepAlive::default()))
}

/// An update as it is sent: once, twice, or not at all.
async fn tell(
    server: Arc<Server>,
    shared: Arc<Shared>,
    entry: Arc<Entry>,
) -> Option<Vec<Result<Event, Infallible>>> {
    let mut count = 1;
    match server.faults.take(Target::Update) {
        Some(Fault::Skip) => return None,
        Some(Fault::Repeat) => count = 2,
        Some(Fault::Delay(wait)) => tokio::time::sleep(wait).await,
        _ => {}
    }
    let sight = Sight { lens: server.driver.lens(), ..Sight::default() };
    let text = SIGHT.sync_scope(sight, || {
        let mut body = body(&entry.update);
        body["account_id"] = json!(shared.venue.account_id());
        body["at"] = json!(super::super::wire::moment(entry.update.stamp));
        body["event_id"] = json!(entry.id);
        body.to_string()
    });
    Some((0..count).map(|_| Ok(Event::default().id(&entry.id).data(&text))).collect())
}

/// A ULID: the moment it is shown at in milliseconds, and a number.
fn ulid(stamp: Timestamp, count: u64) -> String {
    let millis = shown(stamp).timestamp_millis().unsigned_abs() & ((1 << 48) - 1);
    let bits = u128::from(millis) << 80 | u128::from(count);
    let digit = |at: u32| usize::try_from(bits >> (5 * at) & 31).unwrap_or_default();
    (0..26).rev().map(|at| char::from(DIGITS[digit(at)])).collect()
}

/// Crockford's digits, in their order.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Events that are kept.
const KEPT: usize = 10_000;
/// Events a slow listener may be behind before it is disconnected.
const BEHIND: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_like_moments_then_numbers() {
        let stamp: Timestamp = "2019-01-02T15:00:00.123Z".parse().unwrap();
        let later = stamp + chrono::TimeDelta::milliseconds(1);
        let names = [ulid(stamp, 0), ulid(stamp, 1), ulid(stamp, 40), ulid(later, 0)];
        assert!(names.is_sorted() && names[0].len() == 26);
        assert!(names[0].starts_with("01D07H84FV")); // as other writers of ULIDs have it
    }
}
