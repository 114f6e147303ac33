//! The sample holds what its documentation says.

use std::path::PathBuf;

use atlas_core::calendar::Calendar;

use super::*;
use crate::{Needs, SeriesView};

fn load(spec: &str) -> MarketData {
    let universe = Universe::resolve(Some(spec), &SampleSource).unwrap();
    SampleSource.load(&universe).unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn range(view: &SeriesView<'_>) -> (usize, NaiveDate, NaiveDate) {
    (view.len(), view.dates()[0], view.last_date().unwrap())
}

/// Every session of the calendar from the first to the last date.
fn sessions(first: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
    Calendar::nyse().sessions(first, last).unwrap().map(|session| session.date).collect()
}

#[test]
fn large_caps_are_complete() {
    let market = load("sample");
    assert_eq!(market.series.len(), 20);
    let all = sessions(date("1990-01-02"), date("2022-12-28"));
    for series in market.series.values() {
        assert_eq!(series.view().dates(), all, "{}", series.symbol());
        assert_eq!(series.view().basis(), "adjusted");
    }
    assert_eq!(market.index.view().dates(), all);
}

#[test]
fn prices_are_the_ones_of_the_text() {
    let market = load("sample");
    let apple = market.series[&Symbol::new("AAPL").unwrap()].view();
    assert_eq!(apple.close()[..2], [0.264, 0.266]);
    assert_eq!(apple.close().last(), Some(&125.674));
    let exxon = market.bar_on(&Symbol::new("XOM").unwrap(), date("1990-01-03"));
    assert_eq!(exxon.map(|bar| bar.close), Some(4.027));
    assert_eq!(market.index.view().close()[..2], [359.69, 358.76]);
}

#[test]
fn unadjusted_bars_are_complete() {
    let market = load("sample-ohlc");
    for (symbol, first) in [
        ("AAPL", "2000-03-01"),
        ("GOOG", "2004-08-19"),
        ("IBM", "2000-03-01"),
        ("MSFT", "2000-03-01"),
    ] {
        let view = market.series[&Symbol::new(symbol).unwrap()].view();
        assert_eq!(view.dates(), sessions(date(first), date("2013-03-01")), "{symbol}");
        assert_eq!(view.basis(), "raw");
        let bar = view.bar(0).unwrap();
        assert!(bar.open.is_some() && bar.high.is_some() && bar.low.is_some());
        assert!(bar.volume.is_some_and(|shares| shares > 0.0));
        assert_eq!(view.return_closes().len(), view.len());
    }
}

#[test]
fn adjusted_bars_cross_a_split_smoothly() {
    let market = load("sample-ohlc");
    let series = &market.series[&Symbol::new("AAPL").unwrap()];
    let adjusted = series.adjusted().unwrap();
    let row = series.view().dates().binary_search(&date("2005-02-28")).unwrap();
    let change = |closes: &[f64]| closes[row] / closes[row - 1] - 1.0;
    assert!(change(series.view().close()) < -0.45);
    assert!(change(adjusted.view().close()).abs() < 0.02);
    let traded = |shares: Option<&[f64]>, closes: &[f64]| shares.unwrap()[row] * closes[row];
    let raw = traded(series.view().volume(), series.view().close());
    let same = traded(adjusted.view().volume(), adjusted.view().close());
    assert!((raw / same - 1.0).abs() < 1e-12);
}

#[test]
fn vix_and_rate_are_there() {
    let market = load("sample");
    let vix = market.vix.unwrap();
    assert_eq!(vix.view().dates(), sessions(date("2014-01-03"), date("2019-01-03")));
    assert_eq!(vix.view().on(date("2018-02-05")), Some(37.32));
    let rate = market.rate.unwrap();
    assert_eq!(rate.view().len(), 6_816);
    assert_eq!(rate.view().last(), Some((date("2017-03-29"), 0.78)));
    // No session is without a rate when it is carried over bond holidays.
    for day in sessions(date("1990-01-02"), date("2017-03-29")) {
        assert!(rate.view().carried(day, crate::validate::RATE_AGE_DAYS_MAX).is_some(), "{day}");
    }
}

/// The default date is the last one on which equities, index and VIX all have a bar and so they
/// do on the session that follows.
#[test]
fn default_date_is_the_last_with_a_next_session() {
    let market = load("sample");
    let vix = market.vix.as_ref().unwrap().view();
    let all_exist = |day: NaiveDate| {
        let index = market.index.view();
        vix.on(day).is_some()
            && index.dates().binary_search(&day).is_ok()
            && market.series.values().all(|series| series.view().bar_on(day).is_some())
    };
    let next = |day| Calendar::nyse().next_session(day).unwrap().date;
    let last = vix.dates().iter().rev().find(|day| all_exist(**day) && all_exist(next(**day)));
    assert_eq!(last, Some(&default_as_of()));
}

#[test]
fn default_date_is_fit_to_decide_on() {
    let market = load("sample");
    let needs = Needs { vix: Some(252), rate: true, ..Needs::new(252, 5_000) };
    let view = market.as_of(default_as_of(), &needs).unwrap();
    assert_eq!(view.session.date, default_as_of());
    assert!(view.rate.is_none(), "the rate ends in 2017");
    assert_eq!(view.warnings.len(), 1, "{:?}", view.warnings);
    for prices in view.series.values() {
        assert_eq!(prices.last_date(), Some(default_as_of()));
    }
}

#[test]
fn tells_apart_what_it_was_read_from() {
    let digest = |spec| load(spec).source.sha256;
    assert_eq!(digest("sample"), digest("KO,AAPL"));
    assert_ne!(digest("sample"), digest("sample-ohlc"));
    assert_eq!(digest("sample").len(), 64);
}

#[test]
fn refuses_symbols_it_was_not_asked_about() {
    let universe = Universe::named("mine", vec![Symbol::new("TSLA").unwrap()]);
    let error = SampleSource.load(&universe).unwrap_err().to_string();
    assert!(error.starts_with("symbol TSLA is not in universe mine"), "{error}");
}

/// The repository stays small, and so does the program.
#[test]
fn stays_below_its_size() {
    let large: usize = [LARGE_CAPS_FILE, INDEX, VIX, RATE].iter().map(|(_, b)| b.len()).sum();
    let ohlc: usize = OHLC_FILES.iter().map(|(_, _, bytes)| bytes.len()).sum();
    assert!(large + ohlc < 5_000_000, "{} bytes", large + ohlc);
    assert_eq!(range(&load("sample").series.values().next().unwrap().view()).0, 8_313);
}

/// The files say what the packages' own files say, as far as the shared folder is there.
#[test]
fn equals_the_packages_files() {
    let shared = std::env::var_os("ATLAS_SHARED_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let folder = shared.join("data/bundle_ok");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let mut digester = Digester::default();
    for (theirs, ours) in [
        ("skfolio/sp500_dataset.csv.gz", LARGE_CAPS_FILE),
        ("wiki/AAPL.csv.gz", (OHLC_FILES[0].1, OHLC_FILES[0].2)),
        ("wiki/GOOG.csv.gz", (OHLC_FILES[1].1, OHLC_FILES[1].2)),
        ("wiki/IBM.csv.gz", (OHLC_FILES[2].1, OHLC_FILES[2].2)),
        ("wiki/MSFT.csv.gz", (OHLC_FILES[3].1, OHLC_FILES[3].2)),
        ("zipline/treasury_3m.csv.gz", RATE),
    ] {
        let published = file::read(&folder.join(theirs), &mut digester).unwrap();
        let bundled = file::unpack(ours.0, ours.1, &mut digester).unwrap();
        let fields = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().replace('\r', "");
        assert!(fields(&published) == fields(&bundled), "{theirs} differs from {}", ours.0);
    }
    // Of these two only some columns are bundled.
    for (theirs, place, ours) in
        [("skfolio/sp500_index.csv.gz", 1, INDEX), ("arch/vix.csv.gz", 4, VIX)]
    {
        let published = file::read(&folder.join(theirs), &mut digester).unwrap();
        let bundled = file::unpack(ours.0, ours.1, &mut digester).unwrap();
        let column = |bytes: &[u8], place: usize| -> Vec<String> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let rows = text.lines().skip(1);
            rows.map(|row| {
                let fields: Vec<&str> = row.split(',').collect();
                format!("{},{}", fields[0], fields[place])
            })
            .collect()
        };
        assert!(column(&published, place) == column(&bundled, 1), "{theirs} differs");
    }
}
