//! The 52-week-high momentum scanner.

use std::collections::BTreeSet;

use atlas_core::signal::Direction;
use atlas_core::{DecisionId, Signal, SignalId, Symbol};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::history::{Closes, History};
use crate::indicator::{Indicator, RollingMax, period};

/// Parameters of [`High52`], unchecked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct High52Params {
    /// Sessions the high is taken over, the last one included.
    pub window: usize,
    /// Least close over high to enter.
    pub entry: f64,
    /// Least close over high to stay; what is held below it is left.
    pub exit: f64,
    /// Symbols selected at most.
    pub top_n: usize,
    /// Volume an entry must come with; off when absent.
    pub volume: Option<VolumeRule>,
}

/// Volume an entry must come with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeRule {
    /// Sessions before the last one that the mean is taken over.
    pub window: usize,
    /// Least volume of the last session over that mean.
    pub ratio: f64,
}

impl VolumeRule {
    /// 1.25 times the mean of 20 sessions.
    pub const FIELD: Self = Self { window: 20, ratio: 1.25 };
}

impl Default for High52Params {
    /// 252 sessions, entry at 0.90, exit below 0.88, the best five, no volume rule. The measure is
    /// that of George and Hwang (2004), "The 52-Week High and Momentum Investing".
    fn default() -> Self {
        Self { window: 252, entry: 0.90, exit: 0.88, top_n: 5, volume: None }
    }
}

impl High52Params {
    /// Proves the parameters usable and makes the scanner.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a window below 2, no symbols to select, thresholds outside of
    /// `0 < exit ≤ entry ≤ 1`, a volume rule with a window of 0 or a ratio that is not above 0.
    pub fn check(self) -> Result<High52, Error> {
        period(OWNER, "window", self.window, 2, "2 or more sessions")?;
        period(OWNER, "top_n", self.top_n, 1, "1 or more")?;
        let fails = |name, value: f64, rule| {
            Err(Error::Parameter { owner: OWNER, name, value: value.to_string(), rule })
        };
        if !(self.entry > 0.0 && self.entry <= 1.0) {
            return fails("entry", self.entry, "above 0 and at most 1");
        }
        if !(self.exit > 0.0 && self.exit <= self.entry) {
            return fails("exit", self.exit, "above 0 and at most entry");
        }
        if let Some(rule) = self.volume {
            period(OWNER, "volume.window", rule.window, 1, "1 or more sessions")?;
            if !(rule.ratio > 0.0 && rule.ratio.is_finite()) {
                return fails("volume.ratio", rule.ratio, "above 0");
            }
        }
        Ok(High52 { params: self })
    }
}

/// How near a close is to the high of the window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Proximity {
    /// Last close.
    pub close: f64,
    /// Highest price of the window, the last session included, in the basis of the close.
    pub high: f64,
}

impl Proximity {
    /// Close over high: 1 at the high, never above it unless closes exceed highs.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.close / self.high
    }
}

/// What the scanner made of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "selection", rename_all = "kebab-case")]
pub enum Selection {
    /// Among the best N.
    Selected {
        /// 1 for the nearest to its high.
        rank: usize,
    },
    /// Not held, and too far below its high.
    BelowEntry,
    /// Not held, near its high, and without the volume the rule asks for.
    LowVolume,
    /// Near its high, and N others are nearer.
    Outranked {
        /// Its rank, above N.
        rank: usize,
    },
    /// Held, and too far below its high to stay.
    BelowExit,
}

/// One symbol with its signal: long if selected or only looked at, exit if held and to be left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scanned {
    /// The signal.
    pub signal: Signal,
    /// What it rests on.
    pub proximity: Proximity,
    /// What became of the symbol.
    pub selection: Selection,
    /// Whether it is held.
    pub held: bool,
    /// What it was held to.
    pub thresholds: Thresholds,
    /// What the close and the high are beside the prices paid.
    pub basis: Closes,
}

/// The thresholds a symbol was held to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Least close over high to enter.
    pub entry: f64,
    /// Least close over high to stay.
    pub exit: f64,
    /// Symbols selected at most.
    pub top_n: usize,
}

