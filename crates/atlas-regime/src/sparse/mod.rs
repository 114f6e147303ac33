//! The sparse jump model: feature selection by weights.

mod fit;
mod lasso;
mod model;
mod scatter;

pub use fit::{CheckedSparseParams, Mixture, SparseFit, SparseParams, SparseRound};
pub use lasso::{bounded_weights, soft_threshold};
pub use model::{SPARSE_FORMAT, SparseInner, SparseModel};
pub use scatter::{between_cluster_sums, weighted_means};
