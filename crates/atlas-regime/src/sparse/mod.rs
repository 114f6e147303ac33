//! The sparse jump model: feature selection by weights.

mod fit;
mod lasso;
mod scatter;

pub use fit::{CheckedSparseParams, Mixture, SparseFit, SparseModel, SparseParams, SparseRound};
pub use lasso::{bounded_weights, soft_threshold};
pub use scatter::{between_cluster_sums, weighted_means};
