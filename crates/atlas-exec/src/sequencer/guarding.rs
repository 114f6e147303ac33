//! The sequencer around protective orders: out of the way before a trade, back in place after it.

use atlas_core::{SignalOutcome, Symbol};

use super::guard::Placing;
use super::track::{Progress, Track};
use super::{Action, Breach, Sequencer};

impl Sequencer {
    /// Whether no order works and no cancel is under way.
    pub(super) fn is_settled(&self) -> bool {
        !self.tracks.iter().any(Track::is_unsettled) && !self.guards.is_unresolved()
    }

    /// Gives what is held its protective orders, then finishes.
    pub(super) fn advance_guarding(&mut self, out: &mut Vec<Action>) -> Result<(), Breach> {
        if self.pause.is_some() || !self.guards.placing {
            self.finish("every leg has ended".to_owned(), out);
            return Ok(());
        }
        match self.guards.place(self.now, self.waits.cancel, out) {
            Placing::Waiting => {}
            Placing::Done => self.finish("every leg has ended".to_owned(), out),
            Placing::Stuck => {
                let reason = "a protective order's cancel was not confirmed in time".to_owned();
                self.finish(reason, out);
            }
            Placing::Send(request) => {
                let symbol = &request.symbol;
                let offers = |track: &&Track| {
                    track.is_unsettled()
                        && track.leg.reduces()
                        && track.leg.request.symbol == *symbol
                };
                if self.guards.lives(symbol) || self.tracks.iter().any(|track| offers(&track)) {
                    let (id, symbol) = (request.client_order_id, symbol.clone());
                    return Err(Breach::TwoExits { id, symbol });
                }
                out.push(Action::Protect(request));
            }
        }
        Ok(())
    }

    /// The next leg that no protective order stands in the way of. Where one does, its cancel is
    /// asked for, and the leg waits for the end of it.
    pub(super) fn next_free(&mut self, reducing: bool, out: &mut Vec<Action>) -> Option<usize> {
        let unsent = |track: &&Track| track.is_unsent() && track.leg.reduces() == reducing;
        let symbols: Vec<Symbol> =
            self.tracks.iter().filter(unsent).map(|t| t.leg.request.symbol.clone()).collect();
        if !self.guards.cancel(&symbols, self.now, self.waits.cancel, out) {
            let reason = "a protective order's cancel was not confirmed in time".to_owned();
            self.pause(reason, out);
            return None;
        }
        self.tracks
            .iter()
            .position(|track| unsent(&track) && !self.guards.lives(&track.leg.request.symbol))
    }

    /// What a protective order has sold since the plan was made is not sold again, and a position
    /// that was stopped out is not added to.
    pub(super) fn heed_sold_by_guards(&mut self) {
        for track in self.tracks.iter_mut().filter(|track| track.is_unsent()) {
            let sold = self.guards.sold(&track.leg.request.symbol);
            if sold.is_zero() {
                continue;
            }
            let planned = track.leg.request.qty;
            let qty = planned.saturating_sub(sold);
            let stopped = format!("its protective order has sold {sold} since the plan was made");
            track.progress = if !track.leg.reduces() {
                Progress::Dropped { outcome: SignalOutcome::Superseded, reason: stopped }
            } else if qty.is_zero() {
                Progress::Dropped { outcome: SignalOutcome::AlreadyAtTarget, reason: stopped }
            } else {
                Progress::Unsent { qty }
            };
        }
    }
}
