//! Whether an account may trade real money: what it has shown, judged, and the proof of it.
//!
//! An account earns the right on paper: by consecutive trading days, by books that agree, by fills
//! close to the market, by a drawdown that stayed small and by drills that were passed. A person may
//! put a result aside, by name, on the record and for a while; whether the books agree and the
//! account is free to trade nobody can.
//!
//! [`Evidence`] is to a live session what [`Approved`](crate::Approved) is to an order: it has no
//! public field, is made by [`Evidence::of`] alone, and a live permit is not granted without it.

use std::collections::BTreeMap;

use atlas_core::AccountName;
use atlas_core::journal::Hash;
use atlas_core::time::Timestamp;
use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::context::TradingState;

/// Consecutive trading days on paper that are asked for.
pub const DAYS_MIN: usize = 20;
/// Mean slippage that is too much, in basis points.
pub const SLIPPAGE_MAX_BPS: f64 = 15.0;
/// Days after which a drill has to be walked again.
pub const DRILL_AGE_MAX_DAYS: i64 = 30;
/// Days for which a person's word about a result holds.
pub const OVERRIDE_AGE_MAX_DAYS: i64 = 30;
/// Drawdown that is too much, in per cent of the peak.
pub const DRAWDOWN_MAX_PERCENT: u32 = 10;
/// Hours for which evidence holds.
pub const EVIDENCE_AGE_MAX_HOURS: i64 = 24;

/// What one gate looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Consecutive exchange sessions that were closed on a paper account with books that agree.
    PaperDays,
    /// Books and broker agree, and nothing odd is open.
    NoMismatch,
    /// Fills against the market at the send.
    Slippage,
    /// The fall from the highest equity.
    Drawdown,
    /// Recovery and switchover were rehearsed.
    Drills,
    /// The account is ACTIVE.
    Active,
}

impl Gate {
    /// Every gate, in the order in which they speak.
    pub const ALL: [Self; 6] = [
        Self::PaperDays,
        Self::NoMismatch,
        Self::Slippage,
        Self::Drawdown,
        Self::Drills,
        Self::Active,
    ];

    /// Whether it guards safety rather than asking for a result; such a gate is never overridden.
    #[must_use]
    pub const fn is_safety(self) -> bool {
        matches!(self, Self::NoMismatch | Self::Active)
    }

    /// The name under which an override of it is recorded.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaperDays => "live-gate-paper-days",
            Self::NoMismatch => "live-gate-no-mismatch",
            Self::Slippage => "live-gate-slippage",
            Self::Drawdown => "live-gate-drawdown",
            Self::Drills => "live-gate-drills",
            Self::Active => "live-gate-active",
        }
    }
}

/// What one gate found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heard {
    /// Which.
    pub gate: Gate,
    /// Whether the evidence is there.
    pub passed: bool,
    /// Who put it aside, if somebody did and may.
    pub overridden_by: Option<String>,
    /// What was found, in one sentence.
    pub sentence: String,
}

impl Heard {
    /// Whether it lets through.
    #[must_use]
    pub const fn lets_through(&self) -> bool {
        self.passed || (self.overridden_by.is_some() && !self.gate.is_safety())
    }
}

/// What an account has shown, as its journal tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Consecutive trading days on paper that count, up to the last session.
    pub paper_days: usize,
    /// Differences at the last comparison of books and broker, and oddities nobody explained;
    /// `None` if they were never compared.
    pub differences: Option<(usize, usize)>,
    /// Mean slippage of all measured fills in basis points, and how many there are; `None` without
    /// one.
    pub slippage: Option<(f64, usize)>,
    /// Deepest fall from the highest equity, as a share of it; `None` if none was ever seen.
    pub drawdown: Option<Decimal>,
    /// Every drill that is asked for, by name, and how it was walked last.
    pub drills: BTreeMap<String, Option<DrillShown>>,
    /// The account's state.
    pub state: TradingState,
    /// Persons' words that put a result aside.
    pub words: BTreeMap<Gate, Word>,
}

/// How a drill was walked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrillShown {
    /// When.
    pub on: NaiveDate,
    /// Whether every step went as it should.
    pub passed: bool,
}

/// A person's word that puts a result aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Who.
    pub by: String,
    /// When.
    pub on: NaiveDate,
    /// The configuration it was given under.
    pub config: Option<Hash>,
}

