//! The rolling detector itself.

use std::collections::VecDeque;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::contest::Contest;
use super::evidence::{RollingEstimate, RollingEvidence, RollingRule};
use super::params::{CheckedRollingParams, FEATURES_MAX, RollingParams};
use super::refit::{Refit, Renaming};
use crate::detector::Expanding;
use crate::{Error, FeatureReading, FeatureStream, MarketState, StateEstimate};

/// A two-state detector that is refitted as sessions go by and may choose its own penalty.
///
/// Sessions are counted from the first one pushed, so the start of the series is part of the
/// detector's identity: refits and choices fall on multiples of their periods. Everything said
/// about a session depends on that session and its past only; the choice of the penalty compares
/// states **as they were emitted** by the fit then in force. A fit that found one state says bull
/// and cannot be chosen while it is in force, as in
/// [`DetectorStream`](crate::DetectorStream); the one chosen before may turn into one.
///
/// # Examples
/// ```
/// use atlas_regime::rolling::{RollingDetector, RollingParams};
/// use chrono::{Days, NaiveDate};
/// let params = RollingParams { lookback: 200, warm_up: 50, ..RollingParams::default() };
/// let mut detector = RollingDetector::new(params.check()?)?;
/// let first = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap_or_default();
/// let mut close = 100.0;
/// let mut last = None;
/// for t in 0..400_u32 {
///     let wave = [0.4, -0.9, 1.1, -0.6, 0.2, -0.3, 0.8, -0.8][(t % 8) as usize];
///     close *= if t % 100 < 70 { 1.0005 + 0.004 * wave } else { 0.997 + 0.02 * wave };
///     last = detector.push(first + Days::new(u64::from(t)), close, 0.0)?;
/// }
/// assert!(last.is_some_and(|e| e.state.is_some() && e.evidence.refit_session == 378));
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RollingDetector {
    params: CheckedRollingParams,
    state: State,
}

/// Everything that changes from session to session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Sessions pushed.
    pub(super) sessions: usize,
    pub(super) last: Option<(NaiveDate, f64)>,
    pub(super) stream: FeatureStream,
    /// Features of the last `lookback` sessions after the warm-up, row after row.
    pub(super) rows: VecDeque<f64>,
    /// Their excess returns.
    pub(super) row_returns: VecDeque<f64>,
    pub(super) refit: Option<Refit>,
    /// Moments of the features since the warm-up.
    pub(super) seen: Expanding,
    pub(super) contest: Contest,
}

/// A detector's state at the end of a session, to go on from later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Format of the serialized form.
    format: u32,
    params: RollingParams,
    state: State,
}

/// The format of checkpoints this version writes and reads.
pub const CHECKPOINT_FORMAT: u32 = 3;

impl RollingDetector {
    /// Starts before the first session.
    ///
    /// # Errors
    /// Those of [`FeatureStream::new`], which checked settings cannot cause.
    pub fn new(params: CheckedRollingParams) -> Result<Self, Error> {
        let stream = FeatureStream::new(&params.params().features)?;
        let candidates = params.params().penalties.len();
        let state = State {
            sessions: 0,
            last: None,
            stream,
            rows: VecDeque::new(),
            row_returns: VecDeque::new(),
            refit: None,
            seen: Expanding::new(params.params().features.len()),
            contest: Contest::new(candidates, (candidates == 1).then_some(0)),
        };
        Ok(Self { params, state })
    }

    /// The state to go on from later; [`restore`](Self::restore) continues bit for bit.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let params = self.params.params().clone();
        Checkpoint { format: CHECKPOINT_FORMAT, params, state: self.state.clone() }
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// [`Error::Format`] for another format, those of [`RollingParams::check`] and
    /// [`JumpModel::check`](crate::JumpModel::check), [`Error::Shape`], [`Error::Parameter`],
    /// [`Error::NotFinite`] or [`Error::BadValue`] if the state is damaged or does not belong to
    /// the settings; no other.
    pub fn restore(checkpoint: Checkpoint) -> Result<Self, Error> {
        let Checkpoint { format, params, state } = checkpoint;
        if format != CHECKPOINT_FORMAT {
            let (found, expected) = (format, CHECKPOINT_FORMAT);
            return Err(Error::Format { what: "the checkpoint", found, expected });
        }
        let params = params.check()?;
        state.check(params.params())?;
        Ok(Self { params, state })
    }

