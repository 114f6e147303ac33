//! What the application does on a day, with an operator who looks at what differs and resumes as
//! soon as the books agree.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_core::time::Mode;
use atlas_core::{Bps, DecisionId, SignalOutcome, Symbol};
use atlas_exec::event::{Reference, Subject};
use atlas_exec::protection::Protection;
use atlas_exec::reconcile::{Discrepancy, Reconciliation, Unmanaged};
use atlas_exec::sequencer::{Finish, Waits};
use atlas_exec::shell::{News, bare, restore_protection, retire};
use atlas_exec::{Error, GuardApprover, Session, Settings, TradingState, execute};
use rust_decimal::Decimal;

use crate::approver::Wide;
use crate::lossy::{Lossy, cushion};
use crate::mortal::process;
use crate::nature::NEVER;
use crate::plans::plan;
use crate::rng::Rng;
use crate::story::Story;

/// What a process has come to.
pub(crate) enum Work {
    Done,
    Paused,
    /// The approval had drifted; the plan was put aside.
    Stale,
    Broken(String),
}

pub(crate) fn settings(story: &Story, streams: bool) -> Settings {
    let standard = Settings::standard("500".parse().unwrap());
    Settings {
        waits: Waits {
            reducing: Duration::from_mins(5),
            opening: Duration::from_mins(5),
            ..standard.waits
        },
        buy_cushion: cushion(),
        policy: story.policy,
        news: if streams { News::Streamed } else { News::Polled },
        breaker: story.nature.breaker,
        losses: Some(story.nature.losses()),
        protection: story.nature.protects.then(|| Protection { stop_below: Bps::from_int(250) }),
        ..standard
    }
}

/// The first look at the account, on a quiet evening.
pub(crate) fn open_account(story: &mut Story) -> Result<(), String> {
    let mut session = story.quiet_session().map_err(|error| error.to_string())?;
    let found = quietly(session.reconcile(&story.wire, &story.policy))?;
    if found.is_clean() { Ok(()) } else { Err(format!("not clean at first: {found:?}")) }
}

/// Something on which nothing goes wrong.
fn quietly<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    process(work).ok_or("killed on a quiet evening")?.map_err(|error| error.to_string())
}

