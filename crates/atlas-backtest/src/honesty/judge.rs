//! A result in the light of what was tried before.

use atlas_core::journal::Hash;
use serde::{Deserialize, Serialize};

use super::sharpe::Estimate;
use super::{Deflation, Trial, TrialLedger};
use crate::Error;
use crate::critique::{Doubt, critique};
use crate::report::BacktestReport;

/// A result in the light of what was tried before: a function of the result and of the ledger as
/// it stood, both of which it names by their digests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// SHA-256 of the result as JSON.
    pub result_sha256: Hash,
    /// SHA-256 of the ledger as JSON, the result entered.
    pub ledger_sha256: Hash,
    /// Its Sharpe ratio deflated.
    pub deflation: Deflation,
    /// What speaks against it, each one sentence.
    pub doubts: Vec<String>,
    /// The same with its numbers.
    pub critique: Vec<Doubt>,
}

impl Judgement {
    /// Enters the result into the ledger and judges it in that light; judging twice changes
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the result or its choices cannot be written down.
    pub fn enter(report: &BacktestReport, ledger: &mut TrialLedger) -> Result<Self, Error> {
        let trial = Trial::of(report)?;
        ledger.record(trial.clone());
        let deflation = ledger.deflate(&trial, Estimate::of(&report.metrics));
        let critique = critique(report);
        Ok(Self {
            result_sha256: hash(report)?,
            ledger_sha256: hash(ledger)?,
            deflation,
            doubts: critique.iter().map(ToString::to_string).collect(),
            critique,
        })
    }
}

fn hash(value: &impl Serialize) -> Result<Hash, Error> {
    let bytes = serde_json::to_vec(value).map_err(|error| Error::Parameter {
        what: "what is to be written down",
        value: error.to_string(),
        range: "finite numbers throughout",
    })?;
    Ok(Hash::of(&bytes))
}
