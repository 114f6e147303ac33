//! Short runs of fuzzing against the venue's server: whatever is sent, nothing in it panics, no
//! answer is a 5xx, and it goes on serving. The client's half of the wire is fuzzed in `atlas-broker`;
//! long runs of both are in `fuzz/`.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "what does not hold fails the test")]

mod sockets;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use atlas_tests::market::{at, listings};
use atlas_tests::world::START;
use atlas_venue::server::{ServeOptions, ServerHandle, serve};
use atlas_venue::{Venue, VenueConfig};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// Panics of this process, wherever they happen.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A server on a thread of its own.
struct Target {
    runtime: Runtime,
    server: ServerHandle,
    address: SocketAddr,
    keys: String,
}

impl Target {
    fn start() -> Self {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let venue = Venue::open(None, VenueConfig::realistic(at(START)), listings()).unwrap();
        let listen = ([127, 0, 0, 1], 0).into();
        let server = runtime.block_on(serve(venue, listen, ServeOptions::default())).unwrap();
        let keys = format!(
            "apca-api-key-id: {}\r\napca-api-secret-key: {}\r\natlas-admin-token: {}\r\n",
            server.key_id,
            server.secret.expose(),
            server.admin_token.expose()
        );
        Self { runtime, address: server.addr, server, keys }
    }

    /// Sends bytes on a connection of their own, `ended` if nothing more can come; the status of the
    /// answer, if there is one.
    fn send(&self, bytes: &[u8], ended: bool) -> Option<u16> {
        let mut stream = TcpStream::connect(self.address).expect("a server that listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // A server may refuse the rest of what it does not like.
        drop(stream.write_all(bytes));
        if ended {
            drop(stream.shutdown(std::net::Shutdown::Write));
        }
        let mut answer = Vec::new();
        drop(stream.take(1 << 20).read_to_end(&mut answer));
        let head = String::from_utf8_lossy(answer.get(..12)?).into_owned();
        head.strip_prefix("HTTP/1.1 ")?.parse().ok()
    }

    /// The status of a list that may go on for ever, read no further than its head.
    fn peek(&self, target: &str) -> Result<u16, TestCaseError> {
        let mut stream = TcpStream::connect(self.address).expect("a server that listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!("GET {target} HTTP/1.1\r\nhost: venue\r\n{}\r\n", self.keys);
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream
            .read_exact(&mut answer)
            .map_err(|error| TestCaseError::fail(format!("no answer to GET {target}: {error}")))?;
        let status = std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap();
        prop_assert!(status < 500, "{status} to {target}");
        Ok(status)
    }

    /// Sends a request with the right keys, which has to be answered, and not with a 5xx.
    fn ask(&self, method: &str, target: &str, body: &[u8]) -> Result<u16, TestCaseError> {
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: venue\r\nconnection: close\r\n{}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.keys,
            body.len()
        );
        let status = self.send(&[head.as_bytes(), body].concat(), false);
        let what = || format!("{method} {target} {}", String::from_utf8_lossy(body));
        prop_assert!(status.is_some(), "no answer to {}", what());
        let status = status.unwrap_or_default();
        prop_assert!(status < 500, "{status} to {}", what());
        Ok(status)
    }

    fn stop(self) {
        assert_eq!(self.ask("GET", "/v2/clock", b"").unwrap(), 200, "it still serves");
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "something in the server panicked");
        self.runtime.block_on(self.server.stop());
    }
}

/// Runs a property a few hundred times, with the same cases every time.
fn run<S: Strategy>(
    cases: u32,
    strategy: &S,
    property: impl Fn(&Target, S::Value) -> Result<(), TestCaseError>,
) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        hook(info);
    }));
    let target = Target::start();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    runner.run(strategy, |value| property(&target, value)).unwrap();
    target.stop();
}

