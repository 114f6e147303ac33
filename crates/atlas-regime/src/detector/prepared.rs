//! Returns and features of every session up to the one judged.

use chrono::NaiveDate;

use super::evidence::ReturnBasis;
use super::expanding::Expanding;
use super::inputs::{Inputs, Series};
use super::params::DetectorParams;
use crate::rates::{RATE_CARRY_DAYS_MAX, accrued_interest, simple_returns};
use crate::{Error, Feature, FeatureStream, Rows};

/// Number of features the detector uses, those of [`Feature::PAPER`].
pub(crate) const FEATURES: usize = Feature::PAPER.len();

/// Dates, returns, features and their expanding z-scores; row `t` belongs to session `t` and depends on sessions up to `t`.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) dates: &'a [NaiveDate],
    pub(crate) returns: Vec<f64>,
    pub(crate) features: Vec<f64>,
    pub(crate) basis: ReturnBasis,
    /// First session that a model may see.
    usable: usize,
    /// Expanding z-scores of the sessions from `usable` on.
    z: Vec<[Option<f64>; FEATURES]>,
    /// First session from `usable` on with an undefined feature, or the number of sessions.
    undefined: usize,
}

impl<'a> Prepared<'a> {
    /// Checks the index and the rate up to `as_of` and computes everything from them.
    pub(crate) fn new(params: &DetectorParams, inputs: &Inputs<'a>) -> Result<Self, Error> {
        let as_of = inputs.as_of;
        let index = inputs.index.up_to("index", as_of, true)?;
        let last = index.dates.last().copied();
        if last != Some(as_of) {
            return Err(Error::NoIndexClose { as_of, last });
        }
        let mut returns = simple_returns(index.values);
        let basis = match inputs.rate {
            None => ReturnBasis::RawNoRate,
            Some(rate) => subtract_interest(params, index.dates, rate, &mut returns)?,
        };
        let mut features = vec![f64::NAN; FEATURES];
        let stream = FeatureStream::new(&Feature::PAPER)?;
        features.extend(stream.batch(returns.get(1..).unwrap_or_default())?);
        let usable = 1 + params.warm_up;
        let mut seen = Expanding::new(FEATURES);
        let mut z = Vec::new();
        let mut undefined = index.dates.len();
        for (session, row) in features.chunks_exact(FEATURES).enumerate().skip(usable) {
            if row.iter().any(|x| !x.is_finite()) {
                undefined = session;
                break;
            }
            seen.push(row);
            z.push(std::array::from_fn(|j| seen.z(j, row[j])));
        }
        Ok(Self { dates: index.dates, returns, features, basis, usable, z, undefined })
    }

    /// First session for which all of this holds: where a rate series has ended, the sessions
    /// before that was known are another matter.
    pub(crate) fn holds_from(&self) -> usize {
        match self.basis {
            ReturnBasis::RawRateEnded { last } => {
                self.dates.partition_point(|&d| !too_old(last, d)) + 1
            }
            ReturnBasis::Excess | ReturnBasis::RawNoRate => 0,
        }
    }

    /// Expanding z-scores of a session not before the first usable one, and the number of
    /// observations behind them.
    pub(crate) fn expanding_z(&self, session: usize) -> ([Option<f64>; FEATURES], usize) {
        let place = session - self.usable;
        (self.z[place], place + 1)
    }

    /// Refuses a feature undefined on a usable session before `end`.
    pub(crate) fn defined_until(&self, end: usize) -> Result<(), Error> {
        if self.undefined < end {
            self.rows(self.undefined, self.undefined + 1)?;
        }
        Ok(())
    }

    /// Features of one session.
    pub(crate) fn row(&self, session: usize) -> &[f64] {
        &self.features[session * FEATURES..(session + 1) * FEATURES]
    }

    /// Features of sessions `from..to`, refused if one is undefined.
    pub(crate) fn rows(&self, from: usize, to: usize) -> Result<Rows<'_>, Error> {
        let data = &self.features[from * FEATURES..to * FEATURES];
        if let Some(i) = data.iter().position(|x| !x.is_finite()) {
            return Err(Error::UndefinedFeature {
                feature: Feature::PAPER[i % FEATURES].name(),
                date: self.dates[from + i / FEATURES],
                value: data[i],
            });
        }
        Rows::new(data, FEATURES)
    }
}

/// Makes returns excess returns if the rate reaches the last session, else leaves them raw.
fn subtract_interest(
    params: &DetectorParams,
    dates: &[NaiveDate],
    rate: Series<'_>,
    returns: &mut [f64],
) -> Result<ReturnBasis, Error> {
    let (Some(&index), Some(&as_of)) = (dates.first(), dates.last()) else {
        return Ok(ReturnBasis::RawNoRate);
    };
    let before = if dates.len() > 1 { dates[dates.len() - 2] } else { index };
    let rate = rate.up_to("rate", before, false)?;
    let Some(&last) = rate.dates.last() else {
        return Ok(ReturnBasis::RawNoRate);
    };
    if too_old(last, before) {
        return Ok(ReturnBasis::RawRateEnded { last });
    }
    let interest = accrued_interest(dates, rate.dates, rate.values, params.rate_quote)?;
    debug_assert!(rate.dates.iter().all(|d| *d < as_of), "the session's own rate is not known yet");
    returns.iter_mut().zip(&interest).for_each(|(r, i)| *r -= i);
    Ok(ReturnBasis::Excess)
}

/// Whether a rate may no longer be carried.
fn too_old(last: NaiveDate, date: NaiveDate) -> bool {
    date.signed_duration_since(last).num_days() > i64::from(RATE_CARRY_DAYS_MAX)
}