/// A plan made the evening before, by an undisturbed process.
pub(crate) fn evening(story: &mut Story, day: usize) -> Result<(), String> {
    let mut session = story.quiet_session().map_err(|error| error.to_string())?;
    let found = quietly(session.reconcile(&story.wire, &story.policy))?;
    if !found.is_clean() || session.state().pending().is_some() {
        return Ok(());
    }
    let rng = Rng::new(story.seed, 100 + u64::try_from(day).unwrap_or(0));
    let id = record(story, &mut session, day, rng).map_err(|error| error.to_string())?;
    if story.rng.percent(25) {
        approve(story, &mut session, id, day).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn record(story: &Story, session: &mut Session, day: usize, rng: Rng) -> Result<DecisionId, Error> {
    let plan = plan(session, &story.market, day, rng);
    let inputs = [("closes".to_owned(), session.inputs().put(b"closes")?)];
    session.record_plan(&plan, BTreeMap::from(inputs))
}

/// After the close: what is still pending is ended, the account compared, the day closed.
pub(crate) fn close(story: &mut Story) -> Result<(), String> {
    let mut session = story.quiet_session().map_err(|error| error.to_string())?;
    let wire = story.wire.clone();
    quietly(session.reconcile(&wire, &story.policy))?;
    let pending = session.state().pending().map(|decision| decision.planned.decision_id);
    if let Some(id) = pending {
        story.totals.overdue += 1;
        let leading = session.state().trading().leading();
        let outcome = leading.map_or(SignalOutcome::ExpiredUnfilled, |(cause, _)| cause.outcome());
        let settings = settings(story, false);
        let end = (outcome, "its session is over");
        quietly(retire(&mut session, id, &wire, &wire, &settings, end))?;
        quietly(session.reconcile(&wire, &story.policy))?;
    }
    let text = |error: Error| error.to_string();
    let rules = story.nature.breaker.unwrap_or(NEVER);
    session.heed_limits(&story.nature.limits(), rules).map_err(text)?;
    quietly(protect(story, &mut session, &wire, false))?;
    if let Some(bare) = left_bare(story, &session) {
        return Err(bare);
    }
    session.close_day(Mode::Paper, |_| false).map_err(text).map(drop)
}

/// A process from its first look to its last.
pub(crate) async fn work(
    story: &mut Story,
    session: &mut Session,
    day: usize,
    (approval, streams): (bool, bool),
    rng: Rng,
) -> Result<Work, Error> {
    let wire = &story.wire.clone();
    let mut found = session.reconcile(wire, &story.policy).await?;
    if session.trading_state() >= TradingState::Paused {
        if !found.is_clean() {
            // An impatient operator gets nowhere.
            if session.resume("operator", "never mind").is_ok() {
                return Ok(Work::Broken("PAUSED was left while the books differ".to_owned()));
            }
            explain(story, session, &found)?;
            found = session.reconcile(wire, &story.policy).await?;
        }
        if !found.is_clean() || story.left_alone {
            return Ok(Work::Paused);
        }
        match session.resume("operator", "the books agree") {
            Ok(_) => {}
            // Somebody raised the fence meanwhile.
            Err(Error::NotPermitted { .. }) => return Ok(Work::Paused),
            Err(error) => return Err(error),
        }
    } else if session.trading_state() == TradingState::Reducing && story.rng.percent(30) {
        match session.resume("operator", "enough of that") {
            Ok(_) => {}
            Err(Error::NotPermitted { .. }) => return Ok(Work::Paused),
            Err(error) => return Err(error),
        }
    }
    session.heed_limits(&story.nature.limits(), story.nature.breaker.unwrap_or(NEVER))?;
    if let Some(forgotten) = forgotten(story) {
        return Ok(Work::Broken(forgotten));
    }
    let as_of = story.market.sessions[day].date;
    let known = session.state().decision_on(as_of).map(|decision| decision.planned.decision_id);
    let id = match known {
        Some(id) => id,
        None => record(story, session, day, rng)?,
    };
    if approval {
        approve(story, session, id, day)?;
    }
    carry_out(story, session, id, day, streams).await
}

async fn carry_out(
    story: &mut Story,
    session: &mut Session,
    id: DecisionId,
    day: usize,
    streams: bool,
) -> Result<Work, Error> {
    let wire = &story.wire.clone();
    let as_of = story.market.sessions[day].date;
    let approver = Wide::new(as_of, story.nature.limits());
    let settings = settings(story, streams);
    let expected = drifted(story, session, id);
    wire.wire().begin();
    let done = execute(session, id, wire, &approver, wire, &settings).await;
    match done {
        Ok(_) if expected => {
            Ok(Work::Broken("a plan was executed whose approval had drifted".to_owned()))
        }
        Ok(report) if report.finish == Finish::Complete => {
            if !report.reconciliation.is_clean() {
                return Ok(Work::Paused);
            }
            let superseded = report.signals.iter();
            let superseded =
                superseded.filter(|end| end.outcome == Some(SignalOutcome::Superseded)).count();
            story.totals.superseded += u64::try_from(superseded).unwrap();
            protect(story, session, wire, streams).await?;
            Ok(Work::Done)
        }
        Ok(_) | Err(Error::NotPermitted { .. }) => Ok(Work::Paused),
        // A fee may have come in between.
        Err(Error::Approval { .. }) if expected || drifted(story, session, id) => {
            session.put_aside(id, SignalOutcome::Superseded, "the approval had drifted")?;
            Ok(Work::Stale)
        }
        Err(error) => Err(error),
    }
}

/// Places the stops that are missing, whoever has taken them away.
async fn protect(
    story: &mut Story,
    session: &mut Session,
    wire: &Lossy,
    streams: bool,
) -> Result<(), Error> {
    let settings = settings(story, streams);
    let approver = GuardApprover::new(&story.nature.limits().check().unwrap(), Mode::Paper);
    let lacking = !bare(session.state()).is_empty();
    let restored = restore_protection(session, wire, &approver, wire, &settings).await?;
    let mended = lacking && restored.acted && restored.bare.is_empty();
    story.totals.mended += u64::from(mended);
    Ok(())
}

/// A position that is without its stop in the evening, though the account may sell.
fn left_bare(story: &Story, session: &Session) -> Option<String> {
    if !story.nature.protects || session.trading_state() >= TradingState::Paused {
        return None;
    }
    let (symbol, cover) = bare(session.state()).into_iter().next()?;
    Some(format!("{symbol} is left without protection: {cover:?}"))
}

/// The operator looks at every difference and takes over what can be explained.
fn explain(story: &mut Story, session: &mut Session, found: &Reconciliation) -> Result<(), Error> {
    for mismatch in found.mismatches() {
        let subject = match mismatch {
            Discrepancy::Anomaly { seq, .. } => Subject::Anomaly { seq: *seq },
            Discrepancy::Unmanaged { symbol, qty }
                if story.policy.unmanaged == Unmanaged::Refuse && !story.nature.is_hostile =>
            {
                let price = "10".parse().unwrap();
                Subject::Position { symbol: symbol.clone(), qty: *qty, price }
            }
            Discrepancy::UnmanagedOrder { .. } => {
                story.wire.strangers_leave();
                continue;
            }
            _ => continue,
        };
        story.totals.adopted += 1;
        session.adopt(subject, "operator", "it is explained")?;
    }
    Ok(())
}

/// A limit of loss that is reached, and that nobody on record knows of.
fn forgotten(story: &Story) -> Option<String> {
    let wire = story.wire.wire();
    let (daily, drawdown) = story.nature.loss_shares();
    let (loss, fall) = wire.record.losses();
    let record = &wire.record;
    if loss >= daily && daily < Decimal::ONE && !record.holds("daily_loss") {
        return Some(format!("{loss} is lost of {daily} allowed a day, and nothing holds it back"));
    }
    if fall >= drawdown && drawdown < Decimal::ONE && !record.holds("drawdown") {
        return Some(format!("it is {fall} below its peak of {drawdown} allowed, unheeded"));
    }
    None
}

/// A person approves the pending plan at the closing prices it was made on.
fn approve(story: &Story, session: &mut Session, id: DecisionId, day: usize) -> Result<(), Error> {
    let decision = session.decision(id)?;
    if decision.approval.is_some() || !decision.is_pending() || decision.started.is_some() {
        return Ok(());
    }
    let hash = decision.planned.plan_hash.to_string();
    let (account, positions) = story.wire.truth();
    let reference = Reference {
        prices: story.closes(day),
        cash: account.cash,
        positions: positions.into_iter().map(|(symbol, p)| (symbol, p.qty)).collect(),
    };
    session.approve(&hash, "operator", reference).map(|_| ())
}

/// Whether the world is not what an approval was given on: any price of the plan more than 300 bps
/// away, cash more than 100, any position another; naively.
fn drifted(story: &Story, session: &Session, id: DecisionId) -> bool {
    let Ok(decision) = session.decision(id) else { return false };
    let Some(approval) = decision.approval.as_ref() else { return false };
    let orders = session.state().orders();
    let sent = decision.planned.legs.iter().any(|leg| orders.contains_key(leg.id()));
    if sent || !decision.is_pending() {
        return false;
    }
    let far = |then: Decimal, now: Decimal, bps: u32| {
        (now - then).abs() * Decimal::from(10_000) > then.abs() * Decimal::from(bps)
    };
    let symbols: Vec<Symbol> =
        decision.planned.legs.iter().map(|leg| leg.request.symbol.clone()).collect();
    let quotes = story.wire.quotes_now(&symbols);
    let (account, positions) = story.wire.truth();
    let held: BTreeMap<Symbol, _> = positions.into_iter().map(|(s, p)| (s, p.qty)).collect();
    let moved = symbols.iter().any(|symbol| {
        let Some(quote) = quotes.get(symbol) else { return true };
        let (Some(bid), Some(ask)) = (quote.bid, quote.ask) else { return true };
        let now = ((bid.value() + ask.value()) / Decimal::TWO).round_dp(6);
        far(approval.reference.prices[symbol].value(), now, 300)
    });
    moved
        || held != approval.reference.positions
        || far(approval.reference.cash.value(), account.cash.value(), 100)
}
