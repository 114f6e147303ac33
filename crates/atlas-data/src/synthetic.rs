//! Invented bars from a seed, for studies and tests.

use std::collections::BTreeMap;

use atlas_core::bars::Columns;
use atlas_core::calendar::Calendar;
use atlas_core::{Bars, Symbol};
use chrono::NaiveDate;

use crate::Error;
use crate::file::Digester;
use crate::levels::Levels;
use crate::market::{MarketData, SourceInfo};
use crate::rows::INDEX_SYMBOL;
use crate::series::Series;
use crate::source::BarSource;
use crate::universe::Universe;

/// Invented bars: a market that changes between a calm and a stressed state, and stocks that
/// follow it. The same settings give the same bytes on every machine.
///
/// Symbols are `SYN001`, `SYN002`, …; each has its own stream of numbers, so that a stock does not
/// change when others are added. The index starts at 1 000 points and moves by the logarithmic
/// return `m + s z`, with `z` standard normal, `m` and `s` +0.06 % and 0.7 % a session in the calm
/// state, −0.15 % and 2.2 % in the stressed one; a state lasts 100 and 25 sessions on average. A
/// stock moves by a beta between 0.5 and 1.5 times that, plus 1.2 % of its own. The VIX is the
/// state's volatility per year times noise, the rate a slow walk between 0 and 8 %.
///
/// # Examples
///
/// ```
/// use atlas_data::{BarSource, SyntheticSource, Universe};
///
/// let source = SyntheticSource::seeded(7);
/// let all = Universe::resolve(None, &source)?;
/// let (once, again) = (source.load(&all)?, source.load(&all)?);
/// assert_eq!(once, again);
/// assert_ne!(once.index, SyntheticSource::seeded(8).load(&all)?.index);
/// # Ok::<(), atlas_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticSource {
    /// Chooses the numbers.
    pub seed: u64,
    /// Number of stocks, 1 to 999.
    pub stocks: u16,
    /// First date, inside of the calendar.
    pub from: NaiveDate,
    /// Last date, inside of the calendar.
    pub to: NaiveDate,
}

impl SyntheticSource {
    /// Twenty stocks from 2005-01-03 to 2024-12-31.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        const FROM: NaiveDate = NaiveDate::from_ymd_opt(2005, 1, 3).expect("a date");
        const TO: NaiveDate = NaiveDate::from_ymd_opt(2024, 12, 31).expect("a date");
        Self { seed, stocks: 20, from: FROM, to: TO }
    }

    fn symbols(&self) -> Result<Vec<Symbol>, Error> {
        if !(1..=999).contains(&self.stocks) {
            return Err(Error::Setting {
                what: "number of synthetic stocks",
                value: self.stocks.to_string(),
                range: "give 1 to 999",
            });
        }
        let symbol = |number| Symbol::new(&format!("SYN{number:03}"));
        Ok((1..=self.stocks).map(symbol).collect::<Result<_, _>>()?)
    }

    fn dates(&self) -> Result<Vec<NaiveDate>, Error> {
        let sessions = Calendar::nyse().sessions(self.from, self.to)?;
        let dates: Vec<NaiveDate> = sessions.map(|session| session.date).collect();
        if dates.is_empty() {
            return Err(Error::Setting {
                what: "range of synthetic dates",
                value: format!("{} to {}", self.from, self.to),
                range: "it must hold at least one session",
            });
        }
        Ok(dates)
    }

    /// The stream of numbers of one stock, or of the market (zero).
    fn numbers(&self, stream: u64) -> Numbers {
        let mut mixer = Numbers(self.seed);
        Numbers(mixer.next().wrapping_add(stream.wrapping_mul(0xD1B5_4A32_D192_ED03)))
    }
}

impl BarSource for SyntheticSource {
    fn name(&self) -> String {
        format!("synthetic:{}", self.seed)
    }

    fn universes(&self) -> Result<Vec<Universe>, Error> {
        Ok(vec![Universe::named("all", self.symbols()?)])
    }

    fn load(&self, universe: &Universe) -> Result<MarketData, Error> {
        let dates = self.dates()?;
        let market = Market::draw(&mut self.numbers(0), dates.len());
        let known = self.symbols()?;
        let mut series = BTreeMap::new();
        for symbol in universe.symbols() {
            let Some(stream) = known.iter().zip(1..).find(|(known, _)| *known == symbol) else {
                return Err(crate::universe::unknown_symbol(symbol.clone(), self.name(), &known));
            };
            let columns = stock(&mut self.numbers(stream.1), &dates, &market.log_returns);
            series.insert(symbol.clone(), Series::Raw(Bars::new(symbol.clone(), columns)?));
        }
        let index = Columns { dates: dates.clone(), close: market.index, ..Columns::default() };
        let mut digester = Digester::default();
        digester.update(format!("{self:?}").as_bytes());
        Ok(MarketData {
            series,
            index: Bars::new(Symbol::new(INDEX_SYMBOL)?, index)?,
            vix: Some(Levels::new("the VIX", dates.clone(), market.vix)?),
            rate: Some(Levels::new("the rate", dates, market.rate)?),
            source: SourceInfo {
                name: self.name(),
                sha256: digester.finish(),
                notes: vec!["All numbers are invented.".to_owned()],
            },
        })
    }
}

