//! Deciding: from a reconciled account and a checked market to a journaled plan.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use atlas_core::journal::Hash;
use atlas_core::time::Mode;
use atlas_core::{DecisionId, Regime};
use atlas_data::Warning;
use atlas_engine::{AccountSnapshot, DecisionInputs, Policy, RebalancePlan};
use atlas_exec::Session;
use atlas_exec::decision::MODEL;
use atlas_exec::event::OverrideRecorded;
use atlas_exec::why::INPUTS;
use atlas_regime::{Detector, DetectorCheckpoint, Inputs};
use atlas_report::incident::Severity;
use atlas_report::run::{Books, DataSource};
use atlas_risk::Limits;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::cli::Decide;
use crate::job::Job;
use crate::market::{self, Market};
use crate::model::{self, Said};
use crate::seat::Seat;
use crate::{day, self_test};

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
    /// Digest of the program it was made with; not taken in a replay.
    #[serde(default)]
    pub(crate) program: Option<Hash>,
}

/// The name under which the context stands in the record of a plan, beside [`INPUTS`].
const CONTEXT: &str = "context";

/// What the detector says of a session, and where its model stands.
#[derive(Debug)]
pub(crate) struct Detected {
    /// The regime, or why it says nothing.
    pub(crate) said: Said,
    /// Where the model stands; `None` where it says nothing.
    pub(crate) model: Option<DetectorCheckpoint>,
}

/// Asks the detector, before anything is opened.
///
/// # Errors
/// [`Exit::Data`](crate::exit::Exit::Data) if the data cannot be decided on, or the detector says
/// nothing and no override stands in its place.
pub(crate) fn detect(
    job: &Job,
    market: &Market,
    flags: &Decide,
    as_of: NaiveDate,
) -> Result<Detected> {
    let (id, mode) = (DecisionId::default(), Mode::Replay);
    let policy = job.policy(flags, market.universe.name(), id, mode)?;
    let needs = market::needs(job.config.regime.missing_vix, policy.momentum.window);
    let view = market.view(as_of, &needs)?.for_engine(as_of);
    let checked = policy.detector.check().map_err(atlas_engine::Error::Detector)?;
    let inputs = Inputs { index: view.index, vix: view.vix, rate: view.rate, as_of };
    let (said, model) = match Detector::new(checked).follow(&inputs) {
        Ok(mut stream) => {
            let said = stream.estimate();
            let model = said.is_ok().then(|| stream.checkpoint());
            (said, model)
        }
        Err(error) => (Err(error), None),
    };
    match said {
        Err(source) if flags.regime.is_none() => {
            Err(atlas_engine::Error::Regime { as_of, source }.into())
        }
        said => Ok(Detected { said, model }),
    }
}

/// In what a journaled decision differs from what is asked for now, in words; `None` where it is
/// the same decision.
///
/// # Errors
/// [`Exit::State`](crate::exit::Exit::State) if its inputs cannot be read.
pub(crate) fn differs(
    job: &Job,
    seat: &Seat,
    id: DecisionId,
    flags: &Decide,
) -> Result<Option<String>> {
    let stored: DecisionInputs = stored_input(&seat.session, id, INPUTS)?;
    let context = recall_context(&seat.session, id)?;
    let asked = job.policy(flags, &stored.policy.universe, id, seat.mode())?;
    let shown = |regime: Option<Regime>| regime.map_or("none".to_owned(), |r| r.to_string());
    let limits = job.limits_in(seat.session.state(), seat.mode(), stored.as_of)?;
    let asked = Policy { limits, ..asked };
    let (was, now) = (&stored.policy, &asked);
    Ok(if context.data.symbols != seat.market.universe.symbols() {
        Some(format!("universe {}", context.data.universe))
    } else if context.data.name != seat.market.source_name() {
        Some(format!("data {}", context.data.name))
    } else if was.momentum.top_n != now.momentum.top_n {
        Some(format!("--top-n {}", was.momentum.top_n))
    } else if was.regime_override != now.regime_override {
        Some(format!("regime override {}", shown(was.regime_override)))
    } else if was != now {
        Some("another configuration".to_owned())
    } else {
        None
    })
}

