//! What every fit does before and after the descents: checks, weights, starts, names.

use super::params::{CheckedJumpParams, JumpParams};
use crate::descent::Restart;
use crate::kmeanspp::Seeding;
use crate::model::{JumpModel, MODEL_FORMAT, defined, named_centers};
use crate::order::{InSample, transitions};
use crate::{Error, Mt19937, Rows};

/// What a fit may be given besides the rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct FitOptions<'a> {
    /// Return per row, which orders the states; without it the most frequent comes first.
    pub returns: Option<&'a [f64]>,
    /// Weight ≥ 0 per column, at least one positive; the model multiplies every row by it.
    pub feature_weights: Option<&'a [f64]>,
    /// Start centres (K × D each, row after row, weighted, finite) instead of those drawn from the
    /// seed.
    pub starts: Option<&'a [Vec<f64>]>,
    /// Centres (weighted) of an earlier fit, tried after all other starts; NaN for empty states.
    pub warm_start: Option<&'a [f64]>,
}

/// A checked sample with its starts.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    weighted: Option<Vec<f64>>,
    weights: Option<&'a [f64]>,
    cols: usize,
    pub(crate) starts: Vec<Vec<f64>>,
    pub(crate) start_rows: Vec<Vec<usize>>,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(
        checked: &CheckedJumpParams,
        rows: Rows<'_>,
        options: &FitOptions<'a>,
    ) -> Result<Self, Error> {
        let params = checked.params();
        check_sample(rows, params, options)?;
        let weighted = options.feature_weights.map(|weights| {
            rows.iter().flat_map(|row| row.iter().zip(weights).map(|(x, w)| x * w)).collect()
        });
        let cols = rows.cols();
        let mut prepared = Self {
            weighted,
            weights: options.feature_weights,
            cols,
            starts: Vec::new(),
            start_rows: Vec::new(),
        };
        if let Some(starts) = options.starts {
            prepared.starts = starts.to_vec();
        } else {
            let rows = prepared.rows(rows)?;
            let mut rng = Mt19937::new(params.seed);
            let mut seeding = Seeding::new(rows);
            let drawn: Vec<_> =
                (0..params.restarts).map(|_| seeding.draw(params.states, &mut rng)).collect();
            let gather = |picked: &Vec<usize>| {
                picked.iter().flat_map(|&t| rows.row(t)).copied().collect::<Vec<f64>>()
            };
            prepared.starts = drawn.iter().map(gather).collect();
            prepared.start_rows = drawn;
        }
        let expected = params.states * cols;
        check_starts(options, expected, cols)?;
        prepared.starts.extend(options.warm_start.map(<[f64]>::to_vec));
        if prepared.starts.is_empty() {
            return Err(Error::TooFewRows { what: "the list of starts", have: 0, need: 1 });
        }
        Ok(prepared)
    }

    /// The rows the model sees: weighted if there are weights.
    pub(crate) fn rows<'s>(&'s self, plain: Rows<'s>) -> Result<Rows<'s>, Error> {
        self.weighted.as_deref().map_or(Ok(plain), |data| Rows::new(data, self.cols))
    }

    /// The winning restart with its states renamed; `seen` and `labels` are renamed already.
    pub(crate) fn model(
        &self,
        params: &JumpParams,
        restarts: &[Restart],
        winner: usize,
        order: &[usize],
        seen: InSample,
        labels: &[u32],
    ) -> JumpModel {
        let chosen = &restarts[winner];
        let cols = self.cols;
        let centers: Vec<f64> = order
            .iter()
            .flat_map(|&old| &chosen.centers[old * cols..(old + 1) * cols])
            .copied()
            .collect();
        JumpModel {
            format: MODEL_FORMAT,
            features: cols,
            feature_weights: self.weights.map(<[f64]>::to_vec),
            penalty: params.penalty,
            sort_by: params.sort_by,
            centers: named_centers(&centers, cols),
            objective: chosen.value,
            rows: labels.len(),
            iterations: chosen.iterations,
            restarts: restarts.len(),
            best_restart: winner,
            mean_return: seen.mean_return.as_deref().map_or_else(Vec::new, defined),
            volatility: seen.volatility.as_deref().map_or_else(Vec::new, defined),
            transitions: transitions(params.states, labels),
            frequency: seen.frequency,
        }
    }
}

/// Refuses starts of another size or that are no numbers. A state of a warm start may be empty: NaN
/// throughout.
fn check_starts(options: &FitOptions<'_>, expected: usize, cols: usize) -> Result<(), Error> {
    let sized = |start: &[f64]| match start.len() {
        found if found == expected => Ok(()),
        found => Err(Error::Shape { what: "a start", found, expected }),
    };
    for start in options.starts.unwrap_or_default() {
        sized(start)?;
        Rows::new(start, cols)?.check_finite("a start")?;
    }
    let Some(warm) = options.warm_start else { return Ok(()) };
    sized(warm)?;
    let stray =
        |row: &&[f64]| row.iter().any(|x| !x.is_finite()) && !row.iter().all(|x| x.is_nan());
    let rows = Rows::new(warm, cols)?;
    match rows.iter().enumerate().find(|(_, row)| stray(row)) {
        None => Ok(()),
        Some((row, center)) => {
            let column = center.iter().position(|x| !x.is_finite()).unwrap_or_default();
            let value = center[column];
            Err(Error::NotFinite { what: "the warm start", row, column, value })
        }
    }
}

/// Refuses samples no model can be fitted to.
fn check_sample(
    rows: Rows<'_>,
    params: &JumpParams,
    options: &FitOptions<'_>,
) -> Result<(), Error> {
    if rows.len() < params.states {
        let (have, need) = (rows.len(), params.states);
        return Err(Error::TooFewRows { what: "the sample", have, need });
    }
    rows.check_finite("the sample")?;
    let first = rows.row(0);
    if !params.compat && params.states > 1 && rows.iter().all(|row| row == first) {
        return Err(Error::AllEqual { what: "the sample", rows: rows.len() });
    }
    if let Some(returns) = options.returns {
        let (found, expected) = (returns.len(), rows.len());
        if found != expected {
            return Err(Error::Shape { what: "the return series", found, expected });
        }
        Rows::new(returns, 1)?.check_finite("the return series")?;
    }
    if let Some(weights) = options.feature_weights {
        let (found, expected) = (weights.len(), rows.cols());
        if found != expected {
            return Err(Error::Shape { what: "the list of feature weights", found, expected });
        }
        let usable = |w: &f64| w.is_finite() && *w >= 0.0;
        if !weights.iter().all(usable) || weights.iter().all(|w| *w <= 0.0) {
            return Err(Error::Parameter {
                name: "feature_weights",
                value: format!("{weights:?}"),
                rule: "finite, not negative, at least one positive",
            });
        }
    }
    Ok(())
}