    /// Takes one session's close in, with the interest accrued since the session before (see
    /// [`accrued_interest`](crate::accrued_interest)); `None` until the first refit.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] for a date that does not follow, [`Error::BadValue`] for a close that
    /// is not positive or interest that is not finite, [`Error::UndefinedFeature`] after the
    /// warm-up, [`Error::NotFinite`] or [`Error::Overflow`] for a return that is too large,
    /// [`Error::AllEqual`], [`Error::Overflow`] or [`Error::TooFar`] from a refit or a filter; the
    /// detector is then as it was. No other.
    pub fn push(
        &mut self,
        date: NaiveDate,
        close: f64,
        interest: f64,
    ) -> Result<Option<RollingEstimate>, Error> {
        let params = self.params.params();
        let state = &self.state;
        let session = state.sessions;
        check_input(state.last, session, date, close, interest)?;
        let excess = state.last.map_or(0.0, |(_, before)| close / before - 1.0 - interest);
        let mut room = [[0.0; FEATURES_MAX]; 2];
        let [row, scaled] = room.each_mut().map(|room| &mut room[..params.features.len()]);
        if session > 0 {
            state.stream.peek(excess, row)?;
        }
        let usable = session > params.warm_up;
        if usable && let Some(j) = row.iter().position(|x| !x.is_finite()) {
            let (feature, value) = (params.features[j].name(), row[j]);
            return Err(Error::UndefinedFeature { feature, date, value });
        }
        // All that can fail comes first.
        let (mut new, renamings) = state.refit(params, date)?;
        let state = &mut self.state;
        scaled.copy_from_slice(row);
        let mut gaps = Vec::new();
        if usable && let Some(refit) = new.as_mut().or(state.refit.as_mut()) {
            gaps = refit.gaps(scaled)?;
        }
        if session > 0 {
            state.stream.push(excess, row)?;
        }
        // Nothing can fail from here on.
        state.last = Some((date, close));
        state.sessions += 1;
        state.refit = new.or(state.refit.take());
        if !usable {
            return Ok(None);
        }
        state.remember(params, row, excess);
        let Some(refit) = &mut state.refit else { return Ok(None) };
        let said = refit.take(&gaps);
        let states = said.iter().map(|e| e.map_or(0, |e| e.state));
        state.contest.emit(states, excess, params.terms());
        state.contest.choose(session, params.terms(), |i| said[i].is_some());
        Ok(state.refit.as_ref().map(|refit| {
            let rows = Rows { session, date, raw: row, scaled };
            estimate(params, state, refit, rows, &said, renamings)
        }))
    }
}

impl State {
    /// The refit due before the next session, if one is, on the sessions so far; and where its
    /// names disagree with those of the refit in force.
    fn refit(
        &self,
        params: &RollingParams,
        date: NaiveDate,
    ) -> Result<(Option<Refit>, Vec<Renaming>), Error> {
        let full = self.row_returns.len() == params.lookback;
        if !full || !self.sessions.is_multiple_of(params.refit_every) {
            return Ok((None, Vec::new()));
        }
        let window: Vec<f64> = self.rows.iter().copied().collect();
        let returns: Vec<f64> = self.row_returns.iter().copied().collect();
        let new = Refit::new(params, (self.sessions, date), &window, &returns)?;
        let renamings = self.refit.as_ref().map_or(Ok(Vec::new()), |old| new.renamings(old))?;
        Ok((Some(new), renamings))
    }

    /// Keeps the row for later fits.
    fn remember(&mut self, params: &RollingParams, row: &[f64], excess: f64) {
        self.seen.push(row);
        if self.row_returns.len() == params.lookback {
            self.row_returns.pop_front();
            self.rows.drain(..row.len());
        }
        self.row_returns.push_back(excess);
        self.rows.extend(row);
    }
}

/// A session's features, as they are and as the models see them.
#[derive(Debug, Clone, Copy)]
struct Rows<'a> {
    session: usize,
    date: NaiveDate,
    raw: &'a [f64],
    scaled: &'a [f64],
}

fn estimate(
    params: &RollingParams,
    state: &State,
    refit: &Refit,
    rows: Rows<'_>,
    said: &[Option<StateEstimate>],
    renamings: Vec<Renaming>,
) -> RollingEstimate {
    let Rows { session, date, raw, scaled } = rows;
    let chosen = state.contest.chosen();
    let estimate = chosen.and_then(|i| said[i]);
    let decided_by = match (chosen, estimate) {
        (None, _) => RollingRule::NoChoiceYet,
        (Some(_), None) => RollingRule::SingleState,
        (Some(_), Some(_)) => RollingRule::CheapestPath,
    };
    let features = params.features.iter().enumerate().map(|(j, feature)| FeatureReading {
        name: feature.name(),
        value: raw[j],
        scaled: scaled[j],
        expanding_z: state.seen.z(j, raw[j]),
    });
    let evidence = RollingEvidence {
        refit_session: refit.session,
        refit_date: refit.date,
        model_age: session - refit.session,
        chosen_session: state.contest.chosen_session(),
        decided_by,
        features: features.collect(),
        distances: chosen.and_then(|i| refit.fitted[i].distances(scaled)),
        margin: estimate.map(|e| e.margin),
        objective: chosen.map(|i| refit.fitted[i].model.objective),
    };
    let named = |e: Option<StateEstimate>| match e {
        Some(e) if e.state == 1 => MarketState::Bear,
        Some(_) | None => MarketState::Bull,
    };
    RollingEstimate {
        session,
        date,
        state: chosen.map(|_| named(estimate)),
        penalty: chosen.map(|i| params.penalties[i]),
        candidates: said.iter().map(|e| e.map_or(0, |e| e.state)).collect(),
        renamings,
        evidence,
    }
}

fn check_input(
    last: Option<(NaiveDate, f64)>,
    row: usize,
    date: NaiveDate,
    close: f64,
    interest: f64,
) -> Result<(), Error> {
    if let Some((previous, _)) = last
        && date <= previous
    {
        return Err(Error::OutOfOrder { session: date, previous });
    }
    if !(close.is_finite() && close > 0.0) {
        return Err(Error::BadValue { series: "index", row, date, value: close });
    }
    if !interest.is_finite() {
        return Err(Error::BadValue { series: "interest", row, date, value: interest });
    }
    Ok(())
}
