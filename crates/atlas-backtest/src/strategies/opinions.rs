//! What a strategy that watches symbols one by one thinks of each at every decision.

use std::collections::BTreeMap;

use atlas_core::signal::Direction;
use atlas_core::{Adjusted, Bars, Symbol};
use atlas_data::MarketData;
use atlas_engine::select::{Choice, Look, Selector};
use atlas_strategy::indicator::Ohlcv;
use atlas_strategy::strat::Quality;
use atlas_strategy::{Opinion, Strategy as _};
use chrono::NaiveDate;

use super::{StrategySpec, make};
use crate::Error;

/// Opinions at the decisions' sessions, by symbol; made bar by bar, so that each rests on its
/// session and the past alone.
#[derive(Debug)]
pub(crate) struct Opinions {
    spec: StrategySpec,
    name: &'static str,
    warm_up: usize,
    top_n: usize,
    by_symbol: BTreeMap<Symbol, Vec<Standing>>,
}

/// An opinion that stands at a session, and why if it is not the strategy's latest word.
#[derive(Debug, Clone, PartialEq)]
struct Standing {
    as_of: NaiveDate,
    close: f64,
    opinion: Opinion,
    /// Why a long opinion is over although the strategy has said nothing since.
    over: Option<&'static str>,
}

impl Opinions {
    /// Runs the strategy over every series in adjusted prices, keeping what stands at the given
    /// sessions, which are in order.
    pub(crate) fn of(
        market: &MarketData,
        spec: &StrategySpec,
        top_n: usize,
        sessions: &[NaiveDate],
    ) -> Result<Self, Error> {
        let first = make::strategy(spec)?;
        let mut by_symbol = BTreeMap::new();
        for (symbol, series) in &market.series {
            let broken = |source| Error::Data {
                as_of: sessions.first().copied().unwrap_or_default(),
                source: Box::new(source),
            };
            let bars = series.adjusted().map_err(broken)?;
            by_symbol.insert(symbol.clone(), watch(make::strategy(spec)?, &bars, sessions));
        }
        let (name, warm_up) = (first.name(), first.warm_up());
        Ok(Self { spec: spec.clone(), name, warm_up, top_n, by_symbol })
    }

    /// Sessions a symbol needs before the strategy can say anything.
    pub(crate) fn warm_up(spec: &StrategySpec) -> Result<usize, Error> {
        Ok(make::strategy(spec)?.warm_up())
    }

    fn standing(&self, symbol: &Symbol, as_of: NaiveDate) -> Option<&Standing> {
        let all = self.by_symbol.get(symbol)?;
        let at = all.binary_search_by_key(&as_of, |standing| standing.as_of).ok()?;
        all.get(at)
    }
}

/// Goes through the bars; an opinion stands until another comes, its horizon has passed, or the
/// close has reached its stop or target.
fn watch(
    mut strategy: make::Watcher,
    bars: &Bars<Adjusted>,
    sessions: &[NaiveDate],
) -> Vec<Standing> {
    let columns = bars.columns();
    let mut kept = Vec::new();
    let mut wanted = sessions.iter().peekable();
    let mut last: Option<(Opinion, u32, Option<&'static str>)> = None;
    for (row, (date, close)) in columns.dates.iter().zip(&columns.close).enumerate() {
        let of = |column: &[f64]| column.get(row).copied();
        let bar = Ohlcv {
            open: of(&columns.open).unwrap_or(*close),
            high: of(&columns.high).unwrap_or(*close),
            low: of(&columns.low).unwrap_or(*close),
            close: *close,
            // No strategy that can be named reads volume.
            volume: of(&columns.volume).unwrap_or(0.0),
        };
        match (strategy.push(&bar), last.as_mut()) {
            (Some(opinion), _) => last = Some((opinion, 0, None)),
            (None, Some((opinion, age, over))) => {
                *age += 1;
                *over = over.or_else(|| ended(opinion, *age, *close));
            }
            (None, None) => {}
        }
        while wanted.next_if(|session| **session < *date).is_some() {}
        if wanted.next_if(|session| **session == *date).is_some()
            && let Some((opinion, _, over)) = &last
        {
            let (opinion, over) = (opinion.clone(), *over);
            kept.push(Standing { as_of: *date, close: *close, opinion, over });
        }
    }
    kept
}

/// Why a long opinion no longer stands.
fn ended(opinion: &Opinion, age: u32, close: f64) -> Option<&'static str> {
    if opinion.direction == Direction::Exit {
        return None;
    }
    if opinion.stop.is_some_and(|stop| close <= stop) {
        Some("its stop was reached")
    } else if opinion.target.is_some_and(|target| close >= target) {
        Some("its target was reached")
    } else if age >= opinion.horizon {
        Some("its time has passed")
    } else {
        None
    }
}

