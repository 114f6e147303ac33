//! The index bought and held.

use atlas_core::Adjusted;
use atlas_core::bars::BarsView;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::metrics::{Conventions, Metrics, Relative};
use crate::report::Day;

/// The index bought and held over the same sessions, without costs, since nobody sells the index
/// itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// Its name.
    pub name: String,
    /// Its wealth at each close, starting with 1.
    pub wealth: Vec<f64>,
    /// What its returns amount to.
    pub metrics: Metrics,
    /// How the account compares with it.
    pub relative: Relative,
}

impl Benchmark {
    /// `None` if the index lacks one of the days, or the account a return.
    pub(crate) fn of(days: &[Day], index: BarsView<'_, Adjusted>) -> Result<Option<Self>, Error> {
        let close = |day: &Day| {
            let row = index.dates().binary_search(&day.date).ok()?;
            index.close().get(row).copied()
        };
        let closes: Option<Vec<f64>> = days.iter().map(close).collect();
        let own: Option<Vec<f64>> = days.iter().skip(1).map(|day| day.simple_return).collect();
        let (Some(closes), Some(own)) = (closes, own) else { return Ok(None) };
        let Some(first) = closes.first().copied() else { return Ok(None) };
        let pairs = closes.windows(2).map(|pair| pair[1] / pair[0] - 1.0);
        let returns: Vec<f64> = pairs.collect();
        Ok(Some(Self {
            name: format!("{} bought and held", index.symbol()),
            wealth: closes.iter().map(|close| close / first).collect(),
            metrics: Metrics::of(&returns, Conventions::SESSIONS)?,
            relative: Relative::of(&own, &returns, Conventions::SESSIONS)?,
        }))
    }
}
