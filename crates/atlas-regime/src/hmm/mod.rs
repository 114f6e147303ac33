//! A Gaussian hidden Markov model: the baseline jump models are compared with.
//!
//! Every state emits independent normal observations per column; the state moves by a transition
//! matrix. Fitted by expectation maximisation from several k-means++ starts. Source: Rabiner 1989,
//! "A tutorial on hidden Markov models", sections III and V (scaled forward-backward recursion).

mod em;
mod fit;
mod model;

pub use fit::{CheckedHmmParams, HmmFit, HmmParams};
pub use model::{HMM_FORMAT, HmmFilter, HmmModel};
