//! A strategy of your own in five steps; docs/STRATEGIES.md walks through them.
//!
//! `cargo run -p atlas-examples --example write_a_strategy`
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use anyhow::{Context, Result, ensure};
use atlas_core::signal::Direction;
use atlas_core::{DecisionId, Symbol};
use atlas_data::{BarSource, SampleSource, Series, Universe};
use atlas_strategy::filter::{Filtered, MomentumFilter};
use atlas_strategy::indicator::{Ema, Indicator, Ohlcv};
use atlas_strategy::{Error, Opinion, Strategy, opinions};

/// Step 1: a struct with the indicators it needs, made by a constructor that refuses nonsense.
struct AboveTrend {
    n: usize,
    trend: Ema,
    last: Option<f64>,
}

impl AboveTrend {
    fn new(n: usize) -> Result<Self, Error> {
        Ok(Self { n, trend: Ema::new(n)?, last: None })
    }
}

impl Strategy for AboveTrend {
    /// Step 2: the word its signals carry.
    fn name(&self) -> &'static str {
        "above-trend"
    }

    /// Step 3: the bars it needs before it can have an opinion.
    fn warm_up(&self) -> usize {
        self.n + 1
    }

    /// Step 4: one closed bar in, an opinion out, with the numbers it rests on. Undefined is `None`.
    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        let trend = self.trend.push(bar.close)?;
        let rising = trend > self.last.replace(trend)?;
        let gap = bar.close / trend - 1.0;
        let long = gap > 0.0 && rising;
        Some(Opinion {
            direction: if long { Direction::Long } else { Direction::Exit },
            strength: gap.abs(),
            confidence: (10.0 * gap.abs()).min(1.0),
            horizon: 20,
            stop: long.then_some(trend),
            target: None,
            evidence: [("close", bar.close), ("trend", trend)].into(),
        })
    }
}

fn main() -> Result<()> {
    let symbol: Symbol = "AAPL".parse()?;
    let (bars, dates) = bars_of(&symbol)?;

    // Filters go around any strategy; exits always pass.
    let make = || -> Result<_, Error> {
        Ok(Filtered::new(AboveTrend::new(50)?, MomentumFilter::new(20)?))
    };
    let seen = opinions(&mut make()?, &bars);

    // Step 5: what it said of the past must not change once the future is known, and it keeps quiet
    // while it warms up.
    let cut = bars.len() / 2;
    ensure!(opinions(&mut make()?, &bars[..cut]) == seen[..cut], "it looks ahead");
    let warm_up = make()?.warm_up();
    ensure!(seen[..warm_up - 1].iter().all(Option::is_none), "it speaks before it can know");

    let long = seen.iter().flatten().filter(|said| said.direction == Direction::Long).count();
    println!("{symbol}: {} bars, long on {long}", bars.len());
    let last = seen.last().and_then(Option::as_ref);
    if let (Some(opinion), Some(as_of)) = (last, dates.last()) {
        let signal = opinion.signal("above-trend", &symbol, DecisionId(1), *as_of)?;
        println!("{}: {:?} {:?}", signal.id, signal.direction, signal.evidence);
    }
    Ok(())
}

/// The bundled raw bars of a symbol, and their dates.
fn bars_of(symbol: &Symbol) -> Result<(Vec<Ohlcv>, Vec<chrono::NaiveDate>)> {
    let market = SampleSource.load(&Universe::resolve(Some("sample-ohlc"), &SampleSource)?)?;
    let series = market.series.get(symbol).context("the sample holds no such symbol")?;
    let Series::Raw(bars) = series else { anyhow::bail!("{symbol} has no raw bars") };
    let columns = bars.columns();
    let bar = |row: usize| Ohlcv {
        open: columns.open[row],
        high: columns.high[row],
        low: columns.low[row],
        close: columns.close[row],
        volume: columns.volume[row],
    };
    Ok(((0..columns.dates.len()).map(bar).collect(), columns.dates.clone()))
}
