//! The same inputs give the same bytes: plans, journals and the venue's ledger.

#![expect(clippy::unwrap_used, reason = "what does not hold fails the test")]

mod job;

use atlas_engine::DecisionInputs;
use atlas_tests::block_on;
use atlas_tests::world::Door;
use job::Job;

/// As-of dates of one account, in order: a bull market, the VIX shock, and what followed it.
const DATES: [&str; 3] = ["2017-11-30", "2018-02-05", "2018-04-30"];

#[test]
fn the_same_inputs_give_the_same_plan() {
    block_on(async {
        for date in DATES {
            let mut job = Job::open(Door::InProcess, date).await;
            let inputs = job.inputs(date).await;
            let last = inputs.universe.iter().filter_map(|prices| prices.dates.last());
            let last = last.chain(inputs.index.dates.last()).max();
            assert_eq!(last, Some(&inputs.as_of), "a decision sees nothing of the future");
            let (first, second) = (inputs.decide().unwrap(), inputs.decide().unwrap());
            assert_eq!(bytes(&first), bytes(&second), "{date}");
            assert_eq!(first.hash().unwrap(), second.hash().unwrap());
        }
    });
}

#[test]
fn a_stored_decision_is_decided_again_byte_for_byte() {
    block_on(async {
        let mut job = Job::open(Door::InProcess, DATES[0]).await;
        for date in DATES {
            job.rebalance(date).await;
        }
        let decisions: Vec<_> = job.session.state().decisions().values().cloned().collect();
        assert_eq!(decisions.len(), DATES.len());
        for decision in decisions {
            let digest = decision.planned.inputs["decision"];
            let stored = job.session.inputs().get(digest).unwrap();
            let inputs: DecisionInputs = serde_json::from_slice(&stored).unwrap();
            let journaled = job.session.plan(decision.planned.decision_id).unwrap();
            assert_eq!(bytes(&inputs.decide().unwrap()), bytes(&journaled));
        }
    });
}

#[test]
fn the_whole_job_twice_leaves_the_same_journal_and_ledger() {
    let run = |door| {
        block_on(async {
            let mut job = Job::open(door, DATES[0]).await;
            for date in DATES {
                job.rebalance(date).await;
            }
            job.world.check().await;
            job.remains()
        })
    };
    let first = run(Door::InProcess);
    assert!(first.fills > 12, "the job did something: {} fills", first.fills);
    assert_eq!(run(Door::InProcess), first);
    // The socket in between changes nothing either.
    assert_eq!(run(Door::Alpaca), first);
}

fn bytes(plan: &atlas_engine::RebalancePlan) -> String {
    serde_json::to_string(plan).unwrap()
}
