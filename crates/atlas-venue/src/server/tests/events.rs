//! Order updates as server-sent events: resumed, over a restart, and with faults.

use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::{ServeOptions, serve};
use super::{Desk, buy, market};
use crate::core::tests::at;
use crate::{Fault, Target, Venue, VenueConfig};

/// A connection to the events.
struct Events {
    socket: TcpStream,
    text: String,
}

impl Events {
    async fn open(desk: &Desk, query: &str) -> Self {
        let mut socket = TcpStream::connect(desk.server.addr).await.unwrap();
        let request = format!(
            "GET /v2/events/trades{query} HTTP/1.1\r\nHost: v\r\nAPCA-API-KEY-ID: {}\r\n\
             APCA-API-SECRET-KEY: {}\r\n\r\n",
            desk.server.key_id,
            desk.server.secret.expose()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut events = Self { socket, text: String::new() };
        // From here on it listens.
        while !events.text.contains("\r\n\r\n") {
            assert!(events.read().await, "{}", events.text);
        }
        events
    }

    /// Reads on; false at the end.
    async fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = self.socket.read(&mut buffer).await.unwrap_or_default();
        self.text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        read > 0
    }

    /// The events so far, once there are so many.
    async fn first(&mut self, count: usize) -> Vec<Value> {
        while self.text.matches("data: {").count() < count || !self.text.ends_with("\n\n\r\n") {
            assert!(self.read().await, "{}", self.text);
        }
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap_or_default()).collect()
}

async fn open(dir: &Path) -> Desk {
    let config = VenueConfig {
        split_fills: atlas_core::Weight::ZERO,
        ..VenueConfig::alpaca_paper(at("2019-01-03T15:00:00Z"))
    };
    let venue = Venue::open(Some(dir), config, market()).unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let server = serve(venue.clone(), listen, ServeOptions::default()).await.unwrap();
    Desk { venue, server }
}

#[tokio::test]
async fn events_can_be_resumed_after_a_restart_too() {
    let dir = tempfile::tempdir().unwrap();
    let desk = open(dir.path()).await;
    desk.send(buy("1", "a")).await;
    let since = "?since=2019-01-03T00:00:00Z";
    let all = Events::open(&desk, since).await.first(3).await;
    assert_eq!(names(&all), ["pending_new", "new", "fill"]);
    let first = all[0]["event_id"].as_str().unwrap();
    let rest = Events::open(&desk, &format!("?since_id={first}")).await.first(2).await;
    assert_eq!(rest, all[1..]);
    let both = format!("/v2/events/trades?since=2019-01-03&since_id={first}");
    assert_eq!(desk.ask("GET", &both, "").await.unwrap().status, 400);
    let Desk { venue, server } = desk;
    server.stop().await;
    drop(venue);

    let desk = open(dir.path()).await;
    let mut events = Events::open(&desk, &format!("?since_id={first}")).await;
    assert_eq!(events.first(2).await, all[1..]);
    desk.send(buy("1", "b")).await;
    assert_eq!(names(&events.first(5).await), ["new", "fill", "pending_new", "new", "fill"]);
    let ids: Vec<String> =
        events.first(5).await.iter().map(|e| e["event_id"].to_string()).collect();
    assert!(ids.is_sorted());
    let Desk { venue, server } = desk;
    server.stop().await;
    drop(venue);

    // An account whose older messages nobody kept says so.
    let file = rusqlite::Connection::open(dir.path().join("venue.sqlite")).unwrap();
    file.execute_batch("DELETE FROM updates WHERE seq < 4").unwrap();
    drop(file);
    let desk = open(dir.path()).await;
    for query in [since.to_owned(), format!("?since_id={first}")] {
        let path = format!("/v2/events/trades{query}");
        assert_eq!(desk.ask("GET", &path, "").await.unwrap().status, 400, "{query}");
    }
    let fourth = serde_json::from_str::<String>(&ids[2]).unwrap();
    let rest = Events::open(&desk, &format!("?since_id={fourth}")).await.first(2).await;
    assert_eq!(names(&rest), ["new", "fill"]);
}

#[tokio::test]
async fn events_suffer_every_fault_of_messages() {
    let dir = tempfile::tempdir().unwrap();
    let desk = open(dir.path()).await;
    let heard = async |fault: Fault, id: &str, count: usize| {
        let mut events = Events::open(&desk, "").await;
        desk.server.faults().script(Target::Update, fault);
        desk.send(buy("1", id)).await;
        events.first(count).await
    };
    assert_eq!(names(&heard(Fault::Skip, "a", 2).await), ["new", "fill"]);
    let twice = heard(Fault::Repeat, "b", 4).await;
    assert_eq!(names(&twice), ["pending_new", "pending_new", "new", "fill"]);
    assert_eq!(names(&heard(Fault::Swap, "c", 3).await), ["new", "pending_new", "fill"]);
    assert_eq!(
        names(&heard(Fault::Without("event".to_owned()), "d", 3).await),
        ["", "new", "fill"]
    );
    let instead = Fault::Instead { field: "event".to_owned(), value: json!("odd") };
    assert_eq!(names(&heard(instead, "e", 3).await), ["odd", "new", "fill"]);
    let late = heard(Fault::Skew(3_600_000), "f", 3).await;
    assert!(late[0]["timestamp"].as_str().unwrap().starts_with("2019-01-03T16:00:00"));
    assert!(late[1]["timestamp"].as_str().unwrap().starts_with("2019-01-03T15:00:00"));

    let mut cut = Events::open(&desk, "").await;
    desk.server.faults().script(Target::Update, Fault::DropAfter);
    desk.send(buy("1", "g")).await;
    while cut.read().await {}
    assert!(!cut.text.contains("data: {"), "{}", cut.text);
    let mut silent = Events::open(&desk, "").await;
    desk.server.faults().script(Target::Update, Fault::HangAfter);
    desk.send(buy("1", "h")).await;
    while desk.server.faults().pending() > 0 {
        tokio::task::yield_now().await;
    }
    let Desk { server, .. } = desk;
    server.stop().await;
    while silent.read().await {}
    assert!(!silent.text.contains("data: {"), "{}", silent.text);
}
