//! The Alpaca client: an order to the venue's server on loopback and back, and an order off the wire.
//!
//! The server runs on a runtime of its own, as a server in another process would; the client opens
//! its connections before anything is timed. Orders are limits that fill at once or never and are
//! canceled, so that neither side's books grow with what is open. `roundtrip_loopback` keeps the
//! venue in memory, `…/on_disk` in `SQLite`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a bench fails by panicking, and measures time"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use atlas_broker::alpaca::{Credentials, Endpoint, Options, Paper, Session, read_order};
use atlas_broker::{Broker, Submission};
use atlas_core::TimeInForce;
use atlas_risk::ApprovedOrder;
use atlas_tests::approval::approve;
use atlas_tests::market::{at, listings};
use atlas_tests::orders::{Change, buy};
use atlas_tests::world::START;
use atlas_venue::server::{ServeOptions, ServerHandle, serve};
use atlas_venue::{Venue, VenueConfig};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// A venue's server at work, and a client of it.
struct Bench {
    server: ServerHandle,
    serving: Runtime,
    client: Runtime,
    session: Session<Paper>,
    /// Names used so far.
    number: u64,
}

impl Bench {
    fn open(dir: Option<&TempDir>) -> Self {
        let venue =
            Venue::open(dir.map(TempDir::path), VenueConfig::realistic(at(START)), listings())
                .expect("a venue");
        let serving = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let serving = serving.expect("a runtime");
        let listen = ([127, 0, 0, 1], 0).into();
        let server = serving.block_on(serve(venue, listen, ServeOptions::default()));
        let server = server.expect("a server");
        let client = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (key_id, secret) = (server.key_id.clone(), server.secret.expose().to_owned());
        let keys = Credentials::<Paper>::new(key_id, secret).expect("keys");
        let options = Options { timeout: Duration::from_mins(1), ..Options::default() };
        let endpoint = Endpoint::loopback(server.addr);
        let session = Session::connect(&endpoint, &keys, &options).expect("a session");
        Self { server, serving, client, session, number: 0 }
    }

    fn orders(&mut self, count: u64) -> Vec<ApprovedOrder> {
        let first = self.number;
        self.number += count;
        (first..self.number)
            .map(|n| {
                let name = format!("atlas-bench-{n}-buy-UPP-0");
                approve(buy(&name, "UPP", 1).limit("1").tif(TimeInForce::Ioc))
            })
            .collect()
    }

    /// One after the other.
    fn in_turn(&mut self, count: u64) -> Duration {
        let orders = self.orders(count);
        let session = &self.session;
        self.client.block_on(async {
            let start = Instant::now();
            for order in orders {
                acknowledged(session, order).await;
            }
            start.elapsed()
        })
    }

    /// So many at any time.
    fn in_flight(&mut self, count: u64, lanes: usize) -> Duration {
        let orders = std::cell::RefCell::new(self.orders(count).into_iter());
        let session = &self.session;
        let lane = async || {
            loop {
                let next = orders.borrow_mut().next();
                let Some(order) = next else { return };
                acknowledged(session, order).await;
            }
        };
        self.client.block_on(async {
            let start = Instant::now();
            let all: Vec<_> = (0..lanes).map(|_| Box::pin(lane())).collect();
            join_all(all).await;
            start.elapsed()
        })
    }

    fn close(self) {
        self.serving.block_on(self.server.stop());
    }
}

/// Waits for all of them.
async fn join_all<F: Future<Output = ()> + Unpin>(mut futures: Vec<F>) {
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| std::pin::Pin::new(future).poll(context).is_pending());
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

async fn acknowledged(session: &Session<Paper>, order: ApprovedOrder) {
    match session.submit(order).await {
        Submission::Accepted(order) => drop(black_box(order)),
        other @ (Submission::Refused { .. }
        | Submission::NotReached { .. }
        | Submission::Unknown(_)) => panic!("not acknowledged: {other:?}"),
    }
}

fn roundtrip(c: &mut Criterion) {
    let mut group = c.benchmark_group("broker");
    group.throughput(Throughput::Elements(1)).sample_size(50);
    for (name, disk) in [("", false), ("/on_disk", true)] {
        let dir = disk.then(|| TempDir::new().expect("a folder"));
        let mut bench = Bench::open(dir.as_ref());
        black_box(bench.in_flight(64, 8));
        group.bench_function(format!("roundtrip_loopback{name}"), |b| {
            b.iter_custom(|count| bench.in_turn(count));
        });
        group.bench_function(format!("roundtrip_loopback{name}/8_in_flight"), |b| {
            b.iter_custom(|count| bench.in_flight(count, 8));
        });
        bench.close();
    }
    group.finish();
}

fn parse(c: &mut Criterion) {
    let text = include_bytes!("../tests/golden/alpaca/order.json");
    read_order(text).expect("an order");
    let mut group = c.benchmark_group("broker");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse_order", |b| {
        b.iter(|| read_order(black_box(text)).expect("an order"));
    });
    group.finish();
}

criterion_group!(benches, parse, roundtrip);
criterion_main!(benches);
