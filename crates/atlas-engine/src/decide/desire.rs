//! What is wanted: signals, who is to be held, who is to be sold, and how each signal ends.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::signal::Direction;
use atlas_core::{Signal, SignalId, SignalOutcome, Symbol, Usd, Weight};
use atlas_risk::{Entries, VerdictKind};
use rust_decimal::Decimal;

use super::Frame;
use crate::Error;
use crate::plan::{PlannedOrder, PlannedSignal};
use crate::select::{Choice, Look, Selector};
use crate::view::PriceSeries;

/// The wishes of a decision while it is made.
#[derive(Default)]
pub(super) struct Desires {
    /// Every signal; an outcome where the decision ended it before orders were drafted.
    pub(super) signals: Vec<PlannedSignal>,
    /// Symbols to be held, best first.
    pub(super) wanted: Vec<Symbol>,
    /// Position in `signals` of the signal that speaks for each symbol's order.
    pub(super) speaks: BTreeMap<Symbol, usize>,
    /// Owned symbols that are to be sold whole.
    pub(super) exits: BTreeSet<Symbol>,
    /// Fall from the decision price to the level the strategy leaves at, as a share of the price.
    pub(super) stops: BTreeMap<Symbol, Decimal>,
}

/// Why an owned position is sold that the selector did not say to leave.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// The regime allows nothing.
    Regime,
    /// The symbol is outside of the universe.
    Universe,
    /// No position of a permitted size exists.
    Sizing,
}

impl Rule {
    /// The word its signals carry as their strategy.
    const fn name(self) -> &'static str {
        match self {
            Self::Regime => "regime",
            Self::Universe => "universe",
            Self::Sizing => "sizing",
        }
    }

    fn reason(self, frame: &Frame<'_>) -> String {
        match self {
            Self::Regime => format!("the {} regime allows no position", frame.regime.regime),
            Self::Universe => format!("it is not in universe {}", frame.policy.universe),
            Self::Sizing => "no position of a permitted size exists".to_owned(),
        }
    }
}

impl Desires {
    /// Asks the selector and sorts its signals into holds, exits and what is over already.
    pub(super) fn select(
        frame: &Frame<'_>,
        selector: &dyn Selector,
        notes: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let Frame { view, book, policy, .. } = *frame;
        let managed = |symbol: &Symbol| book.held(symbol).is_zero() || book.owned.contains(symbol);
        let readable =
            |series: &&PriceSeries<'_>| book.is_fresh(series.symbol()) && managed(series.symbol());
        let histories: Vec<_> =
            view.universe.iter().filter(readable).map(PriceSeries::history).collect();
        let look = Look {
            histories: &histories,
            held: &book.owned,
            regime: frame.regime.regime,
            decision: policy.decision_id,
            as_of: view.as_of,
        };
        let choices = selector.select(&look, notes)?;
        let mut desires = Self::default();
        for choice in choices {
            desires.take(frame, choice)?;
        }
        desires.orphans(frame)?;
        if desires.wanted.is_empty() {
            notes.push(format!(
                "no symbol is to be held: of {} that were looked at none qualifies in the {} regime",
                histories.len(),
                frame.regime.regime
            ));
        }
        Ok(desires)
    }

