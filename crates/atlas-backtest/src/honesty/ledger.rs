//! Every trial on the same data, counted.

use std::collections::BTreeSet;

use atlas_core::Symbol;
use atlas_core::journal::Hash;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::sharpe::{Estimate, expected_best};
use crate::Error;
use crate::metrics::stats::variance;
use crate::report::BacktestReport;

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Digest of every choice that was made; the same choices count once.
    pub configuration: Hash,
    /// What could be traded.
    pub symbols: BTreeSet<Symbol>,
    /// First session.
    pub from: NaiveDate,
    /// Last session.
    pub to: NaiveDate,
    /// Sharpe ratio a period; `None` if undefined.
    pub sharpe_per_period: Option<f64>,
}

/// Trials made elsewhere, on data of the same kind, of which nothing but their number is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// What was tried on.
    pub symbols: BTreeSet<Symbol>,
    /// First session.
    pub from: NaiveDate,
    /// Last session.
    pub to: NaiveDate,
    /// How many.
    pub trials: usize,
    /// Where they were made, in a sentence.
    pub source: String,
}

/// Every trial that was made, by configuration and period.
///
/// Two trials are on the same data if they share a symbol and a session, whatever file either came
/// from: looking twice at the same history is looking twice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrialLedger {
    /// In the order of [`Trial::key`].
    trials: Vec<Trial>,
    imported: Vec<Imported>,
}

/// A result in the light of everything else that was tried: a function of the result and of the
/// ledger alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Deflation {
    /// Trials on the same data, the result itself and imported ones included.
    pub trials: usize,
    /// Variance of their Sharpe ratios a period; `None` if fewer than two are known.
    pub variance: Option<f64>,
    /// Sharpe ratio a period to be expected of the best of them without any skill.
    pub expected_best: Option<f64>,
    /// Probability that the true ratio is above zero, this result looked at alone.
    pub probabilistic: Option<f64>,
    /// Probability that it is above what the best would show without any skill; `None` where the
    /// variance of several trials is unknown.
    pub deflated: Option<f64>,
    /// Returns needed for 95 % confidence that it is above zero.
    pub periods_needed: Option<f64>,
}

impl Trial {
    /// Of a report; its configuration is everything that was chosen, the data's name and the
    /// period left out.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the choices cannot be written down.
    pub fn of(report: &BacktestReport) -> Result<Self, Error> {
        let header = &report.header;
        let chosen = (
            (header.schedule, header.delay_sessions, header.start_after_open_minutes),
            (header.missing_vix, header.short_history, header.members_by_date),
            (header.cash, &header.costs, header.finally, &header.strategy, &header.policy),
            (header.idle_rate, header.corporate_actions),
        );
        let unwritable = |error: serde_json::Error| Error::Parameter {
            what: "the configuration",
            value: error.to_string(),
            range: "finite numbers throughout",
        };
        Ok(Self {
            configuration: Hash::of(&serde_json::to_vec(&chosen).map_err(unwritable)?),
            symbols: header.symbols.iter().cloned().collect(),
            from: header.first_session,
            to: header.last_session,
            sharpe_per_period: report.metrics.sharpe_per_period,
        })
    }

    /// What makes it the same trial: one configuration over several periods, or on other symbols,
    /// counts once for each.
    const fn key(&self) -> (Hash, NaiveDate, NaiveDate, &BTreeSet<Symbol>) {
        (self.configuration, self.from, self.to, &self.symbols)
    }

    fn is_on(&self, symbols: &BTreeSet<Symbol>, from: NaiveDate, to: NaiveDate) -> bool {
        overlap((&self.symbols, self.from, self.to), (symbols, from, to))
    }
}

/// Whether two trials share a symbol and a session.
fn overlap(
    (a, a_from, a_to): (&BTreeSet<Symbol>, NaiveDate, NaiveDate),
    (b, b_from, b_to): (&BTreeSet<Symbol>, NaiveDate, NaiveDate),
) -> bool {
    a_from <= b_to && b_from <= a_to && !a.is_disjoint(b)
}

impl TrialLedger {
    /// Enters a trial; says whether it is a new one.
    pub fn record(&mut self, trial: Trial) -> bool {
        match self.trials.binary_search_by(|other| other.key().cmp(&trial.key())) {
            Ok(_) => false,
            Err(place) => {
                self.trials.insert(place, trial);
                true
            }
        }
    }

    /// Enters trials made elsewhere; says whether they are new: the same statement counts once.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no trials, no symbols, no source, or a period that ends before it
    /// begins.
    pub fn import(&mut self, imported: Imported) -> Result<bool, Error> {
        let bad = |what, value: String, range| Err(Error::Parameter { what, value, range });
        if imported.trials == 0 {
            return bad("the number of trials", "0".to_owned(), "1 or more");
        }
        if imported.symbols.is_empty() {
            return bad("the number of symbols", "0".to_owned(), "1 or more");
        }
        if imported.source.trim().is_empty() {
            return bad(
                "the source",
                "empty".to_owned(),
                "a sentence that says where they were made",
            );
        }
        if imported.to < imported.from {
            return Err(Error::Backwards { from: imported.from, to: imported.to });
        }
        let is_new = !self.imported.contains(&imported);
        if is_new {
            self.imported.push(imported);
        }
        Ok(is_new)
    }

    /// Every trial that was made here.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// What was said about trials made elsewhere.
    #[must_use]
    pub fn imported(&self) -> &[Imported] {
        &self.imported
    }

