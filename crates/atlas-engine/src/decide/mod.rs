//! The decision: from what is seen to a validated plan, as one pure function.

mod book;
mod desire;
mod desk;
mod heat;
mod orders;
mod preview;
mod regime;
mod target;

use std::collections::BTreeSet;

use atlas_core::time::Timestamp;
use atlas_core::{OrderRequest, Symbol};
use atlas_risk::{Authority, Context, Hours, Judgement, Phase, Validator};

use crate::Error;
use crate::falls::Falls;
use crate::plan::{PlannedDesk, RebalancePlan, RegimeDecision};
use crate::policy::Policy;
use crate::select::Selector;
use crate::snapshot::AccountSnapshot;
use crate::view::MarketView;

use book::Book;
use desire::Desires;

/// Decides one rebalance.
///
/// A pure function: the same arguments give the same plan, byte for byte once serialized.
///
/// 1. The regime is detected (or a person's taken), which gives the allocation.
/// 2. Cash and positions are valued at the closes of `as_of`; equity × allocation × the profile's
///    cap is the budget. Positions of others count in it and are never touched.
/// 3. The scanner ranks the universe; the best N share the budget evenly, in whole shares, within
///    the profile's limits and the money there is. Where purchases would put more at risk down to
///    the exit levels than the profile's heat limit, they are scaled down alike.
/// 4. The difference to what is held becomes orders: market sales first, then purchases with a
///    limit above the close, so that they can neither run away nor overdraw the account.
/// 5. Every order goes through every gate. Every signal ends here, unless an order is to be sent
///    for it.
///
/// A symbol without a close of `as_of` is neither bought nor, outside of a regime that allows
/// nothing, sold; while Atlas owns such a symbol, nothing is opened or increased. Selecting nothing is a valid plan, explained in its notes.
///
/// # Errors
/// - [`Error::OverrideInLive`], [`Error::Policy`], [`Error::Detector`], [`Error::Strategy`] for a
///   policy that cannot be used;
/// - [`Error::Regime`] if the regime cannot be detected and no override is given;
/// - [`Error::Stale`] if too few symbols have a close of `as_of`; [`Error::Adjusted`],
///   [`Error::Unpriceable`], [`Error::Twice`] for prices that cannot be used;
/// - [`Error::Unmanaged`] for a position of others under the policy to refuse them;
/// - [`Error::NoEquity`] if there is nothing to plan with;
/// - [`Error::Risk`], [`Error::Core`] if an amount overflows.
pub fn plan(
    view: &MarketView<'_>,
    snapshot: &AccountSnapshot,
    policy: &Policy,
    now: Timestamp,
) -> Result<RebalancePlan, Error> {
    policy.check()?;
    let detected = regime::detect(view, policy)?;
    plan_detected(view, snapshot, policy, now, detected)
}

/// As [`plan`], with what the detector says about the session handed in: for whoever judges many
/// sessions at once with [`atlas_regime::Detector::history`], which says the same about each.
///
/// # Errors
/// As [`plan`]; [`Error::Estimate`] if the estimate is of another session.
pub fn plan_detected(
    view: &MarketView<'_>,
    snapshot: &AccountSnapshot,
    policy: &Policy,
    now: Timestamp,
    detected: Result<atlas_regime::RegimeEstimate, atlas_regime::Error>,
) -> Result<RebalancePlan, Error> {
    let scanner = policy.momentum.clone().check()?;
    plan_selected(view, snapshot, policy, now, detected, &scanner)
}