impl Shown {
    /// Hears every gate, as of a day and for a configuration. A person's word counts for the
    /// configuration it was given under, and for [`OVERRIDE_AGE_MAX_DAYS`].
    #[must_use]
    pub fn hear(&self, today: NaiveDate, config: Hash) -> Vec<Heard> {
        let heard = Gate::ALL.into_iter().map(|gate| {
            let (passed, sentence) = self.judge(gate, today);
            let word = self.words.get(&gate).filter(|word| {
                let age = (today - word.on).num_days();
                // A clock that ran ahead stamps a word with a day to come: it counts for nothing.
                let holds = (0..=OVERRIDE_AGE_MAX_DAYS).contains(&age);
                !gate.is_safety() && word.config == Some(config) && holds
            });
            Heard { gate, passed, overridden_by: word.map(|word| word.by.clone()), sentence }
        });
        heard.collect()
    }

    fn judge(&self, gate: Gate, today: NaiveDate) -> (bool, String) {
        match gate {
            Gate::PaperDays => (
                self.paper_days >= DAYS_MIN,
                format!(
                    "{} consecutive trading days on paper closed with books that agree, never \
                     PAUSED and with what was due done, of {DAYS_MIN} asked for",
                    self.paper_days
                ),
            ),
            Gate::NoMismatch => match self.differences {
                None => (false, "books and broker were never compared".to_owned()),
                Some((grave, odd)) => (
                    grave == 0 && odd == 0,
                    format!(
                        "{grave} differences at the last comparison, {odd} oddities unexplained"
                    ),
                ),
            },
            Gate::Slippage => match self.slippage {
                // What is no number is not below anything.
                Some((bps, fills)) => (
                    bps < SLIPPAGE_MAX_BPS,
                    format!("{bps:.2} bps mean slippage over {fills} fills, below 15 asked for"),
                ),
                None => (false, "no fill was ever measured against the market".to_owned()),
            },
            Gate::Drawdown => match self.drawdown {
                Some(deepest) => {
                    let percent = deepest * Decimal::ONE_HUNDRED;
                    let sentence = format!("{percent:.2} % deepest drawdown, below 10 asked for");
                    (percent < Decimal::from(DRAWDOWN_MAX_PERCENT), sentence)
                }
                None => (false, "no equity was ever seen".to_owned()),
            },
            Gate::Drills => self.judge_drills(today),
            Gate::Active => {
                (self.state == TradingState::Active, format!("the account is {}", self.state))
            }
        }
    }

    /// Each drill passed, and not too long ago; none asked for shows nothing.
    fn judge_drills(&self, today: NaiveDate) -> (bool, String) {
        let mut sentences = Vec::new();
        let mut all = !self.drills.is_empty();
        for (drill, walked) in &self.drills {
            let (passed, sentence) = match walked {
                None => (false, format!("no {drill} drill is on record")),
                Some(last) if !last.passed => {
                    (false, format!("the {drill} drill of {} failed", last.on))
                }
                Some(last) if (today - last.on).num_days() > DRILL_AGE_MAX_DAYS => {
                    (false, format!("the {drill} drill of {} is too old", last.on))
                }
                Some(last) if last.on > today => {
                    (false, format!("the {drill} drill of {} is of a day to come", last.on))
                }
                Some(last) => (true, format!("{drill} drill passed on {}", last.on)),
            };
            all &= passed;
            sentences.push(sentence);
        }
        (all, sentences.join("; "))
    }
}

/// The proof that every gate let an account through, for one configuration and for a day.
///
/// It cannot be copied, made up or read from anywhere:
/// ```compile_fail
/// # fn demo(one: atlas_risk::evidence::Evidence) {
/// let copy = one.clone();
/// # }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "evidence opens nothing until a permit is asked for with it"]
pub struct Evidence {
    account: AccountName,
    config: Hash,
    heard_at: Timestamp,
}

impl Evidence {
    /// The proof, if what an account has shown lets through at every gate.
    ///
    /// # Errors
    /// What every gate found, if one of them holds back.
    pub fn of(
        shown: &Shown,
        account: AccountName,
        config: Hash,
        (today, now): (NaiveDate, Timestamp),
    ) -> Result<Self, Vec<Heard>> {
        let heard = shown.hear(today, config);
        if heard.iter().all(Heard::lets_through) {
            Ok(Self { account, config, heard_at: now })
        } else {
            Err(heard)
        }
    }

    /// The account that earned it.
    #[must_use]
    pub const fn account(&self) -> &AccountName {
        &self.account
    }