/// Decides and journals.
pub(crate) async fn decide(
    job: &mut Job,
    seat: &mut Seat,
    flags: &Decide,
    detected: Detected,
) -> Result<Decided> {
    let snapshot = seat.session.snapshot(seat.desk.broker(), seat.as_of.date).await?;
    let (account, positions) = (snapshot.account.clone(), snapshot.positions.clone());
    let before = Books { account, positions };
    job.stopwatch.lap("broker");

    let decision_id = seat.session.state().next_decision_id();
    let mode = seat.mode();
    let policy = job.policy(flags, seat.market.universe.name(), decision_id, mode)?;
    let limits = job.limits_in(seat.session.state(), mode, seat.as_of.date)?;
    let snapshot = restrained(seat, snapshot, &limits)?;
    let policy = Policy { limits, ..policy };
    let needs = market::needs(job.config.regime.missing_vix, policy.momentum.window);
    let view = seat.market.view(seat.as_of.date, &needs)?;
    let mut for_engine = view.for_engine(seat.execute_on.date);
    for_engine.tradability = job.tradability();
    let now = seat.desk.clock.now();
    if let Some(problem) = model::disagreement(&seat.session, &for_engine, &policy, &detected.said)
    {
        let action = "the refit counts; find out which data of the past were changed";
        day::note(&seat.session, now, Severity::Critical, problem, action)?;
    }
    let Detected { said, model } = detected;
    let plan = atlas_engine::plan_detected(&for_engine, &snapshot, &policy, now, said)?;
    job.stopwatch.lap("decision");

    let inputs = DecisionInputs::capture(&for_engine, &snapshot, &policy, now);
    let context = RunContext {
        data: describe(seat, &view.warnings, mode),
        config_hash: job.config_hash()?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        before: before.clone(),
        program: if mode == Mode::Replay { None } else { program() },
    };
    drop(view);
    journal(seat, &plan, &inputs, &context, model.as_ref())?;
    seat.session.note_quotes(plan.decision_id, seat.desk.broker()).await?;
    job.stopwatch.lap("journal");
    Ok(Decided { plan, context, before })
}

/// The account as it is decided on: REDUCING at least while the controls' own test fails, which is
/// an incident.
fn restrained(seat: &Seat, snapshot: AccountSnapshot, limits: &Limits) -> Result<AccountSnapshot> {
    let tried = self_test::tried(limits);
    if let Some(problem) = self_test::problem(&tried) {
        let now = seat.desk.clock.now();
        day::note(&seat.session, now, Severity::Critical, problem, "entries are denied")?;
    }
    let state = self_test::restrained(snapshot.state, &tried);
    Ok(AccountSnapshot { state, ..snapshot })
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
    stored_input(session, id, CONTEXT)
}

fn stored_input<T: serde::de::DeserializeOwned>(
    session: &Session,
    id: DecisionId,
    name: &str,
) -> Result<T> {
    let digest = session.decision(id)?.planned.inputs.get(name).copied();
    let digest =
        digest.with_context(|| format!("decision {id} was journaled without its {name}"))?;
    let bytes = session.inputs().get(digest)?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("the stored {name} {digest} of decision {id} cannot be read"))
}

/// Digest of the running program's file, where it can be read.
pub(crate) fn program() -> Option<Hash> {
    let path = std::env::current_exe().ok()?;
    Some(Hash::of(&std::fs::read(path).ok()?))
}

fn describe(seat: &Seat, warnings: &[Warning], mode: Mode) -> DataSource {
    let mut data = seat.market.describe(warnings);
    if mode == Mode::Replay && seat.session.state().decisions().is_empty() {
        data.notes.push(format!("account {} is new at the embedded venue", seat.session.account()));
    }
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
    model: Option<&DetectorCheckpoint>,
) -> Result<()> {
    let store = seat.session.inputs();
    let mut digests = BTreeMap::from([
        (INPUTS.to_owned(), store.put(&serde_json::to_vec(inputs)?)?),
        (CONTEXT.to_owned(), store.put(&serde_json::to_vec(context)?)?),
    ]);
    if let Some(model) = model {
        digests.insert(MODEL.to_owned(), store.put(&serde_json::to_vec(model)?)?);
    }
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
                config: None,
            },
        )?;
    }
    Ok(())
}
