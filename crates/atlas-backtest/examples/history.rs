//! The main job's strategy over the bundled sample, in words.

#![expect(clippy::print_stdout, reason = "an example shows its result")]
use atlas_backtest::{Backtest, Config, Schedule};
use atlas_core::time::Mode;
use atlas_core::{AccountName, DecisionId};
use atlas_data::{BarSource, MissingVix, SampleSource, Universe};
use atlas_engine::Policy;
use atlas_regime::{DetectorParams, VixPolicy};
use atlas_risk::Profile;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = SampleSource;
    let market = source.load(&Universe::resolve(None, &source)?)?;
    let limits = Profile::Standard.limits().check()?;
    let account = AccountName::new("backtest")?;
    let mut policy = Policy::new(account, DecisionId(1), Mode::Replay, "sample".into(), limits);
    policy.detector = DetectorParams { vix_missing: VixPolicy::CarryOn, ..policy.detector };
    let config = Config {
        missing_vix: MissingVix::Warn,
        ..Config::new("1995-01-03".parse()?, "2018-12-31".parse()?, Schedule::Monthly, policy)
    };
    let report = Backtest::new(&market)?.run(&config)?;
    println!("{}", report.header.costs.stated);
    println!("{:#?}", report.metrics);
    println!("{:#?}", report.trade_statistics);
    println!("{:#?}", report.costs);
    for year in &report.yearly {
        println!("{} {:+.2} %", year.year, year.simple_return * 100.0);
    }
    if let Some(index) = &report.benchmark {
        println!("{}: {:?} a year, {:?}", index.name, index.metrics.annual_return, index.relative);
    }
    for warning in &report.warnings {
        println!("- {warning}");
    }
    Ok(())
}
