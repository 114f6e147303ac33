//! The S&P 500 and its regimes through 2008, 2020, 2022 and August 2024, as an SVG.
//!
//! `cargo run --release -p atlas-regime --example regime_chart [DATA] > chart.svg`

#![expect(clippy::print_stdout, reason = "prints the chart")]

mod support;

use std::fmt::Write as _;

use atlas_core::Regime;
use atlas_regime::{Detector, DetectorParams, Inputs, RegimeEstimate, VixPolicy};
use chrono::NaiveDate;
use support::{Dated, Outcome, data_folder, float};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 150.0;

const fn color(regime: Regime) -> &'static str {
    match regime {
        Regime::Bull => "#d9f0d3",
        Regime::Neutral => "#fff3c4",
        Regime::Bear => "#fdcfa8",
        Regime::Crash => "#f4a3a0",
    }
}

fn main() -> Outcome<()> {
    let root = data_folder();
    let start = NaiveDate::from_ymd_opt(1990, 1, 2).ok_or("a date")?;
    let index = Dated::read(&root.join("daily/SPX.csv.gz"), "close")?.since(start);
    let vix = Dated::read(&root.join("daily/VIX.csv.gz"), "close")?;
    let params = DetectorParams { vix_missing: VixPolicy::CarryOn, ..DetectorParams::calibrated() };
    let as_of = *index.dates.last().ok_or("an empty index")?;
    let inputs = Inputs { index: index.series(), vix: Some(vix.series()), rate: None, as_of };
    let from = NaiveDate::from_ymd_opt(2007, 1, 3).ok_or("a date")?;
    let said = Detector::new(params.check()?).history(&inputs, from)?;
    let spans = [
        ("2007-06-01", "2009-12-31"),
        ("2019-10-01", "2020-12-31"),
        ("2021-10-01", "2023-06-30"),
        ("2024-06-03", "2024-10-31"),
    ];
    let mut svg = String::new();
    let total = 40.0 + float(spans.len()) * (HEIGHT + 40.0);
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {total}" font-family="sans-serif" font-size="12">"#,
        WIDTH + 40.0
    )?;
    let key = Regime::ALL.iter().enumerate().map(|(i, regime)| {
        let x = 20.0 + 110.0 * float(i);
        format!(r#"<rect x="{x}" y="8" width="14" height="14" fill="{}"/><text x="{}" y="20">{regime}</text>"#, color(*regime), x + 20.0)
    });
    svg.extend(key);
    for (i, (first, last)) in spans.iter().enumerate() {
        let (first, last): (NaiveDate, NaiveDate) = (first.parse()?, last.parse()?);
        let part: Vec<&RegimeEstimate> =
            said.iter().filter(|e| (first..=last).contains(&e.as_of)).collect();
        panel(&mut svg, &part, &index, 60.0 + float(i) * (HEIGHT + 40.0))?;
    }
    println!("{svg}</svg>");
    Ok(())
}

/// One span: coloured by regime, the close as a line.
fn panel(svg: &mut String, part: &[&RegimeEstimate], index: &Dated, top: f64) -> Outcome<()> {
    let closes: Vec<f64> = part.iter().map(|e| index.values[e.evidence.session]).collect();
    let low = closes.iter().copied().fold(f64::INFINITY, f64::min);
    let high = closes.iter().copied().fold(0.0, f64::max);
    let step = WIDTH / float(part.len());
    let x = |t: usize| 20.0 + step * float(t);
    let (first, last) = (part.first().ok_or("no sessions")?, part.last().ok_or("no sessions")?);
    writeln!(
        svg,
        r#"<text x="20" y="{}">{} to {}, {low:.0} to {high:.0}</text>"#,
        top - 6.0,
        first.as_of,
        last.as_of
    )?;
    let mut begin = 0;
    for t in 1..=part.len() {
        if t == part.len() || part[t].regime != part[begin].regime {
            let width = x(t) - x(begin) + 0.3;
            let fill = color(part[begin].regime);
            writeln!(
                svg,
                r#"<rect x="{:.1}" y="{top}" width="{width:.1}" height="{HEIGHT}" fill="{fill}"/>"#,
                x(begin)
            )?;
            begin = t;
        }
    }
    let points: Vec<String> = closes
        .iter()
        .enumerate()
        .map(|(t, c)| format!("{:.1},{:.1}", x(t), top + HEIGHT * (1.0 - (c - low) / (high - low))))
        .collect();
    writeln!(
        svg,
        r##"<polyline points="{}" fill="none" stroke="#222" stroke-width="1.2"/>"##,
        points.join(" ")
    )?;
    Ok(())
}
