//! The sequencer: sells, wait, ask again, rescale, buys; pure, so that replay, paper and live
//! share it.
//!
//! ```text
//!         begin              all reducing legs ended, or wait over and cancels confirmed
//! Idle ───────► Reducing ───────────────────────────────────► Asking ──funds──► Opening ──► Guarding ──► Done
//!                  └─wait over─► Canceling ─not confirmed in time─► Done(Stopped)  └─► Canceling ──┘
//! ```
//!
//! A symbol whose position is protected by a stop at the broker is traded only once that stop is
//! canceled and has ended; in Guarding a stop is placed for what is held in the end. There are
//! never two live exits for the same share.
//!
//! It has no clock, no I/O and no randomness: news goes in ([`Input`]), deeds come out
//! ([`Action`]), time is what [`Input::Tick`] says. It lets one order out at a time and waits to
//! hear what became of it, so that whoever drives it can stop between any two.

mod conservation;
mod end;
mod guard;
#[cfg(test)]
mod guard_tests;
mod guarding;
mod leg;
mod news;
mod rescale;
#[cfg(test)]
mod tests;
mod track;

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_core::{
    ClientOrderId, OrderRequest, OrderStatus, Price, Qty, SignalOutcome, Symbol, Usd,
};

pub use conservation::{Breach, Ceilings, Conservation, check_guard};
pub use end::{LegEnd, end_of};
pub use guard::GuardNews;
use guard::Guards;
pub use leg::Leg;
pub use news::{Action, Finish, Funds, Input, Stop};
pub use rescale::{Wish, rescale};
use track::{Progress, Track};

/// How long the sequencer waits, and how small a position may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// Open-market time after which reducing orders that hang are canceled.
    pub reducing: Duration,
    /// Open-market time after which opening orders that hang are canceled.
    pub opening: Duration,
    /// Open-market time within which a cancel must be confirmed; it is asked for three times.
    pub cancel: Duration,
    /// A rescaled buy worth less than this, in USD, is dropped.
    pub minimum_position: Usd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Reducing {
        since: Duration,
    },
    Asking,
    Opening {
        since: Duration,
    },
    /// `next` says what follows once every cancel is confirmed.
    Canceling {
        since: Duration,
        asked: u32,
        next: Next,
    },
    /// Pausing: opening orders were canceled, reducing ones get their wait.
    Winding {
        since: Duration,
    },
    /// All trading is over: what is held is given its protective orders.
    Guarding,
    /// Halting: only the answer to an order just handed out is waited for.
    Halting,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Ask,
    Finish,
}

/// How often a cancel is asked for within [`Waits::cancel`].
const CANCEL_TRIES: u32 = 3;

/// The state machine; see the [module](self).
///
/// # Examples
/// A plan of one sell: it is sent, fills, and there is nothing to buy.
/// ```
/// use atlas_core::{OrderRequest, OrderStatus, OrderType, Qty, Side, TimeInForce, Usd};
/// use atlas_exec::sequencer::{Action, Finish, Input, Leg, Sequencer, Waits};
/// use atlas_risk::Effect;
/// use std::time::Duration;
///
/// let wait = Duration::from_secs(300);
/// let waits =
///     Waits { reducing: wait, opening: wait, cancel: wait, minimum_position: Usd::ZERO };
/// let request = OrderRequest {
///     client_order_id: "atlas-demo-1-sell-AAPL-0".parse()?,
///     symbol: "AAPL".parse()?,
///     side: Side::Sell,
///     qty: Qty::from_shares(10),
///     order_type: OrderType::Market,
///     time_in_force: TimeInForce::Day,
/// };
/// let id = request.client_order_id.clone();
/// let leg = Leg {
///     request: request.clone(),
///     effect: Effect::Reducing,
///     decision_price: "100".parse()?,
///     signal_id: "1-momentum-AAPL".parse()?,
/// };
/// let mut sequencer = Sequencer::new(vec![leg], waits);
/// assert_eq!(sequencer.step(Input::Begin)?, [Action::Send(request)]);
/// let filled = Qty::from_shares(10);
/// let news = Input::Order { id, qty: filled, status: OrderStatus::Filled, filled };
/// assert_eq!(sequencer.step(news)?, [Action::Finish(Finish::Complete)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequencer {
    tracks: Vec<Track>,
    /// Where the track of each leg is.
    places: BTreeMap<ClientOrderId, usize>,
    waits: Waits,
    phase: Phase,
    now: Duration,
    session_over: bool,
    /// What is left to spend of what the account said, at the prices it was asked with.
    left: Usd,
    prices: BTreeMap<Symbol, Price>,
    no_entries: Option<(SignalOutcome, String)>,
    pause: Option<String>,
    guards: Guards,
}

