//! The descents of the continuous model, shared out over threads.

use super::estep::Continuous;
use super::grid::Grid;
use crate::descent::{Limits, Memory, Restart, descend};
use crate::dp::Penalties;
use crate::parallel::in_parts;
use crate::partition::Partitions;
use crate::{Error, Rows};

/// What the costs of every row in every vertex may take up: 2 GiB.
const BYTES_MAX: usize = 1 << 31;

/// Bytes of the costs of all rows, refused where they are too many.
pub(super) fn costs_bytes(rows: usize, grid: &Grid) -> Result<usize, Error> {
    let cells = rows.checked_mul(grid.len());
    let bytes = cells.and_then(|n| n.checked_mul(size_of::<f64>())).unwrap_or(usize::MAX);
    if bytes > BYTES_MAX {
        let what = "the costs of every row in every vertex of the grid";
        return Err(Error::TooLarge { what, bytes, max: BYTES_MAX });
    }
    Ok(bytes)
}

/// Runs every start to its end, in as many parts as threads and memory allow. Descents of one part
/// share the steps they have in common, which changes no bit of them.
pub(super) fn descend_all(
    rows: Rows<'_>,
    grid: &Grid,
    penalties: &Penalties,
    starts: &[Vec<f64>],
    limits: Limits,
) -> Result<Vec<Restart>, Error> {
    let bytes = costs_bytes(rows.len(), grid)?;
    Ok(in_parts(starts, BYTES_MAX / bytes.max(1), |part| {
        let mut partitions = Partitions::new(grid.len());
        let mut steps = Continuous::new(rows, grid, penalties);
        let mut memory = Memory::default();
        let mut run = |start: &Vec<f64>| {
            descend(&mut steps, start, rows.len(), limits, &mut partitions, &mut memory)
        };
        part.iter().map(&mut run).collect()
    }))
}
