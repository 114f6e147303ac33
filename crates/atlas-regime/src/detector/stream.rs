//! The detector session by session.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::course::{Course, Place};
use super::estimate::estimate;
use super::evidence::{RegimeEstimate, ReturnBasis};
use super::params::{CheckedDetectorParams, DetectorParams};
use super::rate_track::RateTrack;
use super::session::SessionClose;
use super::vix_track::VixTrack;
use crate::Error;
use crate::features::check_return;
use crate::sliding::COUNT_MAX;

/// The four-regime detector, one session at a time.
///
/// It says about every session exactly what [`Detector::detect`](crate::Detector::detect) says,
/// bit for bit; a detection *is* a stream that is fed from the series' start. That start is part of
/// its identity, as refits are counted from it: a stream warms up from there or from a checkpoint.
/// Sessions are taken in by [`push`](Self::push) and judged by [`estimate`](Self::estimate), so
/// that a session which cannot be judged, because its VIX is missing, is still a part of the past of the
/// next one. Fits are made when they are first needed.
///
/// # Examples
/// ```
/// use atlas_regime::{DetectorParams, DetectorStream, SessionClose, VixPolicy};
/// use chrono::{Days, NaiveDate};
/// let params = DetectorParams {
///     warm_up: 60,
///     rows_min: 200,
///     vix_missing: VixPolicy::CarryOn,
///     ..DetectorParams::calibrated()
/// };
/// let mut stream = DetectorStream::new(params.check()?)?;
/// let first = NaiveDate::from_ymd_opt(2000, 1, 3).unwrap();
/// let mut close = 100.0;
/// for t in 0..400_u32 {
///     let wave = [0.4, -0.9, 1.1, -0.6, 0.2, -0.3, 0.8, -0.8][(t % 8) as usize];
///     close *= if t % 100 < 70 { 1.0005 + 0.004 * wave } else { 0.997 + 0.02 * wave };
///     stream.push(&SessionClose::new(first + Days::new(u64::from(t)), close))?;
/// }
/// let estimate = stream.estimate()?;
/// assert_eq!(estimate.evidence.refit_session, 378);
/// let restored = DetectorStream::restore(stream.checkpoint())?; // goes on from here
/// assert_eq!(restored, stream);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DetectorStream {
    params: CheckedDetectorParams,
    state: State,
}

/// Everything that changes from session to session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    /// Sessions pushed.
    sessions: usize,
    /// The first session.
    first: Option<NaiveDate>,
    /// The last session and its close.
    last: Option<(NaiveDate, f64)>,
    /// Date of the refit in force.
    refit_date: Option<NaiveDate>,
    vix: VixTrack,
    rate: RateTrack,
    /// From raw returns.
    raw: Course,
    /// From returns in excess of the rate, as long as one is known.
    excess: Option<Course>,
}

/// A stream's state at the end of a session, to go on from later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorCheckpoint {
    /// Format of the serialized form.
    format: u32,
    params: DetectorParams,
    state: State,
}

/// The format of detector checkpoints this version writes and reads.
pub const DETECTOR_CHECKPOINT_FORMAT: u32 = 2;

impl DetectorStream {
    /// Starts before the first session.
    ///
    /// # Errors
    /// None that checked settings can cause.
    pub fn new(params: CheckedDetectorParams) -> Result<Self, Error> {
        let state = State {
            sessions: 0,
            first: None,
            last: None,
            refit_date: None,
            vix: VixTrack::new(&params.params().vix)?,
            rate: RateTrack::default(),
            raw: Course::new(params.params())?,
            excess: None,
        };
        Ok(Self { params, state })
    }

    /// The settings.
    #[must_use]
    pub const fn params(&self) -> &CheckedDetectorParams {
        &self.params
    }

    /// Sessions taken in.
    #[must_use]
    pub const fn sessions(&self) -> usize {
        self.state.sessions
    }

    /// The last session taken in.
    #[must_use]
    pub fn last_session(&self) -> Option<NaiveDate> {
        self.state.last.map(|(date, _)| date)
    }

    /// Takes a session in, without judging it.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] for a date that does not follow the last one, [`Error::BadValue`] for
    /// a close of index or VIX that is not positive or a rate that is not finite,
    /// [`Error::FromTheFuture`] for a VIX or rate dated after the session,
    /// [`Error::DatesNotIncreasing`] for one dated before the newest one known,
    /// [`Error::NotFinite`] or [`Error::Overflow`] for a return too large; the stream is then as
    /// it was. No other.
    pub fn push(&mut self, session: &SessionClose) -> Result<(), Error> {
        let params = self.params.params();
        let state = &self.state;
        let (number, &SessionClose { date, close, .. }) = (state.sessions, session);
        if let Some((previous, _)) = state.last
            && date <= previous
        {
            return Err(Error::OutOfOrder { session: date, previous });
        }
        if !(close.is_finite() && close > 0.0) {
            return Err(Error::BadValue { series: "index", row: number, date, value: close });
        }
        let vix = state.vix.newest(date, number, session.vix)?;
        let first = state.first.unwrap_or(date);
        let last = state.last.map(|(date, _)| date);
        let rate = (number, session.rate);
        let (rate, interest) = state.rate.next(params.rate_quote, first, last, date, rate)?;
        let raw = state.last.map(|(_, before)| close / before - 1.0);
        let excess = raw.zip(interest).map(|(raw, interest)| raw - interest);
        raw.iter().chain(&excess).try_for_each(|r| check_return(*r, number))?;
        // Nothing can fail from here on.
        let state = &mut self.state;
        if number.is_multiple_of(params.refit_every) {
            state.refit_date = Some(date);
        }
        let refit_date = state.refit_date.unwrap_or(date);
        let place = Place { session: number, date, refit_date };
        state.vix.push(&params.vix, date, vix)?;
        if let Some(raw) = raw {
            state.raw.push(params, place, raw)?;
        }
        match excess {
            Some(excess) => {
                // Known from the second session on, or never.
                if number == 1 {
                    state.excess = Some(Course::new(params)?);
                }
                if let Some(course) = &mut state.excess {
                    course.push(params, place, excess)?;
                }
            }
            None => state.excess = None,
        }
        state.rate = rate;
        state.first = Some(first);
        state.last = Some((date, close));
        state.sessions += 1;
        Ok(())
    }

