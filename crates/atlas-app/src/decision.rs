//! Deciding: from a reconciled account and a checked market to a journaled plan.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use atlas_core::DecisionId;
use atlas_core::journal::Hash;
use atlas_core::time::Mode;
use atlas_data::Warning;
use atlas_engine::{DecisionInputs, RebalancePlan};
use atlas_exec::Session;
use atlas_exec::event::OverrideRecorded;
use atlas_report::run::{Books, DataSource};
use serde::{Deserialize, Serialize};

use crate::cli::Decide;
use crate::job::Job;
use crate::market;
use crate::seat::Seat;

/// A decision, journaled or about to be.
pub(crate) struct Decided {
    /// The plan.
    pub(crate) plan: RebalancePlan,
    /// What it was made from besides the inputs of the decision itself.
    pub(crate) context: RunContext,
    /// Money and positions it was made on.
    pub(crate) before: Books,
}

/// What a plan was made from, besides the inputs of the decision itself; stored with it, so that
/// the steps that follow look at the same market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunContext {
    /// Where prices came from.
    pub(crate) data: DataSource,
    /// Digest of the configuration in force.
    pub(crate) config_hash: Hash,
    /// Version of the program.
    pub(crate) version: String,
    /// Money and positions it was made on.
    pub(crate) before: Books,
}

/// Names under which inputs stand in the record of a plan.
const INPUTS: &str = "decision";
const CONTEXT: &str = "context";

/// Decides and journals.
pub(crate) async fn decide(job: &mut Job, seat: &mut Seat, flags: &Decide) -> Result<Decided> {
    let snapshot = seat.session.snapshot(&seat.desk.broker, seat.as_of.date).await?;
    let (account, positions) = (snapshot.account.clone(), snapshot.positions.clone());
    let before = Books { account, positions };
    job.stopwatch.lap("broker");

    let decision_id = seat.session.state().next_decision_id();
    let mode = seat.mode();
    let policy = job.policy(flags, seat.market.universe.name(), decision_id, mode)?;
    let needs = market::needs(job.config.regime.missing_vix, policy.momentum.window);
    let view = seat.market.view(seat.as_of.date, &needs)?;
    let for_engine = view.for_engine(seat.execute_on.date);
    let now = seat.desk.clock.now();
    let plan = atlas_engine::plan(&for_engine, &snapshot, &policy, now)?;
    job.stopwatch.lap("decision");

    let inputs = DecisionInputs::capture(&for_engine, &snapshot, &policy, now);
    let context = RunContext {
        data: describe(seat, &view.warnings, mode),
        config_hash: job.config_hash()?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        before: before.clone(),
    };
    drop(view);
    journal(seat, &plan, &inputs, &context)?;
    job.stopwatch.lap("journal");
    Ok(Decided { plan, context, before })
}

/// The plan of a decision that is journaled already.
pub(crate) fn recall(seat: &Seat, id: DecisionId) -> Result<Decided> {
    let plan = seat.session.plan(id)?;
    let context = recall_context(&seat.session, id)?;
    let before = context.before.clone();
    Ok(Decided { plan, context, before })
}

/// What a journaled plan was made from.
pub(crate) fn recall_context(session: &Session, id: DecisionId) -> Result<RunContext> {
    let digest = session.decision(id)?.planned.inputs.get(CONTEXT).copied();
    let digest =
        digest.with_context(|| format!("decision {id} was journaled without its context"))?;
    let bytes = session.inputs().get(digest)?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("the stored context {digest} of decision {id} cannot be read"))
}

fn describe(seat: &Seat, warnings: &[Warning], mode: Mode) -> DataSource {
    let mut data = seat.market.describe(warnings);
    if mode == Mode::Replay && seat.market.is_adjusted() {
        data.notes.push(
            "total-return units are orderable in a replay only, and fill at the next session's close"
                .to_owned(),
        );
    }
    data
}

/// Inputs first, then the record that names them.
fn journal(
    seat: &mut Seat,
    plan: &RebalancePlan,
    inputs: &DecisionInputs,
    context: &RunContext,
) -> Result<()> {
    let store = seat.session.inputs();
    let digests = BTreeMap::from([
        (INPUTS.to_owned(), store.put(&serde_json::to_vec(inputs)?)?),
        (CONTEXT.to_owned(), store.put(&serde_json::to_vec(context)?)?),
    ]);
    let id = seat.session.record_plan(plan, digests)?;
    if plan.regime.overridden {
        let detected = plan.regime.estimate.as_ref().map(|estimate| estimate.regime.to_string());
        seat.session.record_override(
            Some(id),
            OverrideRecorded {
                what: "regime".to_owned(),
                from: detected.unwrap_or_else(|| "undetected".to_owned()),
                to: plan.regime.regime.to_string(),
                by: "operator".to_owned(),
                why: "--regime on the command line".to_owned(),
            },
        )?;
    }
    Ok(())
}