impl Sequencer {
    /// A sequencer for the legs of a plan, in the order of sending.
    #[must_use]
    pub fn new(legs: Vec<Leg>, waits: Waits) -> Self {
        let places =
            legs.iter().enumerate().map(|(place, leg)| (leg.id().clone(), place)).collect();
        let tracks = legs
            .into_iter()
            .map(|leg| Track { progress: Progress::Unsent { qty: leg.request.qty }, leg })
            .collect();
        Self {
            tracks,
            places,
            waits,
            phase: Phase::Idle,
            now: Duration::ZERO,
            session_over: false,
            left: Usd::ZERO,
            prices: BTreeMap::new(),
            no_entries: None,
            pause: None,
            guards: Guards::new(),
        }
    }

    /// The same, which gives what is held its protective orders in the end: it asks for them by
    /// [`Action::AskProtection`]. Without this, protective orders of the past are canceled where
    /// their symbol is traded, and none are placed.
    #[must_use]
    pub fn protecting(mut self) -> Self {
        self.guards.placing = true;
        self
    }

    /// Takes in news and says what to do now.
    ///
    /// # Errors
    /// [`Breach`] if the news or the next order cannot be right: the account must be HALTED and
    /// the sequencer not be used again.
    pub fn step(&mut self, input: Input) -> Result<Vec<Action>, Breach> {
        let mut out = Vec::new();
        if self.phase == Phase::Done || self.is_known(&input) {
            return Ok(out);
        }
        self.take(input, &mut out)?;
        if self.phase != Phase::Idle {
            self.advance(&mut out)?;
        }
        Ok(out)
    }