    /// Takes in one symbol the selector has an opinion on.
    fn take(&mut self, frame: &Frame<'_>, choice: Choice) -> Result<(), Error> {
        let Choice { signal, selected, stop, reason } = choice;
        let symbol = signal.symbol.clone();
        let held = frame.book.owned.contains(&symbol);
        self.stops.insert(symbol.clone(), share(stop)?);
        let name = frame.regime.regime;
        let nothing = frame.regime.allocation == Weight::ZERO;
        let blocked = frame.policy.entries(name) == Entries::Blocked;
        match (selected, held) {
            (true, true) if nothing => {
                let reason = format!("{reason}; the {name} regime allows no position");
                self.end(signal, SignalOutcome::RejectedByRegime, reason);
                self.exit(frame, Rule::Regime, symbol)?;
            }
            (true, false) if blocked => {
                let reason = format!("{reason}; the {name} regime allows no entries");
                self.end(signal, SignalOutcome::RejectedByRegime, reason);
            }
            (true, false) if !frame.book.stale.is_empty() => {
                let reason = format!("{reason}; {}", frame.book.stale.join("; "));
                self.end(signal, SignalOutcome::RejectedByStaleData, reason);
            }
            (true, _) => {
                self.speak(signal, reason);
                self.wanted.push(symbol);
            }
            (false, true) => {
                // A rank is not why: all is sold, whatever its rank.
                let reason = if nothing { Rule::Regime.reason(frame) } else { reason };
                self.speak(signal, reason);
                self.exits.insert(symbol);
            }
            (false, false) => self.end(signal, SignalOutcome::Filtered, reason),
        }
        Ok(())
    }

    /// Owned symbols the selector said nothing about: those outside of the universe are sold, the
    /// others (stale, or too young) only where nothing may be held.
    fn orphans(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let nothing = frame.regime.allocation == Weight::ZERO;
        for symbol in &frame.book.owned {
            if self.speaks.contains_key(symbol) {
                continue;
            }
            let listed = frame.view.universe.iter().any(|series| series.symbol() == symbol);
            if nothing {
                self.exit(frame, Rule::Regime, symbol.clone())?;
            } else if !listed {
                self.exit(frame, Rule::Universe, symbol.clone())?;
            }
        }
        Ok(())
    }

    /// Adds an exit signal that no selector made, and sells the position.
    pub(super) fn exit(
        &mut self,
        frame: &Frame<'_>,
        rule: Rule,
        symbol: Symbol,
    ) -> Result<(), Error> {
        let signal = Signal {
            id: SignalId::new(&format!("{}-{}-{symbol}", frame.policy.decision_id, rule.name()))?,
            strategy: rule.name().to_owned(),
            symbol: symbol.clone(),
            direction: Direction::Exit,
            strength: 1.0,
            as_of: frame.view.as_of,
            evidence: vec![("allocation".to_owned(), frame.regime.allocation.to_f64())],
        };
        self.speak(signal, rule.reason(frame));
        self.exits.insert(symbol);
        Ok(())
    }

    /// Ends the signal that speaks for a symbol.
    pub(super) fn finish(&mut self, symbol: &Symbol, outcome: SignalOutcome, reason: &str) {
        let Some(planned) = self.speaks.get(symbol).and_then(|at| self.signals.get_mut(*at)) else {
            return;
        };
        planned.outcome = Some(outcome);
        planned.reason = format!("{}; {reason}", planned.reason);
    }

    /// The signals, those of denied orders ended by the gate that denied them.
    pub(super) fn outcomes(mut self, denied: &[PlannedOrder]) -> Vec<PlannedSignal> {
        for order in denied {
            let denial = order.verdicts.iter().find(|verdict| verdict.kind == VerdictKind::Deny);
            if let Some(verdict) = denial {
                let reason = format!("its order was denied by {verdict}");
                self.finish(&order.request.symbol, verdict.gate.outcome(), &reason);
            }
        }
        self.signals
    }

    fn speak(&mut self, signal: Signal, reason: String) {
        self.speaks.insert(signal.symbol.clone(), self.signals.len());
        self.signals.push(PlannedSignal { signal, outcome: None, reason });
    }

    fn end(&mut self, signal: Signal, outcome: SignalOutcome, reason: String) {
        self.signals.push(PlannedSignal { signal, outcome: Some(outcome), reason });
    }
}

/// A share of a price from statistics, rounded up at six decimals, zero below zero.
fn share(value: f64) -> Result<Decimal, Error> {
    Ok(Usd::from_f64(value.clamp(0.0, 1.0), 6, atlas_core::Rounding::Up)?.value())
}