/// The state of the market on one session.
#[derive(Clone, Copy)]
struct State {
    /// Mean logarithmic return a session.
    mean: f64,
    /// Standard deviation of the logarithmic return a session.
    deviation: f64,
    /// Probability of the other state on the next session.
    leaving: f64,
}

const CALM: State = State { mean: 0.0006, deviation: 0.007, leaving: 0.01 };
const STRESSED: State = State { mean: -0.0015, deviation: 0.022, leaving: 0.04 };

/// Series of the market as a whole, a row a session.
struct Market {
    log_returns: Vec<f64>,
    index: Vec<f64>,
    vix: Vec<f64>,
    rate: Vec<f64>,
}

impl Market {
    fn draw(numbers: &mut Numbers, sessions: usize) -> Self {
        let (mut state, mut other) = (CALM, STRESSED);
        let (mut level, mut rate) = (1_000.0, 3.0_f64);
        let mut market = Self { log_returns: vec![], index: vec![], vix: vec![], rate: vec![] };
        for _ in 0..sessions {
            if numbers.uniform() < state.leaving {
                std::mem::swap(&mut state, &mut other);
            }
            let log_return = state.mean + state.deviation * numbers.normal();
            level = rounded(level * libm::exp(log_return));
            rate = (rate + 0.02 * numbers.normal()).clamp(0.0, 8.0);
            let per_year = 100.0 * state.deviation * libm::sqrt(252.0);
            market.log_returns.push(log_return);
            market.index.push(level);
            market.vix.push(rounded(per_year * libm::exp(0.1 * numbers.normal())));
            market.rate.push(libm::round(rate * 100.0) / 100.0);
        }
        market
    }
}

/// Bars of one stock.
fn stock(numbers: &mut Numbers, dates: &[NaiveDate], market: &[f64]) -> Columns {
    let beta = 0.5 + numbers.uniform();
    let mut close = rounded(20.0 + 180.0 * numbers.uniform());
    let usual_volume = 1e6 * (1.0 + 9.0 * numbers.uniform());
    let mut columns = Columns { dates: dates.to_vec(), ..Columns::default() };
    for log_return in market {
        let own = 0.012 * numbers.normal();
        let open = rounded(close * libm::exp(0.004 * numbers.normal()));
        close = rounded(close * libm::exp(beta * log_return + own));
        let reach = |numbers: &mut Numbers| libm::exp(0.006 * numbers.normal().abs());
        columns.high.push(rounded(open.max(close) * reach(numbers)).max(open.max(close)));
        columns.low.push(rounded(open.min(close) / reach(numbers)).min(open.min(close)));
        columns.open.push(open);
        columns.close.push(close);
        columns.volume.push(libm::round(usual_volume * libm::exp(0.3 * numbers.normal())));
    }
    columns
}

/// A price in whole cents, at least one and at most ten million dollars.
fn rounded(price: f64) -> f64 {
    (libm::round(price * 100.0) / 100.0).clamp(0.01, 1e7)
}

/// A stream of numbers that look random: `SplitMix64`.
///
/// Source: Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014,
/// figure 17 with the constants of the reference code.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Evenly spread over the open interval from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "52 bits and a half fit an f64 exactly")]
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0
    }

    /// Standard normal, by the method of Box and Muller (1958).
    fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(self.uniform()));
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Needs;

    fn load(source: SyntheticSource, spec: Option<&str>) -> MarketData {
        source.load(&Universe::resolve(spec, &source).unwrap()).unwrap()
    }

    #[test]
    fn is_fit_to_decide_on() {
        let source = SyntheticSource::seeded(1);
        let market = load(source, None);
        assert_eq!(market.series.len(), 20);
        let needs = Needs { vix: Some(252), rate: true, ..Needs::new(252, 1_000) };
        let view = market.as_of(source.to, &needs).unwrap();
        assert!(view.rate.is_some() && view.vix.is_some());
    }

    #[test]
    fn a_stock_does_not_depend_on_others() {
        let few = load(SyntheticSource { stocks: 5, ..SyntheticSource::seeded(3) }, Some("SYN004"));
        let many = load(SyntheticSource { stocks: 50, ..SyntheticSource::seeded(3) }, None);
        let symbol = Symbol::new("SYN004").unwrap();
        assert_eq!(few.series[&symbol], many.series[&symbol]);
        assert_eq!(few.index, many.index);
    }

    /// Held so that a study can be repeated: these numbers may not change.
    #[test]
    fn a_seed_means_the_same_for_ever() {
        let market = load(SyntheticSource::seeded(42), Some("SYN001"));
        let index = market.index.view();
        let stock = market.series.values().next().unwrap().view();
        assert_eq!(&index.close()[..3], &[998.5, 996.13, 991.87]);
        assert_eq!(stock.close().last(), Some(&56.06));
    }

    #[test]
    fn nonsense_is_refused() {
        let none = SyntheticSource { stocks: 0, ..SyntheticSource::seeded(1) };
        assert!(none.universes().unwrap_err().to_string().contains("give 1 to 999"));
        let source = SyntheticSource::seeded(1);
        let backwards = SyntheticSource { from: source.to, to: source.from, ..source };
        let universe = Universe::resolve(None, &source).unwrap();
        assert!(backwards.load(&universe).is_err());
    }
}
