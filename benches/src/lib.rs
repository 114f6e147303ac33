//! Inputs shared by the benches: seeded, without files.

#![expect(clippy::expect_used, reason = "made from constants")]

use atlas_core::bars::Columns;
use atlas_core::calendar::Calendar;
use atlas_core::{Adjusted, Bars, Symbol};
use chrono::NaiveDate;

/// Made-up daily series of many symbols, an index and a VIX.
#[derive(Debug)]
pub struct Market {
    /// Sessions of every series.
    pub dates: Vec<NaiveDate>,
    /// One close-only series a symbol.
    pub bars: Vec<Bars<Adjusted>>,
    /// Closes of the index.
    pub index: Vec<f64>,
    /// Closes of the VIX.
    pub vix: Vec<f64>,
}

/// A market of `symbols` random walks over the `sessions` NYSE sessions from 2005 on; the same
/// arguments give the same market.
///
/// # Panics
/// If the calendar has fewer sessions.
#[must_use]
pub fn market(symbols: usize, sessions: usize) -> Market {
    let nyse = Calendar::nyse();
    let first = NaiveDate::from_ymd_opt(2005, 1, 3).expect("a date");
    let all = nyse.sessions(first, Calendar::LAST).expect("within the calendar");
    let dates: Vec<NaiveDate> = all.take(sessions).map(|session| session.date).collect();
    assert_eq!(dates.len(), sessions, "the calendar is too short");
    let bars = (0..symbols).map(|symbol| {
        let name = format!("S{symbol:03}");
        let columns = Columns {
            dates: dates.clone(),
            close: walk(symbol as u64 + 1, sessions, 0.015, 0.0004),
            ..Columns::default()
        };
        Bars::new(Symbol::new(&name).expect("a symbol"), columns).expect("bars in order")
    });
    Market {
        bars: bars.collect(),
        index: walk(1_000_001, sessions, 0.01, 0.0003),
        vix: vec![18.0; sessions],
        dates,
    }
}

/// A geometric random walk from 100 with uniform steps of standard deviation `sigma` around `drift`.
#[must_use]
pub fn walk(seed: u64, len: usize, sigma: f64, drift: f64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut price = 100.0;
    // The width of a uniform distribution is its standard deviation times the root of twelve.
    let width = sigma * 12.0_f64.sqrt();
    let mut step = || {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
        let uniform = (z >> 11) as f64 / 9_007_199_254_740_992.0;
        price *= 1.0 + drift + width * (uniform - 0.5);
        price
    };
    (0..len).map(|_| step()).collect()
}
