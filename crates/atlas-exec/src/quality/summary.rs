//! Many fills in a few numbers.

use std::collections::BTreeMap;

use atlas_core::{Symbol, Usd};
use serde::Serialize;

use super::Sample;

/// Many samples in a few numbers; means weigh by notional.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Summary {
    /// Fills.
    pub fills: u64,
    /// Dollars traded, for weighing.
    pub notional: f64,
    /// Mean slippage in basis points; `None` if no fill has one.
    pub slippage_bps: Option<f64>,
    /// Mean shortfall in basis points; `None` if no fill has one.
    pub shortfall_bps: Option<f64>,
    /// Mean time to fill in seconds, each fill counting the same; `None` without fills.
    pub seconds_to_fill: Option<f64>,
}

/// How large a fill is; edges in USD belong to the larger class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeClass {
    /// Below 1 000.
    Small,
    /// 1 000 to 10 000.
    Medium,
    /// 10 000 to 100 000.
    Large,
    /// 100 000 and more.
    Block,
}

impl SizeClass {
    /// The class in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "below $1 000",
            Self::Medium => "below $10 000",
            Self::Large => "below $100 000",
            Self::Block => "$100 000 and up",
        }
    }
}

/// Summaries over all fills and by what they have in common.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Quality {
    /// Over all fills.
    pub all: Summary,
    /// By symbol.
    pub by_symbol: BTreeMap<Symbol, Summary>,
    /// By hour of the day in New York, 0 to 23.
    pub by_hour: BTreeMap<u32, Summary>,
    /// By size.
    pub by_size: BTreeMap<SizeClass, Summary>,
}

/// Sums samples up, in one pass.
#[must_use]
pub fn summarize(samples: &[Sample]) -> Quality {
    let mut all = Sum::default();
    let (mut symbols, mut hours, mut sizes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for sample in samples {
        all.add(sample);
        symbols.entry(sample.symbol.clone()).or_insert_with(Sum::default).add(sample);
        hours.entry(sample.hour).or_insert_with(Sum::default).add(sample);
        sizes.entry(size_of(sample.notional)).or_insert_with(Sum::default).add(sample);
    }
    Quality {
        all: all.summary(),
        by_symbol: summaries(&symbols),
        by_hour: summaries(&hours),
        by_size: summaries(&sizes),
    }
}

fn summaries<K: Ord + Clone>(sums: &BTreeMap<K, Sum>) -> BTreeMap<K, Summary> {
    sums.iter().map(|(key, sum)| (key.clone(), sum.summary())).collect()
}

fn size_of(notional: Usd) -> SizeClass {
    match notional.to_f64() {
        amount if amount < 1e3 => SizeClass::Small,
        amount if amount < 1e4 => SizeClass::Medium,
        amount if amount < 1e5 => SizeClass::Large,
        _ => SizeClass::Block,
    }
}

/// What a mean is made of: values times weights, and weights.
#[derive(Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, value: Option<f64>, weight: f64) {
        if let Some(value) = value {
            self.sum += value * weight;
            self.weight += weight;
        }
    }

    fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

#[derive(Default)]
struct Sum {
    fills: u64,
    notional: f64,
    slippage: Mean,
    shortfall: Mean,
    seconds: Mean,
}

impl Sum {
    fn add(&mut self, sample: &Sample) {
        let notional = sample.notional.to_f64();
        self.fills += 1;
        self.notional += notional;
        self.slippage.add(sample.slippage_bps, notional);
        self.shortfall.add(sample.shortfall_bps, notional);
        self.seconds.add(Some(sample.time_to_fill.as_seconds_f64()), 1.0);
    }

    fn summary(&self) -> Summary {
        Summary {
            fills: self.fills,
            notional: self.notional,
            slippage_bps: self.slippage.value(),
            shortfall_bps: self.shortfall.value(),
            seconds_to_fill: self.seconds.value(),
        }
    }
}
