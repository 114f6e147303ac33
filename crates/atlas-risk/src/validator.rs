//! The validator: every gate on every order, and the only maker of approvals.

use std::fmt;

use atlas_core::{OrderRequest, Side};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::approved::{Approved, ApprovedOrder};
use crate::context::Context;
use crate::desk::{Desk, DeskRules};
use crate::gate::{Case, Gate};
use crate::gates;
use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::verdict::{Effect, GateName, Verdict, VerdictKind};

/// The ordered list of gates, made from checked limits.
///
/// Every gate speaks on every order; none is skipped because another one denied. An order that
/// reduces (a sell of at most what is held minus open sells) can be denied only by the gates whose
/// name [may deny reducing](GateName::may_deny_reducing) orders: symbol, halt and state, duplicate,
/// quantity, message rate. All others warn. A number that is missing denies an opening order.
#[derive(Debug)]
pub struct Validator {
    gates: Vec<Box<dyn Gate>>,
}

/// What all gates said about one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Whether the order opens or reduces.
    pub effect: Effect,
    /// One verdict a gate, in the order of the gates.
    pub verdicts: Vec<Verdict>,
}

impl Judgement {
    /// The first verdict that denies the order, if one does.
    #[must_use]
    pub fn denial(&self) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| verdict.kind == VerdictKind::Deny)
    }

    /// Whether the order may not go: a gate denies it, or none has spoken.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.verdicts.is_empty() || self.denial().is_some()
    }

    /// Nobody has spoken yet, so the order may not go.
    const fn silence() -> Self {
        Self { effect: Effect::Opening, verdicts: Vec::new() }
    }

    /// The verdicts a person should see: warnings and denials.
    pub fn remarks(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| verdict.kind > VerdictKind::Pass)
    }
}

/// An order that may not go, with everything the gates said. An outcome, not an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// The order.
    pub request: Box<OrderRequest>,
    /// What the gates said.
    pub judgement: Judgement,
}

impl Denial {
    /// The first gate that denied.
    #[must_use]
    pub fn gate(&self) -> Option<GateName> {
        self.judgement.denial().map(|verdict| verdict.gate)
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OrderRequest { side, qty, symbol, .. } = &*self.request;
        write!(f, "{side} {qty} {symbol} was denied")?;
        let denials = self.judgement.verdicts.iter().filter(|v| v.kind == VerdictKind::Deny);
        for (position, verdict) in denials.enumerate() {
            write!(f, "{} {verdict}", if position == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl Validator {
    /// Every gate but heat and those of the desk, with its limits, in the order in which they
    /// speak: for whoever knows of no stops.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { gates: gates::all(limits) }
    }

    /// Every gate whose limits are the profile's, heat included, in the order in which they speak.
    /// It denies every opening order that is judged without a [`Desk`] of stops.
    #[must_use]
    pub fn with_heat(limits: &Limits) -> Self {
        Self { gates: gates::with_heat(limits) }
    }

    /// Every gate, those of the desk included, in the order of [`GateName::ALL`]. It denies every
    /// opening order that is judged without a [`Desk`].
    ///
    /// # Errors
    /// [`Error::Limit`] if the rules cannot be used.
    pub fn with_desk(limits: &Limits, rules: &DeskRules) -> Result<Self, Error> {
        rules.check(limits)?;
        Ok(Self { gates: gates::with_desk(limits, rules) })
    }

    /// The gates, in the order in which they speak.
    pub fn gates(&self) -> impl Iterator<Item = &dyn Gate> {
        self.gates.iter().map(AsRef::as_ref)
    }

    /// Judges a batch of orders that are meant to be sent together, net: its sells are taken in
    /// before its buys, each in the order given, and only those let through count for the next.
    /// One judgement an order, in the order given.
    ///
    /// The result lets through no batch that breaks a limit at decision prices once all of it has
    /// filled. That no partial fill does either is [`Self::approve`]'s part, just before each send.
    #[must_use]
    pub fn judge(&self, batch: &[OrderRequest], context: &Context<'_>) -> Vec<Judgement> {
        self.judge_with(batch, context, None)
    }

    /// As [`judge`](Self::judge), with what the gates of the desk look at.
    #[must_use]
    pub fn judge_with(
        &self,
        batch: &[OrderRequest],
        context: &Context<'_>,
        desk: Option<&Desk>,
    ) -> Vec<Judgement> {
        let mut ledger = Ledger::new(context, batch, desk);
        let mut judged: Vec<Judgement> = Vec::new();
        judged.resize_with(batch.len(), Judgement::silence);
        for side in [Side::Sell, Side::Buy] {
            for (request, said) in batch.iter().zip(&mut judged).filter(|(r, _)| r.side == side) {
                let Some(case) = Case::new(request, context, &ledger, desk) else { continue };
                let (line, amounts) = (case.line, case.amounts());
                *said = self.hear(&case);
                if !said.is_denied() {
                    ledger.take(line, request, amounts);
                }
            }
        }
        judged
    }

    /// Judges one order on fresh data and, if no gate denies it, gives the approval that sends it.
    ///
    /// Nothing of a batch is credited here: a sell that has not filled still counts as held, and
    /// its money as not there.
    ///
    /// # Errors
    /// [`Denial`] with every verdict, if any gate denies.
    pub fn approve(
        &self,
        request: OrderRequest,
        context: &Context<'_>,
    ) -> Result<ApprovedOrder, Denial> {
        self.approve_with(request, context, None)
    }

    /// As [`approve`](Self::approve), with what the gates of the desk look at.
    ///
    /// # Errors
    /// [`Denial`] with every verdict, if any gate denies.
    pub fn approve_with(
        &self,
        request: OrderRequest,
        context: &Context<'_>,
        desk: Option<&Desk>,
    ) -> Result<ApprovedOrder, Denial> {
        self.approve_heard(request, context, desk).map(|(approved, _)| approved)
    }

    /// As [`approve_with`](Self::approve_with), with what the gates said of an order they let
    /// through: for whoever keeps a record of it.
    ///
    /// # Errors
    /// [`Denial`] with every verdict, if any gate denies.
    pub fn approve_heard(
        &self,
        request: OrderRequest,
        context: &Context<'_>,
        desk: Option<&Desk>,
    ) -> Result<(ApprovedOrder, Judgement), Denial> {
        let batch = std::slice::from_ref(&request);
        let ledger = Ledger::new(context, batch, desk);
        let case = Case::new(&request, context, &ledger, desk);
        let (judgement, ceiling) = case
            .map_or_else(|| (Judgement::silence(), None), |case| (self.hear(&case), case.worst));
        if judgement.is_denied() {
            return Err(Denial { request: Box::new(request), judgement });
        }
        Ok((Approved::new(request).up_to(ceiling), judgement))
    }

    /// Lets every gate speak.
    fn hear(&self, case: &Case<'_>) -> Judgement {
        let verdicts = self.gates.iter().map(|gate| verdict(gate.as_ref(), case)).collect();
        Judgement { effect: case.effect, verdicts }
    }
}

/// One gate's verdict; a denial of a reducing order stands only where the gate's name allows it.
fn verdict(gate: &dyn Gate, case: &Case<'_>) -> Verdict {
    let finding = gate.judge(case);
    let softened = case.is_reducing() && !gate.name().may_deny_reducing();
    let kind = if softened { finding.kind.min(VerdictKind::Warn) } else { finding.kind };
    Verdict {
        gate: gate.name(),
        kind,
        value: finding.value,
        limit: finding.limit,
        sentence: finding.sentence,
    }
}

#[cfg(test)]
mod tests;
