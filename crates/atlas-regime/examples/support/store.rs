//! What a long study has found so far, kept in files so that it can be stopped and carried on.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Outcome;

/// One method on one path: per option (penalty, or penalty and number of features) the accuracy
/// against the true states, and the score that knows none of them. NaN where an option was not run.
#[derive(Debug, Clone, Default)]
pub struct Record {
    pub accuracies: Vec<f64>,
    pub scores: Vec<f64>,
}

impl Record {
    /// Nothing run yet under so many options.
    pub fn empty(options: usize) -> Self {
        Self { accuracies: vec![f64::NAN; options], scores: vec![f64::NAN; options] }
    }

    /// Takes what the other one has and this one has not.
    pub fn fill(&mut self, other: &Self) {
        let mine = self.accuracies.iter_mut().chain(&mut self.scores);
        for (mine, other) in mine.zip(other.accuracies.iter().chain(&other.scores)) {
            if mine.is_nan() {
                *mine = *other;
            }
        }
    }

    /// Whether every option was run and scored.
    pub fn complete(&self) -> bool {
        self.accuracies.iter().chain(&self.scores).all(|x| !x.is_nan())
    }

    fn line(&self) -> Outcome<String> {
        let mut out = String::new();
        for (i, x) in self.accuracies.iter().chain(&self.scores).enumerate() {
            write!(out, "{}{x}", if i == 0 { "" } else { "\t" })?;
        }
        out.push('\n');
        Ok(out)
    }

    fn parse(line: &str) -> Outcome<Self> {
        let numbers: Result<Vec<f64>, _> = line.split('\t').map(str::parse).collect();
        let mut accuracies = numbers?;
        let scores = accuracies.split_off(accuracies.len() / 2);
        Ok(Self { accuracies, scores })
    }
}

/// The file of one method in one cell of the study.
#[derive(Debug, Clone)]
pub struct Store(PathBuf);

impl Store {
    pub fn new(folder: &Path, name: &str) -> Self {
        Self(folder.join(format!("{name}.tsv")))
    }

    /// The records of the first paths, in order; none yet if there is no file.
    pub fn read(&self) -> Outcome<Vec<Record>> {
        if !self.0.exists() {
            return Ok(Vec::new());
        }
        std::fs::read_to_string(&self.0)?.lines().map(Record::parse).collect()
    }

    /// Adds the records of the next paths.
    pub fn append(&self, records: &[Record]) -> Outcome<()> {
        use std::io::Write as _;
        let mut text = String::new();
        for record in records {
            text.push_str(&record.line()?);
        }
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&self.0)?;
        Ok(file.write_all(text.as_bytes())?)
    }

    /// Puts these records in the place of all on file, in one step.
    pub fn replace(&self, records: &[Record]) -> Outcome<()> {
        let lines = records.iter().map(Record::line).collect::<Outcome<String>>()?;
        let fresh = self.0.with_extension("new");
        std::fs::write(&fresh, lines)?;
        Ok(std::fs::rename(&fresh, &self.0)?)
    }
}
