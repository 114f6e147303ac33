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

/// Sums samples up.
#[must_use]
pub fn summarize(samples: &[Sample]) -> Quality {
    let class = |keep: &dyn Fn(&Sample) -> bool| {
        summary(&samples.iter().filter(|sample| keep(sample)).collect::<Vec<_>>())
    };
    let mut quality = Quality { all: class(&|_| true), ..Quality::default() };
    for sample in samples {
        let symbol = &sample.symbol;
        if !quality.by_symbol.contains_key(symbol) {
            quality.by_symbol.insert(symbol.clone(), class(&|s| s.symbol == *symbol));
        }
        let hour = sample.hour;
        quality.by_hour.entry(hour).or_insert_with(|| class(&|s| s.hour == hour));
        let size = size_of(sample.notional);
        quality.by_size.entry(size).or_insert_with(|| class(&|s| size_of(s.notional) == size));
    }
    quality
}

fn size_of(notional: Usd) -> SizeClass {
    match notional.to_f64() {
        amount if amount < 1e3 => SizeClass::Small,
        amount if amount < 1e4 => SizeClass::Medium,
        amount if amount < 1e5 => SizeClass::Large,
        _ => SizeClass::Block,
    }
}

fn summary(samples: &[&Sample]) -> Summary {
    let weighed = |value: fn(&Sample) -> Option<f64>| {
        let known = samples.iter().filter_map(|s| Some((value(s)?, s.notional.to_f64())));
        let (sum, weight) = known.fold((0.0, 0.0), |(sum, all), (v, w)| (sum + v * w, all + w));
        (weight > 0.0).then(|| sum / weight)
    };
    let (mut fills, mut seconds) = (0_u32, 0.0);
    for sample in samples {
        fills += 1;
        seconds += sample.time_to_fill.as_seconds_f64();
    }
    Summary {
        fills: fills.into(),
        notional: samples.iter().map(|sample| sample.notional.to_f64()).sum(),
        slippage_bps: weighed(|sample| sample.slippage_bps),
        shortfall_bps: weighed(|sample| sample.shortfall_bps),
        seconds_to_fill: (fills > 0).then(|| seconds / f64::from(fills)),
    }
}