impl Scanned {
    /// What became of the symbol and why, in one sentence; prices at four decimals, and named
    /// adjusted where they are not the ones paid at the exchange.
    #[must_use]
    pub fn reason(&self) -> String {
        let short = |value: f64| (value * 1e4).round() / 1e4;
        let (close, high) = (short(self.proximity.close), short(self.proximity.high));
        let ratio = short(self.proximity.ratio());
        let basis = match self.basis {
            Closes::Own => "",
            Closes::AdjustedBesideRaw => "adjusted ",
        };
        let Thresholds { entry, exit, top_n } = self.thresholds;
        let end = match self.selection {
            Selection::Selected { rank } => format!("rank {rank} of the best {top_n}"),
            Selection::BelowEntry => format!("an entry needs {entry}"),
            Selection::LowVolume => "its volume confirms no entry".to_owned(),
            Selection::Outranked { rank } => {
                format!("rank {rank}, and the best {top_n} are taken")
            }
            Selection::BelowExit => format!("to stay it needs {exit}"),
        };
        format!("{basis}close {close} is {ratio} of its {basis}high {high}; {end}")
    }

    /// Whether it is among the best N.
    #[must_use]
    pub const fn is_selected(&self) -> bool {
        matches!(self.selection, Selection::Selected { .. })
    }
}

/// A symbol whose history is too short to say anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warming {
    /// The symbol.
    pub symbol: Symbol,
    /// Sessions it has.
    pub sessions: usize,
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// Every symbol with enough history: first those that qualify, nearest to the high first, then
    /// the others by symbol.
    pub scanned: Vec<Scanned>,
    /// Symbols without enough history, by symbol: they have no signal.
    pub warming: Vec<Warming>,
}

/// Selects the symbols nearest to the high of the last 252 sessions.
///
/// A symbol that is not held qualifies at `close ≥ entry × high`; one that is held stays qualified
/// down to `close ≥ exit × high`, so that one hovering at the threshold is not bought and sold in
/// turns. Those that qualify are ranked by close over high, ties by symbol, and the best N selected.
/// Whoever is held and not selected gets an exit signal.
///
/// Assumes closes adjusted for splits and dividends. Undefined, and without a signal, before
/// `window` sessions. The scanner is told which symbols are held; it knows no account.
///
/// # Examples
/// ```
/// use std::collections::BTreeSet;
///
/// use atlas_core::{DecisionId, Symbol};
/// use atlas_strategy::History;
/// use atlas_strategy::momentum::High52Params;
///
/// let (near, far): (Symbol, Symbol) = ("NEAR".parse()?, "FAR".parse()?);
/// let scanner = High52Params { window: 3, ..High52Params::default() }.check()?;
/// let histories = [
///     History::of_closes(&far, &[100.0, 90.0, 80.0]),
///     History::of_closes(&near, &[100.0, 90.0, 95.0]),
/// ];
/// let as_of = "2019-01-02".parse()?;
/// let scan = scanner.scan(&histories, &BTreeSet::new(), DecisionId(1), as_of)?;
/// assert!(scan.scanned[0].is_selected());
/// assert_eq!(scan.scanned[0].signal.symbol, near);
/// assert_eq!(scan.scanned[1].reason(), "close 80 is 0.8 of its high 100; an entry needs 0.9");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct High52 {
    params: High52Params,
}

impl High52 {
    /// The name its signals carry.
    pub const NAME: &'static str = "high52";

    /// Its parameters.
    #[must_use]
    pub const fn params(&self) -> &High52Params {
        &self.params
    }

    /// How near a symbol is to its high at its last session, `None` during warm-up.
    #[must_use]
    pub fn proximity(&self, history: &History<'_>) -> Option<Proximity> {
        let high = history.highest(self.params.window)?;
        Some(Proximity { close: *history.closes().last()?, high })
    }

