//! How backtests scale: 10³ to 10⁷ bars of one symbol, 1 to 10³ symbols of a portfolio.
//!
//! `cargo bench -p atlas-benches --bench scaling` prints processor time; with `-- --write FOLDER`
//! it draws `scaling-bars.svg` and `scaling-symbols.svg` there as well. Processor time of the
//! thread, the best of several runs, does not depend on what else the machine does.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use atlas_backtest::fast::{FixedSeries, SmaCross, Trading, TradingSpec, event, random_walk, run};
use atlas_backtest::{Backtest, Config, Schedule};
use atlas_core::bars::Columns;
use atlas_core::calendar::Calendar;
use atlas_core::time::Mode;
use atlas_core::{AccountName, Bars, Bps, DecisionId, Raw};
use atlas_data::{BarSource, MissingVix, ShortHistory, SyntheticSource, Universe};
use atlas_engine::Policy;
use atlas_regime::VixPolicy;
use atlas_risk::Profile;

/// What may fail in setting up.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A line of a chart: its name and colour, and nanoseconds of processor time by size.
type Line = (&'static str, &'static str, Vec<(f64, f64)>);

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let folder = words.iter().position(|word| word == "--write").and_then(|at| words.get(at + 1));
    let bars = [
        ("fast path, whole run", "#1f5fbf", fast()?),
        ("event path on the venue, whole run", "#c26a1a", events()?),
    ];
    let symbols = [("monthly 52-week momentum, 5 years, whole run", "#2e8b57", portfolio()?)];
    for (name, _, line) in bars.iter().chain(&symbols) {
        println!("{name}");
        for (size, nanos) in line {
            println!("  {size:>10} {:>14.0} ns, {:>9.1} ns each", nanos, nanos / size);
        }
    }
    if let Some(folder) = folder {
        let folder = Path::new(folder);
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("scaling-bars.svg"), chart("bars", &bars)?)?;
        std::fs::write(folder.join("scaling-symbols.svg"), chart("symbols", &symbols)?)?;
    }
    Ok(())
}

fn trading() -> Result<Trading> {
    let (fee, slippage) = (Bps::from_int(10), Bps::from_int(5));
    Ok(TradingSpec { cash: "1000000000".parse()?, shares: 10, fee, slippage }.check()?)
}

/// One symbol on the fast path, 10³ to 10⁷ bars, the curve and every fill kept.
fn fast() -> Result<Vec<(f64, f64)>> {
    let (trading, cross) = (trading()?, SmaCross::new(10, 30)?);
    let mut line = Vec::new();
    for power in 3..=7_u32 {
        let series = FixedSeries::new(None, random_walk(1, 10_usize.pow(power)))?;
        let nanos = best(5, || run(black_box(&series), &cross, &trading).map(drop))?;
        line.push((f64::from(10_u32.pow(power)), nanos));
    }
    Ok(line)
}

/// One symbol on the venue, as many sessions as the calendar has.
fn events() -> Result<Vec<(f64, f64)>> {
    let (trading, cross) = (trading()?, SmaCross::new(10, 30)?);
    let mut line = Vec::new();
    for sessions in [1_000_u16, 3_000, 10_000] {
        let bars = daily(sessions.into())?;
        let nanos = best(3, || event::run(&bars, &cross, &trading).map(drop))?;
        line.push((sessions.into(), nanos));
    }
    Ok(line)
}

/// The walk on consecutive sessions.
fn daily(sessions: usize) -> Result<Bars<Raw>> {
    let dates = Calendar::nyse().sessions(Calendar::FIRST, Calendar::LAST)?.take(sessions);
    #[expect(clippy::cast_precision_loss, reason = "prices below 2^53")]
    let close = random_walk(1, sessions).into_iter().map(|close| close as f64 / 1e6).collect();
    let dates = dates.map(|session| session.date).collect();
    Ok(Bars::new("WALK".parse()?, Columns { dates, close, ..Columns::default() })?)
}