    /// Judges the last session taken in; the same however often it is asked.
    ///
    /// # Errors
    /// [`Error::TooFewRows`] saying how many sessions there are and how many are needed;
    /// [`Error::VixMissing`] and [`Error::VixGap`] under the policy to refuse;
    /// [`Error::RateStartsLate`] and [`Error::RateGap`]; [`Error::UndefinedFeature`] for a history
    /// without losses; [`Error::OneState`] if the fit tells no states apart, [`Error::AllEqual`] if
    /// its rows do not differ; [`Error::Overflow`] for prices that cannot be squared; no other.
    pub fn estimate(&mut self) -> Result<RegimeEstimate, Error> {
        let params = self.params.params();
        let state = &mut self.state;
        let (Some(first), Some((date, _)), Some(refit_date)) =
            (state.first, state.last, state.refit_date)
        else {
            let need = super::block::sessions_needed(params);
            return Err(Error::TooFewRows { what: "the sessions taken in", have: 0, need });
        };
        let basis = state.rate.basis(first)?;
        let vix = state.vix.judge(params, date)?;
        let place = Place { session: state.sessions - 1, date, refit_date };
        let course = match (basis, &mut state.excess) {
            (ReturnBasis::Excess, Some(excess)) => excess,
            _ => &mut state.raw,
        };
        Ok(estimate(place, course.judge(params, place)?, basis, vix))
    }

    /// The state to go on from later; [`restore`](Self::restore) continues bit for bit.
    #[must_use]
    pub fn checkpoint(&self) -> DetectorCheckpoint {
        let params = self.params.params().clone();
        let state = self.state.clone();
        DetectorCheckpoint { format: DETECTOR_CHECKPOINT_FORMAT, params, state }
    }

    /// Goes on from a checkpoint. The models in force are fitted again from the rows kept, to the
    /// same bit.
    ///
    /// # Errors
    /// [`Error::Format`] for another format, those of [`DetectorParams::check`], and
    /// [`Error::Shape`], [`Error::Parameter`], [`Error::NotFinite`], [`Error::BadValue`],
    /// [`Error::DatesNotIncreasing`], [`Error::FromTheFuture`], [`Error::OutOfOrder`] or
    /// [`Error::TooFewRows`] if the state is damaged or does not belong to the settings; no other.
    pub fn restore(checkpoint: DetectorCheckpoint) -> Result<Self, Error> {
        let DetectorCheckpoint { format, params, state } = checkpoint;
        if format != DETECTOR_CHECKPOINT_FORMAT {
            let (found, expected) = (format, DETECTOR_CHECKPOINT_FORMAT);
            return Err(Error::Format { what: "the detector's checkpoint", found, expected });
        }
        let params = params.check()?;
        state.check(params.params())?;
        Ok(Self { params, state })
    }
}

impl State {
    /// Refuses a state that sessions under these settings cannot have led to, as far as going on
    /// from it could fail later.
    fn check(&self, params: &DetectorParams) -> Result<(), Error> {
        let begun = self.sessions > 0;
        let parts = [self.first.is_some(), self.last.is_some(), self.refit_date.is_some()];
        if self.sessions >= COUNT_MAX || parts.contains(&!begun) {
            let value = self.sessions.to_string();
            return Err(Error::Parameter { name: "sessions", value, rule: "the sessions pushed" });
        }
        let last = self.last.map(|(date, _)| date);
        if let (Some(first), Some((date, value)), Some(refit)) =
            (self.first, self.last, self.refit_date)
        {
            if !(value.is_finite() && value > 0.0) {
                let row = self.sessions - 1;
                return Err(Error::BadValue { series: "index", row, date, value });
            }
            if first > refit || refit > date {
                return Err(Error::OutOfOrder { session: date, previous: refit.max(first) });
            }
            let covered = self.rate.covers(first);
            if self.excess.is_some() != covered {
                let value = covered.to_string();
                return Err(Error::Parameter { name: "excess", value, rule: "kept with the rate" });
            }
        }
        self.vix.check(&params.vix, self.sessions, last)?;
        self.rate.check(last)?;
        self.raw.check(params, self.sessions)?;
        self.excess.as_ref().map_or(Ok(()), |excess| excess.check(params, self.sessions))
    }
}