/// A value that may stand for any member of a request.
fn value() -> impl Strategy<Value = Value> {
    let words = [
        "",
        "buy",
        "sell",
        "market",
        "limit",
        "stop",
        "stop_limit",
        "trailing_stop",
        "day",
        "gtc",
        "ioc",
        "opg",
        "bracket",
        "oco",
        "oto",
        "UPP",
        "DWN",
        "NOPE",
        "BTC/USD",
        "1",
        "0",
        "-1",
        "99.995",
        "1e9",
        "1e-30",
        "NaN",
        "79228162514264337593543950335",
        "0.0000000001",
        "é\u{0}",
    ];
    let word = proptest::sample::select(words.to_vec()).prop_map(|word| json!(word));
    prop_oneof![
        6 => word,
        1 => any::<i64>().prop_map(|n| json!(n)),
        1 => any::<f64>().prop_map(|n| json!(n)),
        1 => any::<bool>().prop_map(|b| json!(b)),
        1 => Just(Value::Null),
        1 => Just(json!([])),
        1 => Just(json!({"limit_price": "101", "stop_price": 99})),
        1 => ".{0,40}".prop_map(|text| json!(text)),
    ]
}

/// The members of an order, each as it should be or not.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let names = [
        "symbol",
        "qty",
        "notional",
        "side",
        "type",
        "time_in_force",
        "limit_price",
        "stop_price",
        "trail_price",
        "trail_percent",
        "extended_hours",
        "client_order_id",
        "order_class",
        "take_profit",
        "stop_loss",
        "position_intent",
        "legs",
        "suspend_trade",
        "name",
        "symbols",
    ];
    let changes =
        proptest::collection::vec((proptest::sample::select(names.to_vec()), value()), 0..6);
    let order = changes.prop_map(|changes| {
        let mut order = json!({
            "symbol": "UPP", "qty": "1", "side": "buy", "type": "limit", "limit_price": "90",
            "time_in_force": "day",
        });
        for (name, value) in changes {
            order[name] = value;
        }
        order.to_string().into_bytes()
    });
    let broken = (".{0,60}", any::<prop::sample::Index>()).prop_map(|(text, cut)| {
        let mut text = format!(r#"{{"symbol":"UPP","qty":{text}"#).into_bytes();
        text.truncate(cut.index(text.len()));
        text
    });
    prop_oneof![8 => order, 1 => broken, 1 => proptest::collection::vec(any::<u8>(), 0..80)]
}

const PATHS: [&str; 46] = [
    "/v2/account",
    "/v2/account/configurations",
    "/v2/account/activities",
    "/v2/account/activities/FILL",
    "/v2/account/portfolio/history",
    "/v2/watchlists:by_name",
    "/v2/watchlists/x/UPP",
    "/v2/orders",
    "/v2/orders/x",
    "/v2/orders/00000000-0000-4000-8000-000000000000",
    "/v2/orders:by_client_order_id",
    "/v2/positions",
    "/v2/positions/UPP",
    "/v2/watchlists",
    "/v2/assets",
    "/v2/assets/BTC/USD",
    "/v2/clock",
    "/v2/calendar",
    "/v2/stocks/bars",
    "/v2/stocks/UPP/bars",
    "/v2/stocks/quotes/latest",
    "/v2/stocks/snapshots",
    "/v2/stocks/trades",
    "/v2/stocks/UPP/trades",
    "/v2/stocks/quotes",
    "/v2/stocks/UPP/quotes",
    "/v2/stocks/auctions",
    "/v2/stocks/UPP/auctions",
    "/v2/stocks/trades/latest",
    "/v2/stocks/UPP/bars/latest",
    "/v2/stocks/UPP/snapshot",
    "/v2/stocks/meta/exchanges",
    "/v2/stocks/meta/conditions/trade",
    "/v1/corporate-actions",
    "/v1beta1/corporate-actions",
    "/v1beta3/crypto/us/bars",
    "/v1beta3/crypto/us/quotes",
    "/v1beta3/crypto/us/trades",
    "/v1beta3/crypto/us/snapshots",
    "/v1beta3/crypto/us/latest/bars",
    "/v1beta3/crypto/us/latest/orderbooks",
    "/v1beta3/crypto/nowhere/latest/quotes",
    "/atlas/v1/clock",
    "/atlas/v1/faults",
    "/atlas/v1/halts",
    "/nowhere",
];

