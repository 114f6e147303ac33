//! Order updates as server-sent events, with names from which a client can go on.
//!
//! Every event has an id that sorts like the moments (a ULID). A client that lost its connection
//! asks with `since_id` for all that came after, or with `since` for a moment; a restart of the
//! server loses none of them where its state is kept. The newest 10 000 events of an account can be
//! asked for, and asking for more is refused; what is older stands in the account's activities. A
//! client that reads too slowly is told so in a comment, and disconnected.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use atlas_core::time::Timestamp;
use axum::extract::{ConnectInfo, Query as Pairs, State};
use axum::response::sse::{Event, Sse};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::super::account::{Ctx, Server, Shared};
use super::super::answer::{Answer, Failure};
use super::super::lens::{SIGHT, Sight, shown};
use super::super::listener::Line;
use super::super::query::Query;
use super::super::wire::moment;
use super::lane::{Lane, Passed};
use super::updates::body;
use crate::core::Update;
use crate::faults::Target;

/// `GET /v2/events/trades`
pub(super) async fn trades(
    State(server): State<Arc<Server>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Ctx(shared): Ctx,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Sse<impl Stream<Item = Sent>>> {
    let query = Query::new(pairs);
    let (since, until) = (query.moment("since")?, query.moment("until")?);
    let id = |names: [&str; 2]| names.iter().find_map(|name| query.text(name)).map(str::to_owned);
    let (since_id, until_id) = (id(["since_id", "since_ulid"]), id(["until_id", "until_ulid"]));
    if since.is_some() && since_id.is_some() {
        return Err(Failure::BadRequest("give since or since_id, not both".to_owned()));
    }
    let wants_past = since.is_some() || since_id.is_some();
    let found = shared.venue.history(wants_past, |update| {
        since.is_none_or(|since| update.stamp >= since)
            && since_id.as_ref().is_none_or(|id| name(update) > *id)
    });
    let (known, new) = found.ok_or_else(|| {
        Failure::BadRequest("the events asked for are kept no more: read the activities".to_owned())
    })?;
    let stopping = server.stopping.clone();
    let end = End { until, until_id };
    let lane = Lane::new(Target::Update);
    let is_over = false;
    let teller = Teller { server, shared, line, known, new, stopping, end, lane, is_over };
    let told = stream::unfold(teller, async |mut teller| Some((teller.next().await?, teller)));
    Ok(Sse::new(told.flat_map(stream::iter)))
}

/// What goes out.
type Sent = Result<Event, io::Error>;

/// Where a client wants the events to end.
struct End {
    until: Option<Timestamp>,
    until_id: Option<String>,
}

impl End {
    fn is_before(&self, update: &Update) -> bool {
        self.until.is_some_and(|until| update.stamp > until)
            || self.until_id.as_ref().is_some_and(|id| name(update) > *id)
    }
}

/// Tells one client, until it has heard enough.
struct Teller {
    server: Arc<Server>,
    shared: Arc<Shared>,
    line: Line,
    known: VecDeque<Arc<Update>>,
    new: Receiver<Arc<Update>>,
    stopping: watch::Receiver<bool>,
    end: End,
    lane: Lane,
    is_over: bool,
}

/// What comes next.
enum Next {
    Update(Arc<Update>),
    Quiet,
    Missed(u64),
    End,
}

impl Teller {
    /// What is to be sent next; `None` at the end.
    async fn next(&mut self) -> Option<Vec<Sent>> {
        if self.is_over {
            return None;
        }
        let update = match self.wait().await {
            Next::Update(update) => update,
            Next::Quiet => return Some(vec![Ok(Event::default().comment(""))]),
            Next::Missed(count) => {
                self.is_over = true;
                let words = format!("slow reader: {count} events left out, ask by since_id");
                return Some(vec![Ok(Event::default().comment(words))]);
            }
            Next::End => return None,
        };
        let sight = Sight { lens: self.server.driver.lens(), ..Sight::default() };
        let message = SIGHT.sync_scope(sight, || self.message(&update))?;
        match self.lane.pass(&self.server, message).await {
            Passed::Send(messages) => Some(messages.iter().map(|body| Ok(event(body))).collect()),
            Passed::Cut => {
                self.is_over = true;
                self.line.cut();
                Some(vec![Err(io::ErrorKind::ConnectionReset.into())])
            }
            Passed::Silence => {
                super::stopped(&mut self.stopping).await;
                None
            }
        }
    }

    async fn wait(&mut self) -> Next {
        if let Some(update) = self.known.pop_front() {
            return Next::Update(update);
        }
        tokio::select! {
            update = self.new.recv() => match update {
                Ok(update) => Next::Update(update),
                Err(RecvError::Lagged(count)) => Next::Missed(count),
                Err(RecvError::Closed) => Next::End,
            },
            () = tokio::time::sleep(QUIET) => Next::Quiet,
            () = super::stopped(&mut self.stopping) => Next::End,
        }
    }

    /// An update in the shape of the events; `None` if it lies behind the end.
    fn message(&self, update: &Update) -> Option<Value> {
        if self.end.is_before(update) {
            return None;
        }
        let mut body = body(update);
        body["account_id"] = json!(self.shared.venue.account_id());
        body["at"] = json!(moment(update.stamp));
        body["event_id"] = json!(name(update));
        Some(body)
    }
}

fn event(body: &Value) -> Event {
    let event = Event::default().data(body.to_string());
    match body["event_id"].as_str() {
        Some(id) => event.id(id),
        None => event,
    }
}

/// The name of an update: a ULID of the moment it is shown at and of its number.
fn name(update: &Update) -> String {
    ulid(shown(update.stamp), update.seq)
}

/// A ULID: a moment in milliseconds, and a number.
fn ulid(stamp: Timestamp, count: u64) -> String {
    let millis = stamp.timestamp_millis().unsigned_abs() & ((1 << 48) - 1);
    let bits = u128::from(millis) << 80 | u128::from(count);
    let digit = |at: u32| usize::try_from(bits >> (5 * at) & 31).unwrap_or_default();
    (0..26).rev().map(|at| char::from(DIGITS[digit(at)])).collect()
}

/// Crockford's digits, in their order.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// After how long without events a client is told that the connection lives.
const QUIET: Duration = Duration::from_secs(15);

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
