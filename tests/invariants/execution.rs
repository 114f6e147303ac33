//! Random plans, carried out over a network that fails at random.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::{ClientOrderId, DecisionId, Side};
use atlas_engine::RebalancePlan;
use atlas_exec::reconcile::Policy;
use atlas_exec::sequencer::Finish;
use atlas_exec::{ExecutionReport, Session, Settings, execute};
use atlas_tests::block_on;
use atlas_tests::faulty::{Arrival, Faulty, Trouble};
use atlas_tests::ledger::check_books;
use atlas_tests::market::{at, listings};
use atlas_tests::plans::{Disk, VenueTimer, Wide, plan};
use atlas_tests::world::START;
use atlas_venue::{InProcess, Venue, VenueConfig};
use proptest::prelude::*;

/// What is traded, with the price a plan is decided at.
const SYMBOLS: [(&str, &str); 4] = [("UPP", "104"), ("DWN", "46"), ("THN", "20"), ("SHT", "200")];

/// What a plan does about one symbol.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Nothing,
    Buy(u32),
    /// Of what is held, so many per cent.
    Sell(u32),
}

/// One story: what is bought first, what a second plan wants, what goes wrong with it.
#[derive(Debug, Clone)]
struct Story {
    first: [u32; 4],
    wishes: [Wish; 4],
    troubles: Vec<Trouble>,
    deaf: BTreeSet<usize>,
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        1 => Just(Wish::Nothing),
        3 => (1_u32..400).prop_map(Wish::Buy),
        3 => (1_u32..=100).prop_map(Wish::Sell),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        4 => Just(Trouble::None),
        2 => Just(Trouble::RequestLost),
        2 => Just(Trouble::AnswerLost),
        1 => Just(Trouble::NotReached),
        1 => Just(Trouble::Refused),
        2 => Just(Trouble::Half),
    ]
}