/// The whole system on 1 to 10³ symbols.
fn portfolio() -> Result<Vec<(f64, f64)>> {
    let limits = Profile::Standard.limits().check()?;
    let account = AccountName::new("bench")?;
    let universe = "synthetic".to_owned();
    let mut policy = Policy::new(account, DecisionId(1), Mode::Replay, universe, limits);
    policy.detector.vix_missing = VixPolicy::CarryOn;
    let (from, to) = ("2018-01-02".parse()?, "2022-12-28".parse()?);
    let config = Config {
        missing_vix: MissingVix::Warn,
        short_history: ShortHistory::LeaveOut,
        ..Config::new(from, to, Schedule::Monthly, policy)
    };
    let mut line = Vec::new();
    for stocks in [1_u16, 10, 100, 1_000] {
        let source = SyntheticSource {
            stocks,
            from: "2012-01-03".parse()?,
            to: "2022-12-30".parse()?,
            ..SyntheticSource::seeded(1)
        };
        let market = source.load(&Universe::resolve(None, &source)?)?;
        let backtest = Backtest::new(&market)?;
        let nanos = best(2, || backtest.run(black_box(&config)).map(drop))?;
        line.push((stocks.into(), nanos));
    }
    Ok(line)
}

/// The least processor time of several runs, in nanoseconds.
fn best<E: Into<Box<dyn std::error::Error>>>(
    runs: usize,
    mut work: impl FnMut() -> std::result::Result<(), E>,
) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..runs {
        let before = processor_time()?;
        work().map_err(Into::into)?;
        least = least.min(processor_time()? - before);
    }
    Ok(least)
}

/// Nanoseconds this thread has run, as the kernel counts them.
fn processor_time() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().unwrap_or_default().parse()?)
}

/// A chart with both axes logarithmic: size along, processor time up.
fn chart(what: &str, lines: &[Line]) -> Result<String> {
    let points = || lines.iter().flat_map(|(_, _, line)| line.iter().copied());
    let decades = |pick: fn((f64, f64)) -> f64| {
        let logs = points().map(pick).map(f64::log10);
        let (low, high) =
            logs.fold((f64::MAX, f64::MIN), |(low, high), log| (low.min(log), high.max(log)));
        (low.floor(), high.ceil().max(low.floor() + 1.0))
    };
    let ((x0, x1), (y0, y1)) = (decades(|point| point.0), decades(|point| point.1));
    let x = |size: f64| 70.0 + (size.log10() - x0) / (x1 - x0) * 500.0;
    let y = |nanos: f64| 290.0 - (nanos.log10() - y0) / (y1 - y0) * 260.0;
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 600 360\" \
         font-family=\"sans-serif\" font-size=\"12\"><rect width=\"600\" height=\"360\" \
         fill=\"#fdfdfc\"/>",
    );
    let mut decade = y0;
    while decade <= y1 {
        let (at, label) = (y(10_f64.powf(decade)), time(decade));
        write!(
            out,
            "<line x1=\"70\" x2=\"570\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#dfe2e5\"/><text \
             x=\"64\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#6b7076\">{label}</text>",
            at + 4.0
        )?;
        decade += 1.0;
    }
    let mut decade = x0;
    while decade <= x1 {
        let at = x(10_f64.powf(decade));
        write!(
            out,
            "<text x=\"{at:.1}\" y=\"308\" text-anchor=\"middle\" fill=\"#6b7076\">10<tspan dy=\"-4\" \
             font-size=\"9\">{decade}</tspan></text>"
        )?;
        decade += 1.0;
    }
    for (number, (name, colour, line)) in lines.iter().enumerate() {
        let path: Vec<String> =
            line.iter().map(|(size, nanos)| format!("{:.1},{:.1}", x(*size), y(*nanos))).collect();
        write!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        )?;
        for (size, nanos) in line {
            write!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>",
                x(*size),
                y(*nanos)
            )?;
        }
        let at = 330 + 16 * number;
        write!(out, "<text x=\"70\" y=\"{at}\" fill=\"{colour}\">{name}</text>")?;
    }
    writeln!(
        out,
        "<text x=\"570\" y=\"326\" text-anchor=\"end\" fill=\"#6b7076\">{what}</text></svg>"
    )?;
    Ok(out)
}

/// A power of ten of nanoseconds in words.
fn time(decade: f64) -> String {
    let nanos = 10_f64.powf(decade);
    match nanos {
        n if n >= 1e9 => format!("{} s", (n / 1e9).round()),
        n if n >= 1e6 => format!("{} ms", (n / 1e6).round()),
        n if n >= 1e3 => format!("{} µs", (n / 1e3).round()),
        n => format!("{} ns", n.round()),
    }
}