    /// Scans histories that all end at `as_of`.
    ///
    /// # Errors
    /// [`Error::Name`] if a signal cannot be named; no other.
    pub fn scan(
        &self,
        histories: &[History<'_>],
        held: &BTreeSet<Symbol>,
        decision: DecisionId,
        as_of: NaiveDate,
    ) -> Result<Scan, Error> {
        let mut rows = Vec::with_capacity(histories.len());
        let mut warming = Vec::new();
        for history in histories {
            match self.proximity(history) {
                Some(proximity) => {
                    rows.push(self.look(history, proximity, held.contains(history.symbol())));
                }
                None => warming
                    .push(Warming { symbol: history.symbol().clone(), sessions: history.len() }),
            }
        }
        warming.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        rows.sort_by(Row::compare);
        self.rank(&mut rows);
        let signal = |row| self.scanned(row, decision, as_of);
        let scanned = rows.iter().map(signal).collect::<Result<_, _>>()?;
        Ok(Scan { scanned, warming })
    }

    fn look<'a>(&self, history: &History<'a>, proximity: Proximity, held: bool) -> Row<'a> {
        let ratio = proximity.ratio();
        let selection = if held {
            (ratio < self.params.exit).then_some(Selection::BelowExit)
        } else if ratio < self.params.entry {
            Some(Selection::BelowEntry)
        } else {
            let confirmed = self.params.volume.is_none_or(|rule| confirms(rule, history));
            (!confirmed).then_some(Selection::LowVolume)
        };
        Row { symbol: history.symbol(), proximity, held, selection, basis: history.basis() }
    }

    /// Gives those that qualify their rank.
    fn rank(&self, rows: &mut [Row<'_>]) {
        for (index, row) in rows.iter_mut().take_while(|row| row.selection.is_none()).enumerate() {
            let rank = index + 1;
            row.selection = Some(if rank <= self.params.top_n {
                Selection::Selected { rank }
            } else {
                Selection::Outranked { rank }
            });
        }
    }

    fn scanned(
        &self,
        row: &Row<'_>,
        decision: DecisionId,
        as_of: NaiveDate,
    ) -> Result<Scanned, Error> {
        let Row { symbol, proximity, held, selection, basis } = *row;
        let selection = selection.unwrap_or(Selection::BelowEntry);
        let leaves = held && !matches!(selection, Selection::Selected { .. });
        let direction = if leaves { Direction::Exit } else { Direction::Long };
        let ratio = proximity.ratio();
        let signal = Signal {
            id: SignalId::new(&format!("{decision}-{}-{symbol}", Self::NAME))?,
            strategy: Self::NAME.to_owned(),
            symbol: symbol.clone(),
            direction,
            strength: ratio,
            as_of,
            evidence: vec![
                ("close".to_owned(), proximity.close),
                ("high".to_owned(), proximity.high),
                ("close_over_high".to_owned(), ratio),
                ("exit_level".to_owned(), self.params.exit * proximity.high),
            ],
        };
        let High52Params { entry, exit, top_n, .. } = self.params;
        let thresholds = Thresholds { entry, exit, top_n };
        Ok(Scanned { signal, proximity, selection, held, thresholds, basis })
    }
}

/// One symbol while it is ranked; `selection` is empty as long as it qualifies.
struct Row<'a> {
    symbol: &'a Symbol,
    proximity: Proximity,
    held: bool,
    selection: Option<Selection>,
    basis: Closes,
}

impl Row<'_> {
    /// Those that qualify first, nearest to the high first; then by symbol.
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let key = |row: &Self| row.selection.is_some();
        key(self).cmp(&key(other)).then_with(|| {
            let nearer = if self.selection.is_none() {
                other.proximity.ratio().total_cmp(&self.proximity.ratio())
            } else {
                std::cmp::Ordering::Equal
            };
            nearer.then_with(|| self.symbol.cmp(other.symbol))
        })
    }
}

/// Whether the last session's volume is large enough; unknown volume confirms nothing.
fn confirms(rule: VolumeRule, history: &History<'_>) -> bool {
    let Some((last, before)) = history.volume().and_then(<[f64]>::split_last) else { return false };
    let Some(start) = before.len().checked_sub(rule.window) else { return false };
    let window = &before[start..];
    // A mean of at most a few hundred sessions: the count is exact as f64.
    #[expect(clippy::cast_precision_loss, reason = "a window of sessions is far below 2^52")]
    let mean = window.iter().sum::<f64>() / rule.window as f64;
    *last >= rule.ratio * mean
}

/// [`High52::proximity`] session by session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct High52Stream {
    high: RollingMax,
}

impl High52Stream {
    /// One over the window of `scanner`.
    ///
    /// # Errors
    /// None but those of [`RollingMax::new`], which checked parameters exclude.
    pub fn new(scanner: &High52) -> Result<Self, Error> {
        Ok(Self { high: RollingMax::new(scanner.params.window)? })
    }

    /// Takes in one session; `high` is the close where highs are not known.
    pub fn push(&mut self, high: f64, close: f64) -> Option<Proximity> {
        self.high.push(high).map(|high| Proximity { close, high })
    }
}

const OWNER: &str = "52-week-high momentum";

#[cfg(test)]
mod tests;