prop_compose! {
    fn story()(
        first in prop::array::uniform4(0_u32..200),
        wishes in prop::array::uniform4(wish()),
        troubles in prop::collection::vec(trouble(), 0..12),
        deaf in prop::collection::btree_set(1_usize..60, 0..6),
    ) -> Story {
        Story { first, wishes, troubles, deaf }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_plan_ends_with_every_promise_kept(story in story()) {
        block_on(tell(&story));
    }
}

/// A venue, the network in front of it, and what outlives a process.
struct Stage {
    venue: Venue,
    broker: Faulty,
    disk: Disk,
}

async fn tell(story: &Story) {
    let venue = Venue::open(None, VenueConfig::realistic(at(START)), listings()).unwrap();
    let stage = Stage { broker: Faulty::new(venue.clone()), venue, disk: Disk::default() };
    let orders: Vec<_> = SYMBOLS
        .iter()
        .zip(story.first)
        .filter(|(_, shares)| *shares > 0)
        .map(|((name, price), shares)| (Side::Buy, *name, shares, *price))
        .collect();
    stage.carry_out(&plan(1, &orders)).await;

    let held = stage.disk.session(&stage.venue).state().books().all_owned();
    let orders: Vec<_> = SYMBOLS
        .iter()
        .zip(story.wishes)
        .filter_map(|((name, price), wish)| {
            let owned = held.get(&name.parse().unwrap()).map_or(0.0, |qty| qty.to_f64());
            match wish {
                Wish::Nothing => None,
                Wish::Buy(shares) => Some((Side::Buy, *name, shares, *price)),
                Wish::Sell(percent) => {
                    let shares = whole(owned) * percent / 100;
                    (shares > 0).then_some((Side::Sell, *name, shares, *price))
                }
            }
        })
        .collect();
    let second = plan(2, &orders);
    story.troubles.iter().for_each(|trouble| stage.broker.script(*trouble));
    let begun = stage.broker.arrivals().len();
    // Beyond the window in which a second order on a symbol counts as a duplicate.
    stage.venue.advance_to(stage.venue.now() + chrono::TimeDelta::minutes(2)).unwrap();
    let reads = stage.broker.reads();
    stage.broker.deafen(story.deaf.iter().map(|read| read + reads));
    let report = stage.carry_out(&second).await;
    check(&stage, &second, &report, &stage.broker.arrivals()[begun..]).await;
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and small")]
const fn whole(shares: f64) -> u32 {
    shares as u32
}

impl Stage {
    /// Carries a plan out, however often the process has to be started again for it.
    async fn carry_out(&self, plan: &RebalancePlan) -> ExecutionReport {
        for attempt in 0..ATTEMPTS {
            let mut session = self.disk.session(&self.venue);
            if attempt == ATTEMPTS / 2 {
                self.broker.calm();
            }
            if let Some(report) = self.attempt(&mut session, plan).await {
                return report;
            }
        }
        panic!("the plan did not end in {ATTEMPTS} attempts");
    }

    async fn attempt(
        &self,
        session: &mut Session,
        plan: &RebalancePlan,
    ) -> Option<ExecutionReport> {
        let found = session.reconcile(&self.broker, &Policy::default()).await.ok()?;
        assert!(found.is_clean(), "{found:?}");
        session.resume("test", "found clean").unwrap();
        let id: DecisionId = plan.decision_id;
        if !session.state().decisions().contains_key(&id) {
            session.record_plan(plan, BTreeMap::new()).unwrap();
        }
        let (approver, timer) = (Wide::default(), VenueTimer(self.venue.clone()));
        let settings = Settings::standard("500".parse().unwrap());
        let report = execute(session, id, &self.broker, &approver, &timer, &settings).await.ok()?;
        matches!(report.finish, Finish::Complete).then_some(report)
    }
}

/// Holds a plan that has ended against everything that was promised of it.
async fn check(
    stage: &Stage,
    plan: &RebalancePlan,
    report: &ExecutionReport,
    arrivals: &[Arrival],
) {
    let truth = InProcess::new(stage.venue.clone());
    check_books(&truth).await;
    assert!(report.reconciliation.is_clean(), "{:?}", report.reconciliation);
    check_sending(arrivals);
    check_legs(stage, plan, arrivals);

    for signal in &report.signals {
        assert!(signal.outcome.is_some(), "{} has not ended", signal.id);
    }
    assert_eq!(report.signals.len(), plan.signals.len());

    let again = stage.carry_out(plan).await;
    assert!(!again.acted, "a plan that is complete is only reported");
}

/// No buy before every sell has ended, or its wait has, and the money was asked for again.
fn check_sending(arrivals: &[Arrival]) {
    let settings = Settings::standard("500".parse().unwrap());
    let mut asked = false;
    let mut bought = false;
    let mut first_sell = None;
    for arrival in arrivals {
        asked |= arrival.asked;
        match arrival.request.side {
            Side::Sell => {
                assert!(!bought, "{} was sold after a buy", arrival.request.symbol);
                asked = false;
                first_sell.get_or_insert(arrival.at);
            }
            Side::Buy => {
                bought = true;
                assert!(asked, "buying power was not asked for after the sells");
                let waited = first_sell.map(|first| (arrival.at - first).to_std().unwrap());
                let patient = waited.is_none_or(|waited| waited >= settings.waits.reducing);
                let open = &arrival.open_sells;
                assert!(open.is_empty() || patient, "{open:?} could still fill at a buy");
            }
        }
    }
}

/// One order for each leg at most, of no more than was planned, and nothing else.
fn check_legs(stage: &Stage, plan: &RebalancePlan, arrivals: &[Arrival]) {
    let planned: BTreeMap<&ClientOrderId, _> =
        plan.orders.iter().map(|leg| (&leg.request.client_order_id, &leg.request)).collect();
    for arrival in arrivals {
        let id = &arrival.request.client_order_id;
        let leg = planned.get(id).unwrap_or_else(|| panic!("{id} is no leg of the plan"));
        assert!(arrival.request.qty <= leg.qty, "{id} asks for more than was planned");
        assert_eq!((&arrival.request.symbol, arrival.request.side), (&leg.symbol, leg.side));
    }
    let prefix = format!("atlas-test-{}-", plan.decision_id);
    let mut orders: Vec<String> = stage.venue.inspect(|exchange| {
        let orders = exchange.orders().iter().map(|order| order.client_order_id.clone());
        orders.filter(|id| id.starts_with(&prefix)).collect()
    });
    let count = orders.len();
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), count, "a leg has two orders");
}

/// How often a process is started for one plan; from half of them on nothing goes wrong any more.
const ATTEMPTS: usize = 8;