/// What the selector makes of a symbol before ranks are known.
#[expect(clippy::struct_excessive_bools, reason = "held and long are questions of their own")]
struct Row<'a> {
    symbol: &'a Symbol,
    held: bool,
    long: bool,
    standing: &'a Standing,
    why: String,
}

impl Selector for Opinions {
    fn select(
        &self,
        look: &Look<'_>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Choice>, atlas_engine::Error> {
        let mut rows = Vec::new();
        let mut silent = 0_usize;
        for history in look.histories {
            let symbol = history.symbol();
            match self.standing(symbol, look.as_of) {
                Some(standing) => {
                    let held = look.held.contains(symbol);
                    let (long, why) = self.verdict(standing, look);
                    rows.push(Row { symbol, held, long, standing, why });
                }
                None => silent += 1,
            }
        }
        if silent > 0 {
            let (name, needed) = (self.name, self.warm_up);
            notes.push(format!(
                "{name} has no opinion on {silent} symbols yet; it needs {needed} sessions"
            ));
        }
        // What is held stays before what is new, so that ranks alone cause no trading.
        rows.sort_by(|a, b| {
            let strength = |row: &Row<'_>| row.standing.opinion.strength;
            let rank = |row: &Row<'_>| (!row.long, !row.held);
            rank(a)
                .cmp(&rank(b))
                .then_with(|| strength(b).total_cmp(&strength(a)))
                .then_with(|| a.symbol.cmp(b.symbol))
        });
        let speaking = rows.into_iter().filter(|row| row.long || row.held);
        speaking.enumerate().map(|(at, row)| self.choice(at + 1, row, look)).collect()
    }
}

impl Opinions {
    /// Whether the symbol qualifies, and why.
    fn verdict(&self, standing: &Standing, look: &Look<'_>) -> (bool, String) {
        let Standing { opinion, over, .. } = standing;
        let numbers: Vec<String> = opinion
            .evidence
            .iter()
            .map(|(name, value)| format!("{name} {}", (value * 1e4).round() / 1e4))
            .collect();
        let numbers = numbers.join(", ");
        if opinion.direction == Direction::Exit {
            return (false, format!("{} says leave: {numbers}", self.name));
        }
        if let Some(over) = over {
            return (false, format!("{} is over, {over}: {numbers}", self.name));
        }
        if self.spec.name() == "strat" && Quality::of(look.regime, true) == Quality::Rejected {
            let regime = look.regime;
            return (false, format!("a bullish pattern against the {regime} regime: {numbers}"));
        }
        (true, format!("{} says hold: {numbers}", self.name))
    }

    fn choice(
        &self,
        rank: usize,
        row: Row<'_>,
        look: &Look<'_>,
    ) -> Result<Choice, atlas_engine::Error> {
        let Row { symbol, held, long, standing, why } = row;
        let selected = long && rank <= self.top_n;
        let mut signal = standing.opinion.signal(self.name, symbol, look.decision, look.as_of)?;
        signal.direction = if held && !selected { Direction::Exit } else { Direction::Long };
        let top_n = self.top_n;
        let reason = match (long, selected) {
            (true, true) => format!("{why}; rank {rank} of the best {top_n}"),
            (true, false) => format!("{why}; rank {rank}, and the best {top_n} are taken"),
            (false, _) => why,
        };
        let stop = standing.opinion.stop.map_or(1.0, |stop| 1.0 - stop / standing.close);
        Ok(Choice { signal, selected, stop, reason })
    }
}
