//! One fast run.

use atlas_core::Side;
use serde::{Deserialize, Serialize};

use super::figures::{BLOCK, Curve};
use super::{BarStrategy, Figures, FixedSeries, Stance, Trading};
use crate::Error;

/// One fill of a fast run; money in millionths of a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FastFill {
    /// Number of the bar it happened in.
    pub bar: usize,
    /// Which way.
    pub side: Side,
    /// Shares.
    pub shares: i64,
    /// Price a share, slippage included.
    pub price: i64,
    /// The broker's charge.
    pub fee: i64,
}

/// One fast run with everything it made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FastReport {
    /// Every fill, oldest first.
    pub fills: Vec<FastFill>,
    /// Equity at each close, in millionths of a dollar.
    pub equity: Vec<i64>,
    /// What it amounts to.
    pub figures: Figures,
}

/// Runs a strategy on a series, keeping every fill and the whole curve. What is held at the end
/// is marked at the last close.
///
/// # Errors
/// [`Error::Parameter`] if cash could run out: this path does not model that.
///
/// # Examples
/// ```
/// use atlas_backtest::fast::{FixedSeries, SmaCross, TradingSpec, random_walk, run};
/// use atlas_core::Bps;
///
/// let series = FixedSeries::new(None, random_walk(1, 5_000))?;
/// let (fee, slippage) = (Bps::from_int(10), Bps::from_int(5));
/// let spec = TradingSpec { cash: "1000000000".parse()?, shares: 10, fee, slippage };
/// let report = run(&series, &SmaCross::new(10, 30)?, &spec.check()?)?;
/// assert_eq!(report.fills.len(), 194);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn run<S: BarStrategy>(
    series: &FixedSeries,
    strategy: &S,
    trading: &Trading,
) -> Result<FastReport, Error> {
    let kept = Kept { fills: Vec::new(), equity: Vec::with_capacity(series.len()) };
    let (kept, figures) = play(series, strategy, trading, kept)?;
    Ok(FastReport { fills: kept.fills, equity: kept.equity, figures })
}

/// Runs a strategy on a series for its figures alone; nothing is allocated for a bar or a fill.
///
/// # Errors
/// As [`run`].
pub fn summarize<S: BarStrategy>(
    series: &FixedSeries,
    strategy: &S,
    trading: &Trading,
) -> Result<Figures, Error> {
    Ok(play(series, strategy, trading, Nothing)?.1)
}

fn play<S: BarStrategy, K: Keep>(
    series: &FixedSeries,
    strategy: &S,
    trading: &Trading,
    kept: K,
) -> Result<(K, Figures), Error> {
    // A quarter on top of the dearest price covers slippage, fees and what the venue reserves.
    let mut book = Book {
        series,
        trading,
        cash: trading.cash,
        held: 0,
        paid: 0,
        next: 0,
        curve: Curve::from(trading.cash),
        figures: Figures {
            bars: series.len(),
            fills: 0,
            final_equity: trading.cash,
            fees: 0,
            slippage: 0,
            traded: 0,
            bars_held: 0,
            round_trips: 0,
            wins: 0,
            gained: 0,
            lost: 0,
            total_return: 0.0,
            max_drawdown: 0.0,
            max_drawdown_bars: 0,
            mean: None,
            deviation: None,
        },
        needed: series.dearest().saturating_mul(trading.shares).saturating_mul(5) / 4,
        short: false,
        kept,
    };
    strategy.changes(series, |bar, stance| book.act(bar + 1, stance));
    book.finish()
}

/// What is kept of a run.
trait Keep {
    fn fill(&mut self, fill: FastFill);
    fn equities(&mut self, equities: &[i64]);
    fn still(&mut self, equity: i64, bars: usize);
}

struct Kept {
    fills: Vec<FastFill>,
    equity: Vec<i64>,
}

impl Keep for Kept {
    fn fill(&mut self, fill: FastFill) {
        self.fills.push(fill);
    }

    #[inline]
    fn equities(&mut self, equities: &[i64]) {
        self.equity.extend_from_slice(equities);
    }

    fn still(&mut self, equity: i64, bars: usize) {
        self.equity.resize(self.equity.len() + bars, equity);
    }
}

struct Nothing;

impl Keep for Nothing {
    fn fill(&mut self, _: FastFill) {}
    #[inline]
    fn equities(&mut self, _: &[i64]) {}
    fn still(&mut self, _: i64, _: usize) {}
}

