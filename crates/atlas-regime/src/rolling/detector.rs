//! The rolling detector itself.

use std::collections::VecDeque;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::choice::choose;
use super::params::{CheckedRollingParams, RollingParams};
use super::refit::{Refit, Renaming};
use crate::{Error, FeatureStream, MarketState};

/// A two-state detector that is refitted as sessions go by and may choose its own penalty.
///
/// Sessions are counted from the first one pushed, so the start of the series is part of the
/// detector's identity: refits and choices fall on multiples of their periods. Everything said
/// about a session depends on that session and its past only; the choice of the penalty compares
/// states **as they were emitted** by the fit then in force.
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
/// assert!(last.is_some_and(|e| e.state.is_some() && e.refit_session == 378));
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
    /// Emitted states per candidate, newest last.
    pub(super) emitted: Vec<VecDeque<u8>>,
    /// Excess returns of the last `validation` sessions with an emitted state.
    pub(super) returns: VecDeque<f64>,
    pub(super) chosen: Option<usize>,
}

/// What is said about one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RollingEstimate {
    /// Number of the session, counted from 0 at the first pushed.
    pub session: usize,
    /// Its date.
    pub date: NaiveDate,
    /// State under the chosen penalty; `None` before the first choice.
    pub state: Option<MarketState>,
    /// The chosen penalty.
    pub penalty: Option<f64>,
    /// State under every candidate: 0 bull, 1 bear.
    pub candidates: Vec<u8>,
    /// Session of the refit in force.
    pub refit_session: usize,
    /// Candidates whose states were renamed against the nearest centres, on a refit's session.
    pub renamings: Vec<Renaming>,
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
pub const CHECKPOINT_FORMAT: u32 = 1;

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
            emitted: vec![VecDeque::new(); candidates],
            returns: VecDeque::new(),
            chosen: (candidates == 1).then_some(0),
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
    /// [`Error::AllEqual`] or [`Error::Overflow`] from a refit; the detector is then as it was. No
    /// other.
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
        let mut stream = state.stream.clone();
        let mut row = vec![0.0; params.features.len()];
        if session > 0 {
            stream.push(excess, &mut row)?;
        }
        let usable = session > params.warm_up;
        if usable && let Some(j) = row.iter().position(|x| !x.is_finite()) {
            let (feature, value) = (params.features[j].name(), row[j]);
            return Err(Error::UndefinedFeature { feature, date, value });
        }
        // The refit uses the sessions before this one; it is done first, as it can fail.
        let full = state.row_returns.len() == params.lookback;
        let mut refit = None;
        if full && session.is_multiple_of(params.refit_every) {
            let window: Vec<f64> = state.rows.iter().copied().collect();
            let returns: Vec<f64> = state.row_returns.iter().copied().collect();
            refit = Some(Refit::new(params, session, &window, &returns)?);
        }
        let state = &mut self.state;
        state.stream = stream;
        state.last = Some((date, close));
        state.sessions += 1;
        let mut renamings = Vec::new();
        if let Some(new) = refit {
            if let Some(old) = &state.refit {
                renamings = new.renamings(old)?;
            }
            state.refit = Some(new);
        }
        if !usable {
            return Ok(None);
        }
        state.remember(params, &row, excess);
        let Some(candidates) = state.emit(params, &mut row, excess)? else { return Ok(None) };
        state.choose(params, session);
        let refit_session = state.refit.as_ref().map_or(0, |r| r.session);
        let chosen = state.chosen;
        let name =
            |i: usize| if candidates[i] == 0 { MarketState::Bull } else { MarketState::Bear };
        Ok(Some(RollingEstimate {
            session,
            date,
            state: chosen.map(name),
            penalty: chosen.map(|i| params.penalties[i]),
            candidates,
            refit_session,
            renamings,
        }))
    }
}

impl State {
    /// Keeps the row for later fits.
    fn remember(&mut self, params: &RollingParams, row: &[f64], excess: f64) {
        if self.row_returns.len() == params.lookback {
            self.row_returns.pop_front();
            self.rows.drain(..row.len());
        }
        self.row_returns.push_back(excess);
        self.rows.extend(row);
    }

    /// Runs the filters in force; `None` before the first refit.
    fn emit(
        &mut self,
        params: &RollingParams,
        row: &mut [f64],
        excess: f64,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(refit) = &mut self.refit else { return Ok(None) };
        refit.transform.apply(row)?;
        let mut candidates = Vec::with_capacity(refit.fitted.len());
        for (fitted, emitted) in refit.fitted.iter_mut().zip(&mut self.emitted) {
            let state = match &mut fitted.filter {
                Some(filter) => filter.push(row)?,
                None => 0,
            };
            candidates.push(state);
            if params.penalties.len() > 1 {
                if emitted.len() == params.emitted_max() {
                    emitted.pop_front();
                }
                emitted.push_back(state);
            }
        }
        if params.penalties.len() > 1 {
            // Returns count from the first session whose position is known.
            let known = self.emitted.first().is_some_and(|e| e.len() > params.delay);
            if self.returns.len() == params.validation {
                self.returns.pop_front();
            }
            if known {
                self.returns.push_back(excess);
            }
        }
        Ok(Some(candidates))
    }

    fn choose(&mut self, params: &RollingParams, session: usize) {
        let due = session.is_multiple_of(params.choose_every);
        if params.penalties.len() > 1 && due && self.returns.len() == params.validation {
            self.chosen = choose(self.emitted.iter(), &self.returns, params, self.chosen);
        }
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
