//! The past of one symbol, as a scanner reads it.

use atlas_core::bars::BarsView;
use atlas_core::{Adjusted, Raw, Symbol};

use serde::{Deserialize, Serialize};

use crate::Error;

/// What the closes of a [`History`] are beside the prices paid at the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closes {
    /// Those of the series' own prices.
    Own,
    /// Adjusted ones of a series whose prices are raw: they differ from what is paid.
    AdjustedBesideRaw,
}

/// Daily prices of one symbol up to the decision, oldest first; borrowed columns.
///
/// `closes` are the ones returns are computed from: adjusted wherever the source has them.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    symbol: &'a Symbol,
    closes: &'a [f64],
    /// Highs, and the closes of the same basis where that is another than the one of `closes`.
    highs: Option<(&'a [f64], Option<&'a [f64]>)>,
    volume: Option<&'a [f64]>,
    basis: Closes,
}

impl<'a> History<'a> {
    /// A history of closes alone.
    #[must_use]
    pub const fn of_closes(symbol: &'a Symbol, closes: &'a [f64]) -> Self {
        Self { symbol, closes, highs: None, volume: None, basis: Closes::Own }
    }

    /// The history of an adjusted series.
    #[must_use]
    pub fn adjusted(view: &BarsView<'a, Adjusted>) -> Self {
        Self {
            symbol: view.symbol(),
            closes: view.close(),
            highs: column(view.high()).map(|highs| (highs, None)),
            volume: column(view.volume()),
            basis: Closes::Own,
        }
    }

    /// The history of a raw series; its highs are brought to the basis of its adjusted closes.
    #[must_use]
    pub fn raw(view: &BarsView<'a, Raw>) -> Self {
        let raw_closes = column(view.adj_close()).map(|_| view.close());
        Self {
            symbol: view.symbol(),
            closes: view.return_closes(),
            highs: column(view.high()).map(|highs| (highs, raw_closes)),
            volume: column(view.volume()),
            basis: raw_closes.map_or(Closes::Own, |_| Closes::AdjustedBesideRaw),
        }
    }

    /// The same history with volumes.
    ///
    /// # Errors
    /// [`Error::Columns`] if there are not as many volumes as closes.
    pub fn with_volume(mut self, volume: &'a [f64]) -> Result<Self, Error> {
        self.same_length("volume", volume.len())?;
        self.volume = Some(volume);
        Ok(self)
    }

    /// The same history with highs of the closes' basis.
    ///
    /// # Errors
    /// [`Error::Columns`] if there are not as many highs as closes.
    pub fn with_highs(mut self, highs: &'a [f64]) -> Result<Self, Error> {
        self.same_length("high", highs.len())?;
        self.highs = Some((highs, None));
        Ok(self)
    }

    /// What it is the past of.
    #[must_use]
    pub const fn symbol(&self) -> &'a Symbol {
        self.symbol
    }

    /// Number of sessions.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.closes.len()
    }

    /// Whether there is no session.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.closes.is_empty()
    }

    /// Closes that returns are computed from.
    #[must_use]
    pub const fn closes(&self) -> &'a [f64] {
        self.closes
    }

    /// What [`History::closes`] are beside the prices paid at the exchange.
    #[must_use]
    pub const fn basis(&self) -> Closes {
        self.basis
    }

    /// Shares traded, if known.
    #[must_use]
    pub const fn volume(&self) -> Option<&'a [f64]> {
        self.volume
    }

    /// The high of one session in the basis of the closes; its close where highs are not known.
    #[must_use]
    pub fn high(&self, session: usize) -> f64 {
        match self.highs {
            None => self.closes[session],
            Some((highs, None)) => highs[session],
            Some((highs, Some(raw))) => highs[session] * (self.closes[session] / raw[session]),
        }
    }

    /// The largest high of the last `window` sessions, `None` if there are not as many.
    pub(crate) fn highest(&self, window: usize) -> Option<f64> {
        let start = self.len().checked_sub(window)?;
        Some(match self.highs {
            None => largest(&self.closes[start..]),
            Some((highs, None)) => largest(&highs[start..]),
            Some((_, Some(_))) => {
                (start..self.len()).map(|at| self.high(at)).fold(f64::NEG_INFINITY, f64::max)
            }
        })
    }

    fn same_length(&self, column: &'static str, found: usize) -> Result<(), Error> {
        let expected = self.len();
        if found == expected {
            return Ok(());
        }
        Err(Error::Columns { symbol: self.symbol.to_string(), column, found, expected })
    }
}

/// A column that is there; an empty one of a series with rows is not.
fn column(values: Option<&[f64]>) -> Option<&[f64]> {
    values.filter(|values| !values.is_empty())
}

/// The largest of finite values, eight lanes at a time: a maximum does not depend on the order.
fn largest(values: &[f64]) -> f64 {
    let larger = |a: f64, b: f64| if b > a { b } else { a };
    let mut lanes = [f64::NEG_INFINITY; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, *value);
        }
    }
    lanes.iter().chain(rest).copied().fold(f64::NEG_INFINITY, larger)
}
