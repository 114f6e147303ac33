//! From a journaled plan to orders on the wire: everything Atlas itself does for an order.
//!
//! The journal is in memory, so no disk is waited for, and the venue in process, so no socket is;
//! what the venue takes to match an order is part of the figure.

use std::collections::BTreeMap;
use std::sync::Arc;

use atlas_core::{DecisionId, Side};
use atlas_exec::reconcile::Policy;
use atlas_exec::{Session, Settings, execute};
use atlas_tests::block_on;
use atlas_tests::market::{at, flat};
use atlas_tests::plans::{Disk, VenueTimer, Wide, plan};
use atlas_venue::{InProcess, Venue, VenueConfig};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};

/// A venue, an account that is reconciled, and a journaled plan of so many buys.
fn ready(count: usize) -> (Venue, Session) {
    let names: Vec<String> = (0..count).map(|number| format!("S{number}")).collect();
    let listings = names.iter().map(|name| flat(name, 10.0));
    let start = at("2019-01-03T14:35:00Z");
    let venue = Venue::open(None, VenueConfig::realistic(start), listings).unwrap();
    let mut session = Disk::default().session(&venue);
    let broker = InProcess::new(venue.clone());
    block_on(session.reconcile(&broker, &Policy::default())).unwrap();
    let orders: Vec<_> = names.iter().map(|name| (Side::Buy, name.as_str(), 1, "10")).collect();
    session.record_plan(&plan(1, &orders), BTreeMap::new()).unwrap();
    (venue, session)
}

/// An execution of plans of different lengths; the time is told for each order.
pub(crate) fn plan_to_wire(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exec/plan_to_wire");
    let settings = Settings::standard("1".parse().unwrap());
    let approver = Arc::new(Wide::default());
    for count in [1_usize, 20, 100] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_batched(
                || ready(count),
                |(venue, mut session)| {
                    let broker = InProcess::new(venue.clone());
                    let timer = VenueTimer(venue);
                    let id = DecisionId(1);
                    let done = execute(&mut session, id, &broker, &*approver, &timer, &settings);
                    assert_eq!(block_on(done).unwrap().orders.len(), count);
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}