/// As [`plan_detected`], with another selector in the scanner's place: regime, allocation, sizing,
/// orders and gates stay what they are.
///
/// # Errors
/// As [`plan_detected`], and whatever the selector refuses.
pub fn plan_selected(
    view: &MarketView<'_>,
    snapshot: &AccountSnapshot,
    policy: &Policy,
    now: Timestamp,
    detected: Result<atlas_regime::RegimeEstimate, atlas_regime::Error>,
    selector: &dyn Selector,
) -> Result<RebalancePlan, Error> {
    policy.check()?;
    if let Ok(estimate) = &detected
        && estimate.as_of != view.as_of
    {
        return Err(Error::Estimate { as_of: view.as_of, found: estimate.as_of });
    }
    let mut notes = Vec::new();
    let regime = regime::decide(view, policy, detected, &mut notes)?;
    let book = Book::open(view, snapshot, policy, &mut notes)?;
    let budget = book.equity.share(regime.allocation.times(policy.limits.get().allocation_cap))?;
    let adjusted = view.adjusted();
    let frame = Frame { view, book: &book, policy, regime: &regime, adjusted: &adjusted };
    let mut desires = Desires::select(&frame, selector, &mut notes)?;
    let held = policy.heat || policy.desk.is_some();
    let falls = if held { Some(heat::falls(&frame, &desires)?) } else { None };
    let desk = match (&policy.desk, &falls) {
        (Some(rules), Some(falls)) => Some(desk::plan(&frame, &desires, falls, rules)?),
        (_, _) => None,
    };
    let targets = target::size(&frame, &mut desires, budget, falls.as_ref(), &mut notes)?;
    let drafts = orders::draft(&frame, &targets, &desires)?;
    let requests: Vec<_> = drafts.iter().map(|draft| draft.request.clone()).collect();
    let context = Context {
        now,
        phase: Phase::Plan,
        mode: policy.mode,
        state: snapshot.state,
        authority: Authority::Engine,
        hours: Hours::Closed,
        regime: regime.regime,
        entries: policy.entries(regime.regime),
        equity: book.equity,
        budget,
        account: &snapshot.account,
        positions: &snapshot.positions,
        open_orders: &snapshot.open_orders,
        recent_orders: &snapshot.recent_orders,
        market: &book.market,
        decision_session: view.as_of,
        activity: snapshot.activity,
        performance: snapshot.performance,
        breaker: snapshot.breaker,
    };
    let judgements = judge(&frame, (falls.as_ref(), desk.as_ref()), &requests, &context)?;
    let (orders, denied) = orders::judged(drafts, judgements);
    let preview = preview::preview(&frame, &orders, &desires, budget)?;
    let signals = desires.outcomes(&denied);
    if orders.is_empty() {
        notes.push("nothing is to be sent".into());
    }
    Ok(RebalancePlan {
        account: policy.account.clone(),
        decision_id: policy.decision_id,
        as_of: view.as_of,
        execute_on: view.execute_on,
        decided_at: now,
        mode: policy.mode,
        regime,
        equity: context.equity,
        budget,
        signals,
        targets,
        orders,
        denied,
        preview,
        falls,
        desk,
        notes,
    })
}

/// What every gate says, those of heat and of the desk where the policy has them.
fn judge(
    frame: &Frame<'_>,
    (falls, desk): (Option<&Falls>, Option<&PlannedDesk>),
    requests: &[OrderRequest],
    context: &Context<'_>,
) -> Result<Vec<Judgement>, Error> {
    let limits = &frame.policy.limits;
    if let Some(PlannedDesk { rules, desk }) = desk {
        return Ok(Validator::with_desk(limits, rules)?.judge_with(requests, context, Some(desk)));
    }
    let Some(falls) = falls else {
        return Ok(Validator::new(limits).judge(requests, context));
    };
    let desk = heat::desk(frame, falls)?;
    Ok(Validator::with_heat(limits).judge_with(requests, context, Some(&desk)))
}

/// What every step of a decision looks at.
#[derive(Clone, Copy)]
struct Frame<'a> {
    view: &'a MarketView<'a>,
    book: &'a Book<'a>,
    policy: &'a Policy,
    regime: &'a RegimeDecision,
    /// Symbols whose prices are adjusted.
    adjusted: &'a BTreeSet<&'a Symbol>,
}

#[cfg(test)]
mod tests;