    /// Why it does not hold, for a configuration and at an instant; `None` if it does.
    #[must_use]
    pub fn fault(&self, config: Hash, now: Timestamp) -> Option<String> {
        let age = now - self.heard_at;
        if self.config != config {
            return Some(format!(
                "the gates were heard for configuration {}, and {} is in force",
                self.config.short(),
                config.short()
            ));
        }
        (age < TimeDelta::zero() || age > TimeDelta::hours(EVIDENCE_AGE_MAX_HOURS)).then(|| {
            format!(
                "the gates were heard at {}, which is not within the {EVIDENCE_AGE_MAX_HOURS} \
                 hours before {now}",
                self.heard_at
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// An account that has shown all there is to show.
    fn ready() -> Shown {
        let drill = DrillShown { on: day("2019-01-02"), passed: true };
        Shown {
            paper_days: DAYS_MIN,
            differences: Some((0, 0)),
            slippage: Some((14.9, 40)),
            drawdown: Some("0.0999".parse().unwrap()),
            drills: BTreeMap::from([("recovery".to_owned(), Some(drill))]),
            state: TradingState::Active,
            words: BTreeMap::new(),
        }
    }

    fn evidence(shown: &Shown) -> Result<Evidence, Vec<Gate>> {
        let account = "demo".parse().unwrap();
        let when = (day("2019-01-07"), at("2019-01-07T12:00:00Z"));
        Evidence::of(shown, account, Hash::of(b"one"), when).map_err(|heard| {
            let shut = heard.iter().filter(|heard| !heard.lets_through());
            shut.map(|heard| heard.gate).collect()
        })
    }

    #[test]
    fn every_single_gate_holds_evidence_back() {
        type Spoil = fn(&mut Shown);
        assert!(evidence(&ready()).is_ok());
        let spoilt: [(Gate, Spoil); 12] = [
            (Gate::PaperDays, |s| s.paper_days = DAYS_MIN - 1),
            (Gate::NoMismatch, |s| s.differences = None),
            (Gate::NoMismatch, |s| s.differences = Some((1, 0))),
            (Gate::NoMismatch, |s| s.differences = Some((0, 1))),
            (Gate::Slippage, |s| s.slippage = None),
            (Gate::Slippage, |s| s.slippage = Some((15.0, 40))),
            (Gate::Slippage, |s| s.slippage = Some((f64::NAN, 40))),
            (Gate::Drawdown, |s| s.drawdown = None),
            (Gate::Drawdown, |s| s.drawdown = Some("0.1".parse().unwrap())),
            (Gate::Drills, |s| s.drills = BTreeMap::new()),
            (Gate::Drills, |s| {
                s.drills.insert("switchover".to_owned(), None);
            }),
            (Gate::Active, |s| s.state = TradingState::Reducing),
        ];
        for (gate, spoil) in spoilt {
            let mut shown = ready();
            spoil(&mut shown);
            assert_eq!(evidence(&shown).unwrap_err(), [gate]);
        }
    }

    #[test]
    fn drills_that_failed_or_are_old_show_nothing() {
        for (on, passed, lets) in [
            ("2018-12-08", true, true),
            ("2018-12-07", true, false),
            ("2019-01-06", false, false),
            ("2019-01-07", true, true),
            ("2019-01-08", true, false),
        ] {
            let mut shown = ready();
            let drill = DrillShown { on: day(on), passed };
            shown.drills.insert("recovery".to_owned(), Some(drill));
            assert_eq!(evidence(&shown).is_ok(), lets, "{on} {passed}");
        }
    }

    #[test]
    fn a_word_counts_for_a_result_and_never_for_safety() {
        let mut shown = ready();
        shown.paper_days = 0;
        shown.state = TradingState::Paused;
        for gate in Gate::ALL {
            let (by, on, config) = ("ann".to_owned(), day("2019-01-07"), Some(Hash::of(b"one")));
            shown.words.insert(gate, Word { by, on, config });
        }
        assert_eq!(evidence(&shown).unwrap_err(), [Gate::Active]);
        // A word stamped with a day to come counts for nothing.
        shown.state = TradingState::Active;
        assert!(evidence(&shown).is_ok());
        if let Some(word) = shown.words.get_mut(&Gate::PaperDays) {
            word.on = day("2019-01-08");
        }
        assert_eq!(evidence(&shown).unwrap_err(), [Gate::PaperDays]);
    }

    #[test]
    fn evidence_is_for_one_configuration_and_one_day() {
        let evidence = evidence(&ready()).unwrap();
        let (one, other) = (Hash::of(b"one"), Hash::of(b"other"));
        for (config, now, holds) in [
            (one, "2019-01-07T12:00:00Z", true),
            (one, "2019-01-08T12:00:00Z", true),
            (one, "2019-01-08T12:00:01Z", false),
            (one, "2019-01-07T11:59:59Z", false),
            (other, "2019-01-07T12:00:00Z", false),
        ] {
            assert_eq!(evidence.fault(config, at(now)).is_none(), holds, "{now}");
        }
    }
}
