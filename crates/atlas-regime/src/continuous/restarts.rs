//! The descents of the continuous model, shared out over threads.

use super::estep::Continuous;
use super::grid::Grid;
use crate::descent::{Limits, Memory, Restart, descend};
use crate::dp::Penalties;
use crate::parallel::in_parts;
use crate::partition::Partitions;
use crate::{Error, Rows};

/// What the costs of every row in every vertex may take up, in all fits that run at once: 2 GiB.
pub(crate) const BYTES_MAX: usize = 1 << 31;

/// Bytes of the costs of all rows, refused where they are too many.
pub(super) fn costs_bytes(rows: usize, grid: &Grid) -> Result<usize, Error> {
    let bytes = bytes_of(rows, grid.len());
    if bytes > BYTES_MAX {
        let what = "the costs of every row in every vertex of the grid";
        return Err(Error::TooLarge { what, bytes, max: BYTES_MAX });
    }
    Ok(bytes)
}

fn bytes_of(rows: usize, vertices: usize) -> usize {
    let cells = rows.checked_mul(vertices);
    cells.and_then(|n| n.checked_mul(size_of::<f64>())).unwrap_or(usize::MAX)
}

/// How many fits of a list of penalties may run at once, and what each may take up then, so that
/// together they stay below [`BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share {
    pub(crate) fits: usize,
    pub(crate) bytes: usize,
}

impl Share {
    /// The share of each of `fits` fits of `rows` rows on a grid; a fit that does not fit in alone
    /// is refused by itself.
    pub(crate) fn of_grid(rows: usize, vertices: usize, fits: usize) -> Self {
        Self::among(bytes_of(rows, vertices), fits, rayon::current_num_threads())
    }

    fn among(bytes: usize, fits: usize, threads: usize) -> Self {
        let fits = fits.min(threads).min(BYTES_MAX / bytes.max(1)).max(1);
        Self { fits, bytes: BYTES_MAX / fits }
    }
}

/// Runs every start to its end, in as many parts as threads and `bytes_max` allow. Descents of one
/// part share the steps they have in common, which changes no bit of them.
pub(super) fn descend_all(
    rows: Rows<'_>,
    grid: &Grid,
    penalties: &Penalties,
    starts: &[Vec<f64>],
    limits: Limits,
    bytes_max: usize,
) -> Result<Vec<Restart>, Error> {
    let bytes = costs_bytes(rows.len(), grid)?;
    Ok(in_parts(starts, bytes_max / bytes.max(1), |part| {
        let mut partitions = Partitions::new(grid.len());
        let mut steps = Continuous::new(rows, grid, penalties);
        let mut memory = Memory::default();
        let mut run = |start: &Vec<f64>| {
            descend(&mut steps, start, rows.len(), limits, &mut partitions, &mut memory)
        };
        part.iter().map(&mut run).collect()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grid of penalties with parallel restarts takes no more than a single fit may.
    #[test]
    fn fits_at_once_share_the_memory() {
        for threads in [1, 2, 16, 128] {
            for penalties in [1, 3, 10, 1000] {
                for bytes in [0, 8, 1 << 20, BYTES_MAX / 3, BYTES_MAX / 2 + 1, BYTES_MAX] {
                    let share = Share::among(bytes, penalties, threads);
                    assert!((1..=penalties.min(threads)).contains(&share.fits));
                    let parts = (share.bytes / bytes.max(1)).clamp(1, threads);
                    let all = share.fits * parts * bytes;
                    assert!(all <= BYTES_MAX, "{threads} {penalties} {bytes}: {all}");
                }
            }
        }
        assert_eq!(Share::among(BYTES_MAX, 10, 16), Share { fits: 1, bytes: BYTES_MAX });
        assert_eq!(Share::among(1000, 10, 4).fits, 4);
    }
}
