//! The broker's stream beside the polls: sooner, and never twice.

use std::collections::BTreeMap;

use atlas_core::OrderStatus;

use super::bench::{rebalance_with, settings};
use super::{Executed, outcomes, rotation};
use crate::event::Event;
use crate::shell::{News, Settings};

#[test]
fn what_the_stream_tells_first_counts_once() {
    let (world, disk, plan) = rotation();
    for symbol in ["AAPL", "IBM", "MSFT", "GOOG"] {
        world.habit(symbol, super::Habit::Later(3));
    }
    world.stream();
    let streamed = Settings { news: News::Streamed, ..settings() };
    let mut session = disk.session(&world);
    let report = rebalance_with(&mut session, &world, &plan, &streamed).unwrap();
    assert_eq!(outcomes(&report), [Executed; 4]);
    assert!(report.reconciliation.is_clean(), "{:?}", report.reconciliation);
    for order in &report.orders {
        assert_eq!(order.status, OrderStatus::Filled);
        assert_eq!(order.fills.len(), 1);
    }
    // Every execution was told by the stream, and then once more by the ledger.
    let mut told: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut read = |record: &atlas_core::journal::Record| {
        let event = Event::decode(record.seq, &record.kind, record.version, &record.payload);
        if let (Ok(Event::Filled(filled)), Some(_)) = (event, record.decision_id) {
            let seen = told.entry(filled.fill.execution_id.to_string()).or_default();
            match filled.activity {
                None => seen.0 += 1,
                Some(_) => seen.1 += 1,
            }
        }
    };
    session
        .journal_mut()
        .replay(&mut |record, _| {
            if record.decision_id == Some(plan.decision_id) {
                read(&record);
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told.values().all(|(stream, ledger)| (*stream, *ledger) == (1, 1)), "{told:?}");
}

#[test]
fn a_stream_that_fails_or_is_missing_leaves_the_polls() {
    for streams in [false, true] {
        let (world, disk, plan) = rotation();
        for symbol in ["AAPL", "MSFT"] {
            world.habit(symbol, super::Habit::Later(3));
        }
        if streams {
            world.broken_stream();
        }
        let streamed = Settings { news: News::Streamed, ..settings() };
        let mut session = disk.session(&world);
        let report = rebalance_with(&mut session, &world, &plan, &streamed).unwrap();
        assert_eq!(outcomes(&report), [Executed; 4]);
    }
}
