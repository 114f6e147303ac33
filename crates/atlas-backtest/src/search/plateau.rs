//! Whether the best parameters stand on a plateau or on a spike.

use serde::{Deserialize, Serialize};

use super::{Axis, Found};
use crate::metrics::stats::mean;

/// Sharpe ratios over two parameters, and how the best one compares with its neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    /// The parameter down the rows.
    pub rows: (String, Vec<f64>),
    /// The parameter along the columns.
    pub columns: (String, Vec<f64>),
    /// Sharpe ratio a year by row and column, the best over all other parameters; `None` where
    /// nothing was run or the ratio is undefined.
    pub sharpe: Vec<Vec<Option<f64>>>,
    /// Place of the best.
    pub best: Option<(usize, usize)>,
    /// Mean Sharpe ratio of its up to eight neighbours over its own: near 1 on a plateau, near or
    /// below 0 on a spike; `None` without neighbours, or with a best one that is not above 0.
    pub flatness: Option<f64>,
}

/// The map over the first two axes with more than one value; `None` if there are not two.
#[must_use]
pub fn plateau(found: &[Found], axes: &[Axis]) -> Option<Plateau> {
    let mut wide = axes.iter().filter(|axis| axis.values.len() > 1);
    let (down, along) = (wide.next()?, wide.next()?);
    let mut sharpe = vec![vec![None; along.values.len()]; down.values.len()];
    for one in found {
        let place = |axis: &Axis| {
            let value = one.strategy.value(&axis.name)?;
            axis.values.iter().position(|own| own.to_bits() == value.to_bits())
        };
        let (Some(row), Some(column)) = (place(down), place(along)) else { continue };
        let cell: Option<&mut Option<f64>> = sharpe.get_mut(row).and_then(|r| r.get_mut(column));
        if let (Some(cell), Some(ratio)) = (cell, one.metrics.sharpe) {
            *cell = Some(cell.map_or(ratio, |before: f64| before.max(ratio)));
        }
    }
    let mut best: Option<((usize, usize), f64)> = None;
    for (row, cells) in sharpe.iter().enumerate() {
        for (column, ratio) in cells.iter().enumerate() {
            if let Some(ratio) = ratio.filter(|r| best.is_none_or(|(_, b)| *r > b)) {
                best = Some(((row, column), ratio));
            }
        }
    }
    let flatness = best
        .filter(|(_, ratio)| *ratio > 0.0)
        .and_then(|(place, ratio)| Some(mean(&neighbours(&sharpe, place))? / ratio));
    Some(Plateau {
        rows: (down.name.clone(), down.values.clone()),
        columns: (along.name.clone(), along.values.clone()),
        best: best.map(|(place, _)| place),
        flatness,
        sharpe,
    })
}

fn neighbours(sharpe: &[Vec<Option<f64>>], (row, column): (usize, usize)) -> Vec<f64> {
    let near = |at: usize| at.saturating_sub(1)..=at + 1;
    near(row)
        .flat_map(|r| near(column).map(move |c| (r, c)))
        .filter(|place| *place != (row, column))
        .filter_map(|(r, c)| *sharpe.get(r)?.get(c)?)
        .collect()
}