    /// Whether nothing more will be asked for.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Whether anything is waited for: an order at the broker, or a cancel.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.phase != Phase::Done && self.tracks.iter().any(Track::is_unsettled)
    }

    /// The legs whose orders have not ended, in the order of sending.
    pub fn unsettled(&self) -> impl Iterator<Item = &ClientOrderId> {
        self.tracks.iter().filter(|track| track.is_unsettled()).map(|track| track.leg.id())
    }

    /// Where every leg ended, in the order of the plan; `None` for one that has not.
    pub fn ends(&self) -> impl Iterator<Item = (&Leg, Option<LegEnd>)> {
        self.tracks.iter().map(|track| (&track.leg, track.end()))
    }

    /// The legs that will never be sent, with how their signals end and why.
    pub fn dropped(&self) -> impl Iterator<Item = (&Leg, SignalOutcome, &str)> {
        self.tracks.iter().filter_map(|track| match &track.progress {
            Progress::Dropped { outcome, reason } => Some((&track.leg, *outcome, reason.as_str())),
            Progress::Unsent { .. } | Progress::Released { .. } | Progress::Sent { .. } => None,
        })
    }

    /// The opening legs that are not sent yet, or were just handed out, with what each was fitted
    /// to.
    pub fn sizes(&self) -> impl Iterator<Item = (&ClientOrderId, Qty)> {
        self.tracks.iter().filter(|track| !track.leg.reduces()).filter_map(|track| {
            let (Progress::Unsent { qty } | Progress::Released { qty }) = track.progress else {
                return None;
            };
            Some((track.leg.id(), qty))
        })
    }

    /// Whether news of an order says what was said before: what follows from it was done then.
    fn is_known(&self, input: &Input) -> bool {
        let Input::Order { id, qty, status, filled } = input else { return false };
        let before = self.places.get(id).and_then(|place| self.tracks.get(*place));
        before.is_some_and(|track| {
            let (qty, status, filled) = (*qty, *status, *filled);
            track.progress == Progress::Sent { qty, status, filled, lost: false }
        })
    }

    fn take(&mut self, input: Input, out: &mut Vec<Action>) -> Result<(), Breach> {
        match input {
            Input::Begin => {
                if self.phase == Phase::Idle {
                    self.phase = Phase::Reducing { since: self.now };
                }
            }
            Input::Order { id, qty, status, filled } => self.on_order(&id, qty, status, filled)?,
            Input::Fitted { id, qty } => {
                let track = self.track(&id)?;
                if let Progress::Unsent { qty: planned } = track.progress {
                    track.progress = Progress::Unsent { qty: planned.min(qty) };
                }
            }
            Input::Guard(news) => self.guards.hear(news),
            Input::Protect(wanted) => self.guards.want(wanted),
            Input::Unguarded { id } => self.guards.drop_released(&id),
            Input::Dropped { id, outcome, reason } => {
                self.track(&id)?.progress = Progress::Dropped { outcome, reason };
            }
            Input::Kept { id } => {
                let track = self.track(&id)?;
                if let Progress::Released { qty } = track.progress {
                    track.progress = Progress::Unsent { qty };
                }
            }
            Input::Lost { id } if self.guards.lose(&id) => {
                self.guards.drop_released(&id);
                self.pause(format!("nobody knows what became of protective order {id}"), out);
            }
            Input::Lost { id } => {
                let track = self.track(&id)?;
                if let Progress::Released { qty } = track.progress {
                    let (status, filled) = (OrderStatus::Submitted, Qty::ZERO);
                    track.progress = Progress::Sent { qty, status, filled, lost: true };
                } else if let Progress::Sent { lost, .. } = &mut track.progress {
                    *lost = true;
                }
                self.pause(format!("nobody knows what became of order {id}"), out);
            }
            Input::Funds(funds) => self.on_funds(funds)?,
            Input::Tick { open_time, session_over } => {
                self.now = self.now.max(open_time);
                self.session_over = session_over;
            }
            Input::Stop(stop) => self.on_stop(stop, out),
        }
        Ok(())
    }

    fn on_order(
        &mut self,
        id: &ClientOrderId,
        qty: Qty,
        status: OrderStatus,
        filled: Qty,
    ) -> Result<(), Breach> {
        let track = self.track(id)?;
        if filled > qty || qty > track.leg.request.qty {
            let asked = qty.min(track.leg.request.qty);
            return Err(Breach::Overfilled { id: id.clone(), filled, asked });
        }
        track.progress = Progress::Sent { qty, status, filled, lost: false };
        Ok(())
    }

    fn on_funds(&mut self, funds: Funds) -> Result<(), Breach> {
        if self.phase != Phase::Asking {
            return Ok(());
        }
        self.left = funds.spendable;
        self.prices = funds.prices;
        for track in self.tracks.iter_mut().filter(|track| track.is_unsent()) {
            if !self.prices.contains_key(&track.leg.request.symbol) {
                track.progress = Progress::Dropped {
                    outcome: SignalOutcome::RejectedByStaleData,
                    reason: format!("there is no fresh price of {}", track.leg.request.symbol),
                };
            }
        }
        self.fit(funds.spendable)?;
        self.phase = Phase::Opening { since: self.now };
        Ok(())
    }

    /// Fits the buys that are not sent yet to what can be spent.
    fn fit(&mut self, spendable: Usd) -> Result<(), Breach> {
        let mut wishes = Vec::new();
        for track in &self.tracks {
            if let Progress::Unsent { qty } = track.progress
                && let Some(price) = self.prices.get(&track.leg.request.symbol)
            {
                wishes.push(Wish { qty, price: *price });
            }
        }
        let Some(first) = self.tracks.iter().find(|track| track.is_unsent()) else {
            return Ok(());
        };
        let id = first.leg.id().clone();
        let fitted = rescale(&wishes, spendable, self.waits.minimum_position)
            .map_err(|source| Breach::Arithmetic { id, source })?;
        let unsent = self.tracks.iter_mut().filter(|track| track.is_unsent());
        for (track, qty) in unsent.zip(fitted) {
            track.progress = if qty.is_zero() {
                Progress::Dropped {
                    outcome: SignalOutcome::RejectedByBuyingPower,
                    reason: format!(
                        "{spendable} USD can be spent, too little for a position in {}",
                        track.leg.request.symbol
                    ),
                }
            } else {
                Progress::Unsent { qty }
            };
        }
        Ok(())
    }

    fn on_stop(&mut self, stop: Stop, out: &mut Vec<Action>) {
        match stop {
            Stop::Entries { outcome, reason } => {
                self.no_entries.get_or_insert((outcome, reason));
            }
            Stop::Pause { reason } => self.pause(reason, out),
            Stop::Halt { reason } => {
                self.pause = Some(reason);
                self.phase = Phase::Halting;
            }
        }
    }

    fn pause(&mut self, reason: String, out: &mut Vec<Action>) {
        if self.pause.is_some() || self.phase == Phase::Halting {
            return;
        }
        self.pause = Some(reason);
        self.phase = Phase::Winding { since: self.now };
        let opening = self.tracks.iter().filter(|track| !track.leg.reduces());
        out.extend(cancels(opening));
    }

    fn finish(&mut self, reason: String, out: &mut Vec<Action>) {
        self.phase = Phase::Done;
        let reason = self.pause.clone().unwrap_or(reason);
        let guards = self.guards.is_unresolved();
        let unresolved = guards || self.tracks.iter().any(Track::is_unresolved);
        let complete = !guards && self.tracks.iter().all(|track| track.end().is_some());
        out.push(Action::Finish(if complete {
            Finish::Complete
        } else {
            Finish::Stopped { reason, unresolved }
        }));
    }

    /// Goes through as many phases as the news allows.
    fn advance(&mut self, out: &mut Vec<Action>) -> Result<(), Breach> {
        loop {
            let before = self.phase;
            match before {
                Phase::Idle | Phase::Asking | Phase::Done => {}
                Phase::Reducing { since } => self.advance_reducing(since, out)?,
                Phase::Opening { since } => self.advance_opening(since, out)?,
                Phase::Canceling { since, asked, next } => {
                    self.advance_canceling(since, asked, next, out);
                }
                Phase::Winding { since } => self.advance_winding(since, out),
                Phase::Guarding => self.advance_guarding(out)?,
                Phase::Halting => {
                    if !self.tracks.iter().any(Track::is_released) && !self.guards.is_released() {
                        self.finish("halted".to_owned(), out);
                    }
                }
            }
            if self.phase == before {
                return Ok(());
            }
        }
    }

    fn advance_reducing(&mut self, since: Duration, out: &mut Vec<Action>) -> Result<(), Breach> {
        if self.tracks.iter().any(Track::is_released) {
            return Ok(());
        }
        self.heed_sold_by_guards();
        if let Some(index) = self.next_free(true, out) {
            return self.release(index, out);
        }
        if self.next_unsent(true).is_some() {
            return Ok(());
        }
        if !self.tracks.iter().any(|track| track.leg.reduces() && track.is_unsettled()) {
            self.ask_or_finish(out);
        } else if self.wait_is_over(since, self.waits.reducing) {
            self.phase = Phase::Canceling { since: self.now, asked: 0, next: Next::Ask };
        }
        Ok(())
    }

    fn ask_or_finish(&mut self, out: &mut Vec<Action>) {
        if self.session_over {
            let reason = "the session was over before it could be bought".to_owned();
            self.no_entries.get_or_insert((SignalOutcome::RejectedByMarketHours, reason));
        }
        self.drop_entries_if_stopped();
        if self.next_unsent(false).is_some() {
            self.phase = Phase::Asking;
            out.push(Action::AskAccount);
        } else {
            self.phase = Phase::Opening { since: self.now };
        }
    }

    fn advance_opening(&mut self, since: Duration, out: &mut Vec<Action>) -> Result<(), Breach> {
        if self.tracks.iter().any(Track::is_released) {
            return Ok(());
        }
        self.drop_entries_if_stopped();
        self.heed_sold_by_guards();
        if let Some(index) = self.next_free(false, out) {
            return self.release(index, out);
        }
        if self.next_unsent(false).is_some() {
            return Ok(());
        }
        if !self.tracks.iter().any(Track::is_unsettled) {
            self.phase = Phase::Guarding;
        } else if self.no_entries.is_some() || self.wait_is_over(since, self.waits.opening) {
            self.phase = Phase::Canceling { since: self.now, asked: 0, next: Next::Finish };
        }
        Ok(())
    }

    fn advance_canceling(
        &mut self,
        since: Duration,
        asked: u32,
        next: Next,
        out: &mut Vec<Action>,
    ) {
        if self.is_settled() {
            match next {
                Next::Ask => self.ask_or_finish(out),
                Next::Finish => self.phase = Phase::Guarding,
            }
            return;
        }
        let waited = self.now.saturating_sub(since);
        if asked < CANCEL_TRIES && waited >= self.waits.cancel / CANCEL_TRIES * asked {
            out.extend(cancels(self.tracks.iter()));
            out.extend(self.guards.cancel_again());
            self.phase = Phase::Canceling { since, asked: asked + 1, next };
        } else if waited >= self.waits.cancel {
            self.finish("a cancel was not confirmed in time".to_owned(), out);
        }
    }

    fn advance_winding(&mut self, since: Duration, out: &mut Vec<Action>) {
        let waited = self.now.saturating_sub(since);
        if self.is_settled() {
            self.finish("paused".to_owned(), out);
        } else if self.session_over || waited >= self.waits.reducing {
            self.phase = Phase::Canceling { since: self.now, asked: 0, next: Next::Finish };
        }
    }

    /// Hands out one leg to be sent.
    fn release(&mut self, index: usize, out: &mut Vec<Action>) -> Result<(), Breach> {
        let Some(track) = self.tracks.get_mut(index) else { return Ok(()) };
        let Progress::Unsent { qty } = track.progress else { return Ok(()) };
        let id = track.leg.id().clone();
        if self.guards.lives(&track.leg.request.symbol) {
            return Err(Breach::TwoExits { id, symbol: track.leg.request.symbol.clone() });
        }
        if !track.leg.reduces() {
            let price = self.prices.get(&track.leg.request.symbol);
            let price = *price.ok_or_else(|| Breach::NotPlanned { id: id.clone() })?;
            let cost = price
                .notional(qty)
                .map_err(|source| Breach::Arithmetic { id: id.clone(), source })?;
            if cost > self.left {
                let (notional, limit) = (cost, self.left);
                return Err(Breach::Notional { what: "the buy", notional, limit });
            }
            self.left =
                self.left.checked_sub(cost).map_err(|source| Breach::Arithmetic { id, source })?;
        }
        let request = OrderRequest { qty, ..track.leg.request.clone() };
        track.progress = Progress::Released { qty };
        out.push(Action::Send(request));
        Ok(())
    }

    fn drop_entries_if_stopped(&mut self) {
        let Some((outcome, reason)) = &self.no_entries else { return };
        for track in &mut self.tracks {
            if track.is_unsent() && !track.leg.reduces() {
                track.progress = Progress::Dropped { outcome: *outcome, reason: reason.clone() };
            }
        }
    }

    fn wait_is_over(&self, since: Duration, wait: Duration) -> bool {
        self.session_over || self.now.saturating_sub(since) >= wait
    }

    fn next_unsent(&self, reducing: bool) -> Option<usize> {
        self.tracks.iter().position(|track| track.is_unsent() && track.leg.reduces() == reducing)
    }

    fn track(&mut self, id: &ClientOrderId) -> Result<&mut Track, Breach> {
        let place = self.places.get(id).copied();
        place
            .and_then(|place| self.tracks.get_mut(place))
            .ok_or_else(|| Breach::NotPlanned { id: id.clone() })
    }
}

/// Cancels for all that works and can be canceled.
fn cancels<'a>(tracks: impl Iterator<Item = &'a Track>) -> impl Iterator<Item = Action> {
    tracks
        .filter(|track| track.is_unsettled() && !track.is_released())
        .map(|track| Action::Cancel(track.leg.id().clone()))
}