/// Cash, shares and curve while a run goes on.
struct Book<'a, K> {
    series: &'a FixedSeries,
    trading: &'a Trading,
    cash: i64,
    held: i64,
    /// Cash the present entry took.
    paid: i64,
    /// First bar whose close is not on the curve yet.
    next: usize,
    curve: Curve,
    figures: Figures,
    /// Cash an entry can need at the most.
    needed: i64,
    /// Whether an entry met less cash than that.
    short: bool,
    kept: K,
}

impl<K: Keep> Book<'_, K> {
    /// Acts in a bar on what was wanted after the one before.
    #[inline]
    fn act(&mut self, bar: usize, stance: Stance) {
        let Some(price) = self.series.prices().get(bar).copied() else { return };
        match (stance, self.held) {
            (Stance::Long, 0) => self.enter(bar, price),
            (Stance::Flat, 1..) => self.exit(bar, price),
            (Stance::Long | Stance::Flat, _) => {}
        }
    }

    fn enter(&mut self, bar: usize, market: i64) {
        if self.cash < self.needed {
            // The run is refused at its end.
            self.short = true;
            return;
        }
        self.draw(bar);
        let price = self.trading.fill_price(market, Side::Buy);
        // No fill outside of its bar, as the venue has it.
        let price = self.series.range(bar).map_or(price, |(_, high)| price.min(high));
        let shares = self.trading.shares;
        let (notional, fee) = self.fill(bar, Side::Buy, price, market);
        self.paid = notional + fee;
        self.cash -= self.paid;
        self.held = shares;
    }

    fn exit(&mut self, bar: usize, market: i64) {
        self.draw(bar);
        let price = self.trading.fill_price(market, Side::Sell);
        let price = self.series.range(bar).map_or(price, |(low, _)| price.max(low));
        let (notional, fee) = self.fill(bar, Side::Sell, price, market);
        let got = notional - fee;
        self.cash += got;
        self.held = 0;
        let gain = got - self.paid;
        self.figures.round_trips += 1;
        if gain > 0 {
            self.figures.wins += 1;
            self.figures.gained += gain;
        } else {
            self.figures.lost += gain;
        }
    }

    /// Books a fill; gives notional and fee.
    fn fill(&mut self, bar: usize, side: Side, price: i64, market: i64) -> (i64, i64) {
        let shares = self.trading.shares;
        let notional = price * shares;
        let fee = self.trading.fee(notional);
        let figures = &mut self.figures;
        figures.fills += 1;
        figures.fees += fee;
        figures.slippage += (price - market).abs() * shares;
        figures.traded += notional;
        self.kept.fill(FastFill { bar, side, shares, price, fee });
        (notional, fee)
    }

    /// Draws the curve up to the close before `bar`.
    fn draw(&mut self, bar: usize) {
        let (cash, held) = (self.cash, self.held);
        let closes = self.series.closes().get(self.next..bar).unwrap_or_default();
        self.next = bar;
        if held == 0 {
            // The bar of an exit changes equity; the others do not.
            let Some(rest) = closes.len().checked_sub(1) else { return };
            self.curve.push(cash);
            self.curve.stay(rest);
            self.kept.still(cash, closes.len());
            return;
        }
        self.figures.bars_held += closes.len();
        let mut equities = [0; BLOCK];
        for block in closes.chunks(BLOCK) {
            for (equity, close) in equities.iter_mut().zip(block) {
                // Checked when cash, shares and prices were: no sum of both leaves 64 bits.
                *equity = cash.wrapping_add(held.wrapping_mul(*close));
            }
            let drawn = equities.get(..block.len()).unwrap_or_default();
            self.curve.extend(drawn);
            self.kept.equities(drawn);
        }
    }

    fn finish(mut self) -> Result<(K, Figures), Error> {
        let bars = self.series.len();
        self.draw(bars);
        self.curve.end();
        if self.short {
            return Err(Error::Parameter {
                what: "cash",
                value: self.trading.spec().cash.to_string(),
                range: "enough for every entry at the dearest price and a quarter more",
            });
        }
        let last = self.series.closes().last().copied().unwrap_or(0);
        let equity = self.cash + self.held * last;
        let (mean, deviation) = self.curve.moments(bars.saturating_sub(1));
        #[expect(clippy::cast_precision_loss, reason = "the border to statistics")]
        let total_return = (equity - self.trading.cash) as f64 / self.trading.cash as f64;
        let figures = Figures {
            final_equity: equity,
            total_return,
            max_drawdown: -self.curve.deepest(),
            max_drawdown_bars: self.curve.longest(),
            mean,
            deviation,
            ..self.figures
        };
        Ok((self.kept, figures))
    }
}
