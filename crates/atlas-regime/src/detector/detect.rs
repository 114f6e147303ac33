//! From inputs to a regime.

use chrono::NaiveDate;

use super::evidence::RegimeEstimate;
use super::inputs::{Inputs, Series};
use super::params::CheckedDetectorParams;
use super::session::{Dated, SessionClose};
use super::stream::DetectorStream;
use crate::Error;

/// Names the market regime of a session from data up to that session.
///
/// A two-state jump model on the features of [`Feature::PAPER`](crate::Feature::PAPER) is refitted
/// every `refit_every` sessions (counted from the index's first) on the sessions before; its online
/// filter runs from the start of that sample to the session judged; a rule makes four regimes of
/// it; a VIX shock overrides to [`Regime::Crash`](atlas_core::Regime::Crash). The result is a
/// function of the inputs up to `as_of` alone. Session by session the same is said by a
/// [`DetectorStream`].
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    params: CheckedDetectorParams,
}

impl Detector {
    /// A detector with checked settings.
    #[must_use]
    pub const fn new(params: CheckedDetectorParams) -> Self {
        Self { params }
    }

    /// The settings.
    #[must_use]
    pub const fn params(&self) -> &CheckedDetectorParams {
        &self.params
    }

    /// Judges one session.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::DatesNotIncreasing`] or [`Error::BadValue`] for malformed series;
    /// [`Error::NoIndexClose`] if the index has no close on `as_of`; those of
    /// [`DetectorStream::estimate`], and [`Error::NotFinite`] or [`Error::Overflow`] for a return
    /// too large; no other.
    pub fn detect(&self, inputs: &Inputs<'_>) -> Result<RegimeEstimate, Error> {
        self.follow(inputs)?.estimate()
    }

    /// The stream that has taken every session up to `as_of` in and judges it: for whoever keeps a
    /// checkpoint of it.
    ///
    /// # Errors
    /// Those of [`detect`](Self::detect) but for those of the estimate.
    pub fn follow(&self, inputs: &Inputs<'_>) -> Result<DetectorStream, Error> {
        let mut stream = DetectorStream::new(self.params.clone())?;
        stream.catch_up(inputs)?;
        Ok(stream)
    }

    /// Judges every session from `from` to `inputs.as_of`; each entry equals what
    /// [`detect`](Self::detect) says about its date, at the cost of one fit per refit.
    ///
    /// # Errors
    /// Those of [`detect`](Self::detect) for one of the sessions.
    pub fn history(
        &self,
        inputs: &Inputs<'_>,
        from: NaiveDate,
    ) -> Result<Vec<RegimeEstimate>, Error> {
        let mut stream = DetectorStream::new(self.params.clone())?;
        let mut out = Vec::new();
        for session in Feed::new(inputs)? {
            stream.push(&session)?;
            if session.date >= from {
                out.push(stream.estimate()?);
            }
        }
        Ok(out)
    }
}

impl DetectorStream {
    /// Takes in every session of some inputs that comes after the last one taken in.
    ///
    /// # Errors
    /// Those of [`Detector::detect`] for malformed series, and those of [`push`](Self::push).
    pub fn catch_up(&mut self, inputs: &Inputs<'_>) -> Result<(), Error> {
        let last = self.last_session();
        // All of it is read, so that a side value counts as new at the session it came with.
        for session in Feed::new(inputs)? {
            if last.is_none_or(|last| session.date > last) {
                self.push(&session)?;
            }
        }
        Ok(())
    }
}

/// The sessions of some inputs, each with the newest values of the side series.
#[derive(Debug)]
struct Feed<'a> {
    index: Series<'a>,
    vix: Side<'a>,
    rate: Side<'a>,
    next: usize,
}

/// A side series and how far it has been read.
#[derive(Debug)]
struct Side<'a> {
    series: Series<'a>,
    read: usize,
}

impl<'a> Feed<'a> {
    /// Checks all series as far as they matter.
    fn new(inputs: &Inputs<'a>) -> Result<Self, Error> {
        let as_of = inputs.as_of;
        let index = inputs.index.up_to("index", as_of, true)?;
        let last = index.dates.last().copied();
        if last != Some(as_of) {
            return Err(Error::NoIndexClose { as_of, last });
        }
        // The last session's own rate is not used, so it need not make sense.
        let before = index.dates.iter().rev().nth(1).copied().unwrap_or(as_of);
        let rate = inputs.rate.map(|rate| rate.up_to("rate", before, false)).transpose()?;
        let vix = inputs.vix.map(|vix| vix.up_to("VIX", as_of, true)).transpose()?;
        Ok(Self { index, vix: Side::new(vix), rate: Side::new(rate), next: 0 })
    }
}

impl<'a> Side<'a> {
    fn new(series: Option<Series<'a>>) -> Self {
        let none = Series { dates: &[], values: &[] };
        Self { series: series.unwrap_or(none), read: 0 }
    }

    /// The newest value up to a date, `None` if it is not new.
    fn newest(&mut self, date: NaiveDate) -> Option<Dated> {
        let before = self.read;
        while self.series.dates.get(self.read).is_some_and(|d| *d <= date) {
            self.read += 1;
        }
        let last = self.read.checked_sub(1).filter(|_| self.read > before)?;
        Some(Dated { date: self.series.dates[last], value: self.series.values[last] })
    }
}

impl Iterator for Feed<'_> {
    type Item = SessionClose;

    fn next(&mut self) -> Option<SessionClose> {
        let (&date, &close) = (self.index.dates.get(self.next)?, self.index.values.get(self.next)?);
        self.next += 1;
        let (vix, rate) = (self.vix.newest(date), self.rate.newest(date));
        Some(SessionClose { vix, rate, ..SessionClose::new(date, close) })
    }
}