/// A target: a path and its parameters.
fn target() -> impl Strategy<Value = String> {
    (proptest::sample::select(&PATHS[..]), parameters())
        .prop_map(|(path, query)| format!("{path}?{query}"))
}

/// What a parameter may say.
const WORDS: &[&str] = &[
    "",
    "UPP",
    "UPP,DWN",
    "all",
    "0",
    "-1",
    "500",
    "99999999999",
    "2019-01-03",
    "2019-01-03T14:35:00Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01",
    "asc",
    "desc",
    "True",
    "1Day",
    "1min",
    "1M",
    "%00",
    "%ff",
    "UPP|2019-01-02",
    "BTC/USD",
    "01D09Q2Z6W0000000000000000",
    "split,dividend",
    "dividend",
    "12Month",
    "1A",
    "extended_hours",
    "|",
    "x",
];

/// Parameters that make sense or not.
fn parameters() -> impl Strategy<Value = String> {
    let names = [
        "symbols",
        "status",
        "limit",
        "after",
        "until",
        "direction",
        "nested",
        "side",
        "page_token",
        "page_size",
        "start",
        "end",
        "timeframe",
        "adjustment",
        "feed",
        "sort",
        "client_order_id",
        "activity_types",
        "date",
        "period",
        "qty",
        "percentage",
        "cancel_orders",
        "asset_class",
        "asof",
        "types",
        "ticktype",
        "tape",
        "category",
        "after_order_id",
        "intraday_reporting",
    ];
    let pair = (proptest::sample::select(names.to_vec()), proptest::sample::select(WORDS.to_vec()));
    let pairs = proptest::collection::vec(pair, 0..5);
    pairs.prop_map(|pairs| {
        let query: Vec<String> =
            pairs.iter().map(|(name, word)| format!("{name}={word}")).collect();
        query.join("&")
    })
}

#[test]
fn orders_of_any_shape_are_answered() {
    run(600, &body(), |venue, body| {
        venue.ask("POST", "/v2/orders", &body)?;
        Ok(())
    });
}

#[test]
fn questions_of_any_shape_are_answered() {
    let methods = ["GET", "GET", "GET", "POST", "PATCH", "PUT", "DELETE"];
    let strategy = (proptest::sample::select(methods.to_vec()), target(), body());
    run(600, &strategy, |venue, (method, target, body)| {
        let body = if method == "GET" { Vec::new() } else { body };
        venue.ask(method, &target, &body)?;
        Ok(())
    });
}

#[test]
fn bytes_that_are_no_request_harm_nobody() {
    let strategy = (target(), proptest::collection::vec(any::<u8>(), 0..300));
    run(300, &strategy, |venue, (target, bytes)| {
        let head = format!("GET {target} HTTP/1.1\r\n");
        for sent in [bytes.clone(), [head.as_bytes(), &bytes].concat()] {
            let status = venue.send(&sent, true);
            prop_assert!(status.is_none_or(|status| status < 500), "{status:?}");
        }
        Ok(())
    });
}

#[test]
fn wishes_for_events_of_any_shape_are_answered() {
    let names = ["since", "until", "since_id", "until_id", "since_ulid", "until_ulid"];
    let words = [
        "",
        "2019-01-03",
        "2019-01-03T14:35:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01",
        "01D09Q2Z6W0000000000000000",
        "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "-1",
        "%ff",
        "x",
    ];
    let pair = (proptest::sample::select(names.to_vec()), proptest::sample::select(words.to_vec()));
    let pairs = proptest::collection::vec(pair, 0..4);
    let path = proptest::sample::select(vec!["/v2/events/trades", "/v2beta1/events/trades"]);
    run(200, &(path, pairs, parameters()), |venue, (path, pairs, more)| {
        let query: Vec<String> =
            pairs.iter().map(|(name, word)| format!("{name}={word}")).collect();
        venue.peek(&format!("{path}?{}&{more}", query.join("&")))?;
        Ok(())
    });
}
