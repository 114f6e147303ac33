//! Tools that keep one from fooling oneself.
//!
//! - [`sharpe`]: probabilistic and deflated Sharpe ratio, minimum track record.
//! - [`ledger`]: every trial on the same data, counted.
//! - [`Judgement`]: a result in the light of what was tried before.
//! - [`split`]: walk-forward, anchored and rolling, purged and embargoed; combinatorial purged
//!   cross-validation.
//! - [`walk`]: choosing by the past, being judged by the future.
//! - [`cross`]: the same under every way to deal history into past and future.
//! - [`dealt`]: the same trades in another order, or others like them.
//! - [`overfitting`]: the probability that the best in the past is below the middle afterwards.
//! - [`bootstrap`]: how far a figure moves when history is dealt again.
//! - [`difference`]: whether two Sharpe ratios differ by more than luck.
//! - [`reality`]: White's reality check and Hansen's test of superior predictive ability.

pub mod bootstrap;
pub mod cross;
pub mod dealt;
pub mod difference;
mod judge;
pub mod ledger;
pub mod normal;
pub mod overfitting;
pub mod reality;
pub mod sharpe;
pub mod split;
pub mod walk;

mod random;

pub use judge::Judgement;
pub use ledger::{Deflation, Imported, Trial, TrialLedger};
pub use random::Random;
