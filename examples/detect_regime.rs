//! Names the market regime after the last close of each year of the sample.
//!
//! `cargo run -p atlas-examples --example detect_regime`

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use anyhow::Result;
use atlas_data::{BarSource, LevelsView, Needs, SampleSource, Universe};
use atlas_regime::{Detector, DetectorParams, Inputs, Series};
use chrono::{Datelike, NaiveDate};

fn main() -> Result<()> {
    let universe = Universe::resolve(Some("sample"), &SampleSource)?;
    let market = SampleSource.load(&universe)?;
    let detector = Detector::new(DetectorParams::calibrated().check()?);

    let sessions: Vec<NaiveDate> = market.index.view().dates().to_vec();
    let year_ends = sessions.windows(2).filter(|pair| pair[0].year() != pair[1].year());
    for as_of in year_ends.map(|pair| pair[0]).filter(|date| (2014..2019).contains(&date.year())) {
        // A view holds what was known on that day; what came later does not exist in it.
        let needs = Needs { vix: Some(21), rate: true, ..Needs::new(252, 1_010) };
        let view = market.as_of(as_of, &needs)?;
        let estimate = detector.detect(&Inputs {
            index: Series { dates: view.index.dates(), values: view.index.close() },
            vix: view.vix.map(levels),
            rate: view.rate.map(levels),
            as_of,
        })?;
        let evidence = &estimate.evidence;
        println!(
            "{as_of}  {:<8} stress {:.2}, decided by {:?}, model fitted on {} rows to {}",
            estimate.regime,
            evidence.stress,
            evidence.decided_by,
            evidence.sample_rows,
            evidence.refit_date
        );
    }
    Ok(())
}

fn levels(view: LevelsView<'_>) -> Series<'_> {
    Series { dates: view.dates(), values: view.values() }
}