    /// Number of trials, imported ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.trials.len() + self.imported.iter().map(|imported| imported.trials).sum::<usize>()
    }

    /// Whether nothing was tried yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A result in the light of every trial on the same data; the result counts as one of them
    /// whether it was recorded or not.
    ///
    /// # Examples
    /// ```
    /// use atlas_backtest::honesty::sharpe::Estimate;
    /// use atlas_backtest::honesty::{Trial, TrialLedger};
    /// use atlas_core::journal::Hash;
    ///
    /// let day = |text: &str| text.parse().unwrap();
    /// let trial = |name: &str, sharpe| Trial {
    ///     configuration: Hash::of(name.as_bytes()),
    ///     symbols: ["KO".parse().unwrap()].into(),
    ///     from: day("2015-01-02"),
    ///     to: day("2018-12-31"),
    ///     sharpe_per_period: Some(sharpe),
    /// };
    /// let mut ledger = TrialLedger::default();
    /// assert!(ledger.record(trial("fast", 0.02)) && ledger.record(trial("slow", 0.06)));
    /// assert!(!ledger.record(trial("slow", 0.06)), "the same choices count once");
    /// let estimate = Estimate { sharpe: 0.06, periods: 1_000, skewness: 0.0, kurtosis: 3.0 };
    /// let found = ledger.deflate(&trial("slow", 0.06), Some(estimate));
    /// assert_eq!(found.trials, 2);
    /// assert!(found.deflated < found.probabilistic);
    /// ```
    #[must_use]
    pub fn deflate(&self, result: &Trial, estimate: Option<Estimate>) -> Deflation {
        let (symbols, from, to) = (&result.symbols, result.from, result.to);
        let others = self
            .trials
            .iter()
            .filter(|trial| trial.key() != result.key() && trial.is_on(symbols, from, to));
        let others: Vec<&Trial> = others.collect();
        let elsewhere = self.imported.iter().filter(|imported| {
            overlap((&imported.symbols, imported.from, imported.to), (symbols, from, to))
        });
        let trials = 1 + others.len() + elsewhere.map(|imported| imported.trials).sum::<usize>();
        let ratios: Vec<f64> = others
            .iter()
            .copied()
            .chain([result])
            .filter_map(|trial| trial.sharpe_per_period)
            .collect();
        let variance = variance(&ratios);
        let best = match trials {
            1 => Some(0.0),
            _ => variance.and_then(|variance| expected_best(trials, variance)),
        };
        let above = |benchmark| estimate.and_then(|e| e.probability_above(benchmark));
        Deflation {
            trials,
            variance,
            expected_best: best,
            probabilistic: above(0.0),
            deflated: best.and_then(above),
            periods_needed: estimate.and_then(|e| e.periods_needed(0.0, 0.95)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(name: &str, symbol: &str, years: (i32, i32), sharpe: f64) -> Trial {
        let day = |year| NaiveDate::from_ymd_opt(year, 1, 2).unwrap();
        Trial {
            configuration: Hash::of(name.as_bytes()),
            symbols: [symbol.parse().unwrap()].into(),
            from: day(years.0),
            to: day(years.1),
            sharpe_per_period: Some(sharpe),
        }
    }

    #[test]
    fn only_what_shares_symbols_and_sessions_counts() {
        let mut ledger = TrialLedger::default();
        assert!(ledger.record(trial("a", "KO", (2000, 2005), 0.01)));
        assert!(!ledger.record(trial("a", "KO", (2000, 2005), 0.01)));
        ledger.record(trial("b", "KO", (2004, 2010), 0.03));
        ledger.record(trial("c", "PEP", (2000, 2010), 0.04));
        ledger.record(trial("d", "KO", (2011, 2012), 0.05));
        let estimate = Estimate { sharpe: 0.01, periods: 800, skewness: 0.0, kurtosis: 3.0 };
        let found = ledger.deflate(&trial("a", "KO", (2000, 2005), 0.01), Some(estimate));
        assert_eq!(found.trials, 2);
        let unseen = ledger.deflate(&trial("e", "PEP", (2011, 2012), 0.01), Some(estimate));
        assert_eq!((unseen.trials, unseen.deflated), (1, unseen.probabilistic));
        let elsewhere = Imported {
            symbols: ["PEP".parse().unwrap()].into(),
            from: trial("", "PEP", (2011, 2012), 0.0).from,
            to: trial("", "PEP", (2011, 2012), 0.0).to,
            trials: 40,
            source: "a notebook".to_owned(),
        };
        assert!(ledger.import(elsewhere.clone()).unwrap());
        assert!(!ledger.import(elsewhere.clone()).unwrap(), "said twice, counted once");
        for wrong in [
            Imported { trials: 0, ..elsewhere.clone() },
            Imported { symbols: BTreeSet::new(), ..elsewhere.clone() },
            Imported { source: " ".to_owned(), ..elsewhere.clone() },
            Imported { from: elsewhere.to, to: elsewhere.from, ..elsewhere },
        ] {
            assert!(ledger.import(wrong).is_err());
        }
        let more = ledger.deflate(&trial("e", "PEP", (2011, 2012), 0.01), Some(estimate));
        assert_eq!((more.trials, more.deflated), (41, None), "their variance is unknown");
        assert_eq!(ledger.len(), 44);
        assert!(ledger.record(trial("a", "XOM", (2000, 2005), 0.01)), "on other symbols");
        assert_eq!(ledger.len(), 45);
        let text = serde_json::to_string(&ledger).unwrap();
        assert_eq!(serde_json::from_str::<TrialLedger>(&text).unwrap(), ledger);
    }
}
