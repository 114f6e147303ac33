//! Where the simulation study keeps what, and which penalties it runs on which paths.

use std::path::Path;

use super::cells::{Cell, Entry};
use super::methods::{Choice, Method};
use super::store::Store;

/// Paths on which the continuous model of three states is run under every penalty; on the others
/// only under those that may turn out the best.
pub const EVERY_PENALTY: usize = 200;
/// The cell whose rows are put together too.
pub const POOLED: &str = "two_1000";

/// The quick methods of a cell; the discrete model under the penalty that is best by the labels.
pub fn pooled_entries(cell: &Cell) -> impl Iterator<Item = (&Entry, Choice)> {
    let choice = |e: &Entry| e.choices.iter().copied().find(|c| (c.0 - 100.0).abs() < 1.0);
    let quick = cell.entries.iter().filter(|e| !matches!(e.method, Method::Continuous { .. }));
    quick.map(move |e| (e, choice(e).unwrap_or(e.choices[0])))
}

pub fn pooled_store(folder: &Path, cell: &Cell, entry: &Entry) -> Store {
    Store::new(folder, &format!("{}.pooled_{}", cell.key, name_of(entry)))
}

/// What a method's files are called.
pub fn name_of(entry: &Entry) -> String {
    match entry.method {
        Method::Oracle => "oracle".to_owned(),
        Method::Markov(starts) => format!("markov{starts}"),
        Method::FlatMarkov => "flat".to_owned(),
        Method::Discrete => "discrete".to_owned(),
        Method::Continuous { mode_loss: false } => "continuous".to_owned(),
        Method::Continuous { mode_loss: true } => "moded".to_owned(),
        Method::Sparse => "sparse".to_owned(),
        Method::Online => "online".to_owned(),
        Method::OnlineOracle => "online_oracle".to_owned(),
        Method::OnlineMarkov => "online_markov".to_owned(),
    }
}

pub fn store(folder: &Path, cell: &Cell, entry: &Entry) -> Store {
    Store::new(folder, &format!("{}.{}", cell.key, name_of(entry)))
}

pub fn thinned(cell: &Cell, entry: &Entry) -> bool {
    cell.states() > 2 && matches!(entry.method, Method::Continuous { .. })
}

/// Whether the continuous model is run under this penalty on all paths.
pub fn hopeful((penalty, _): Choice) -> bool {
    (400.0..5000.0).contains(&penalty)
}
