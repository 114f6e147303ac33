//! The 52-week-high scan over many symbols.

use std::collections::BTreeSet;
use std::hint::black_box;

use atlas_benches::market;
use atlas_core::DecisionId;
use atlas_strategy::History;
use atlas_strategy::momentum::High52Params;
use criterion::Criterion;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    let market = market(500, 2_500);
    let histories: Vec<History<'_>> =
        market.bars.iter().map(|bars| History::adjusted(&bars.view())).collect();
    let scanner = High52Params::default().check()?;
    let held = histories.iter().take(5).map(|history| history.symbol().clone()).collect();
    let (as_of, none) = (market.dates[market.dates.len() - 1], BTreeSet::new());
    let mut group = criterion.benchmark_group("strategy");
    for (name, held) in [("scan_500", &none), ("scan_500/held", &held)] {
        group.bench_function(name, |b| {
            b.iter(|| scanner.scan(black_box(&histories), held, DecisionId(1), as_of));
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
