//! One series is spoilt at a time, and the sentence is read.

use atlas_core::bars::Columns;
use atlas_core::{Adjusted, Bars, Raw};

use super::*;
use crate::SourceInfo;
use crate::series::Series;

const FIRST: &str = "2015-01-02";
const AS_OF: &str = "2018-02-05";

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn sessions(first: &str, last: &str) -> Vec<NaiveDate> {
    let range = Calendar::nyse().sessions(date(first), date(last)).unwrap();
    range.map(|session| session.date).collect()
}

/// Closes of 100 on the given dates.
fn flat(dates: Vec<NaiveDate>) -> Columns {
    Columns { close: vec![100.0; dates.len()], dates, ..Columns::default() }
}

fn bars(symbol: &str, columns: Columns) -> Bars<Adjusted> {
    Bars::new(Symbol::new(symbol).unwrap(), columns).unwrap()
}

/// Two symbols, index, VIX and rate, whole from 2015 to 2018.
fn whole() -> MarketData {
    let dates = || sessions(FIRST, "2018-12-31");
    let levels = |name, value| Levels::new(name, dates(), vec![value; dates().len()]).unwrap();
    let series = ["AAA", "BBB"].map(|symbol| {
        let bars = bars(symbol, flat(dates()));
        (bars.symbol().clone(), Series::Adjusted(bars))
    });
    MarketData {
        series: BTreeMap::from(series),
        index: bars("SPX", flat(dates())),
        vix: Some(levels("the VIX", 15.0)),
        rate: Some(levels("the rate", 1.5)),
        source: SourceInfo { name: "test".to_owned(), sha256: String::new(), notes: vec![] },
    }
}

fn replace(market: &mut MarketData, symbol: &str, columns: Columns) {
    let bars = bars(symbol, columns);
    market.series.insert(bars.symbol().clone(), Series::Adjusted(bars));
}

fn needs() -> Needs {
    Needs { vix: Some(21), rate: true, ..Needs::new(252, 500) }
}

/// Expects the sentence, to the letter.
fn refused(market: &MarketData, as_of: &str, needs: &Needs, sentence: &str) {
    let error = market.as_of(date(as_of), needs).unwrap_err();
    assert_eq!(error.to_string(), sentence);
}

/// What is wrong with the VIX, with the other way out.
fn vix(problem: &str) -> String {
    let way_out =
        "or decide without the VIX on purpose (`missing_vix = \"flag\"` under `[regime]`)";
    format!("{problem}; {way_out}")
}

/// Expects these warnings and nothing else.
fn warned(market: &MarketData, needs: &Needs, sentences: &[&str]) {
    let view = market.as_of(date(AS_OF), needs).unwrap();
    let said: Vec<String> = view.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said, sentences);
}

#[test]
fn whole_data_pass() {
    let market = whole();
    warned(&market, &needs(), &[]);
    let view = market.as_of(date(AS_OF), &needs()).unwrap();
    assert_eq!(view.series.len(), 2);
    assert_eq!(view.index.last_date(), Some(date(AS_OF)));
    assert_eq!(view.vix.and_then(|vix| vix.last()), Some((date(AS_OF), 15.0)));
    assert!(view.rate.is_some());
}

#[test]
fn as_of_must_be_a_session() {
    for (as_of, sentence) in [
        (
            "2018-02-03",
            "as-of date: 2018-02-03 is not a trading session (Saturday): the session before it is \
             2018-02-02",
        ),
        (
            "2018-02-19",
            "as-of date: 2018-02-19 is not a trading session (Washington's Birthday): the session \
             before it is 2018-02-16",
        ),
        (
            "1989-06-01",
            "as-of date: 1989-06-01 is outside of the exchange calendar, which covers 1990-01-02 \
             to 2030-12-31",
        ),
        (
            "2019-01-02",
            "as-of date 2019-01-02 is after the end of test, whose last session is 2018-12-31: \
             choose a date up to then or bring newer data",
        ),
    ] {
        refused(&whole(), as_of, &needs(), sentence);
    }
}

#[test]
fn history_must_be_long_enough() {
    refused(
        &whole(),
        "2015-03-02",
        &needs(),
        "the index has 40 sessions up to 2015-03-02 and 500 are needed: choose a later as-of \
         date or bring older data",
    );
    refused(
        &whole(),
        "2014-03-03",
        &needs(),
        "the index has 0 sessions up to 2014-03-03 and 500 are needed: choose a later as-of date \
         or bring older data",
    );
}

#[test]
fn a_young_symbol_is_refused_or_left_out() {
    let mut market = whole();
    replace(&mut market, "AAA", flat(sessions("2018-01-02", "2018-12-31")));
    refused(
        &market,
        AS_OF,
        &needs(),
        "AAA has 24 sessions up to 2018-02-05 and 252 are needed: choose a later as-of date or \
         bring older data",
    );
    let lenient = Needs { short_history: ShortHistory::LeaveOut, ..needs() };
    warned(&market, &lenient, &["AAA was left out: 24 sessions where 252 are needed"]);
    replace(&mut market, "BBB", flat(sessions("2018-06-01", "2018-12-31")));
    refused(
        &market,
        AS_OF,
        &lenient,
        "AAA, like every symbol, has 24 sessions up to 2018-02-05 and 252 are needed: choose a \
         later as-of date or bring older data",
    );
}

#[test]
fn stale_series_are_refused() {
    let mut market = whole();
    replace(&mut market, "BBB", flat(sessions(FIRST, "2018-02-02")));
    refused(
        &market,
        AS_OF,
        &needs(),
        "BBB is stale: its last session is 2018-02-02, the as-of date is 2018-02-05; bring newer \
         data or choose a date up to 2018-02-02",
    );
    let mut market = whole();
    market.index = bars("SPX", flat(sessions(FIRST, "2018-02-01")));
    refused(
        &market,
        AS_OF,
        &needs(),
        "the index is stale: its last session is 2018-02-01, the as-of date is 2018-02-05; bring \
         newer data or choose a date up to 2018-02-01",
    );
}

#[test]
fn recent_gaps_are_refused_and_old_ones_told() {
    let without = |gone: &[&str]| {
        let gone: Vec<NaiveDate> = gone.iter().map(|text| date(text)).collect();
        flat(sessions(FIRST, "2018-12-31").into_iter().filter(|d| !gone.contains(d)).collect())
    };
    let mut market = whole();
    replace(&mut market, "AAA", without(&["2017-02-01", "2017-12-22", "2018-01-19"]));
    refused(
        &market,
        AS_OF,
        &needs(),
        "AAA lacks 2 of the 252 sessions up to 2018-02-05, first 2017-12-22: complete the data or \
         choose another as-of date",
    );
    replace(&mut market, "AAA", without(&["2016-05-05", "2017-02-01"]));
    warned(&market, &needs(), &["AAA lacks 2 older sessions, first 2016-05-05"]);
    // What comes after the date of the decision does not count.
    replace(&mut market, "AAA", without(&["2018-02-06"]));
    warned(&market, &needs(), &[]);
}

/// The window counts the as-of session itself.
#[test]
fn the_window_ends_where_it_says() {
    let needs = Needs { window: 3, ..needs() };
    for (gone, is_refused) in [("2018-02-01", true), ("2018-01-31", false)] {
        let mut market = whole();
        let left = sessions(FIRST, AS_OF).into_iter().filter(|day| *day != date(gone)).collect();
        replace(&mut market, "AAA", flat(left));
        assert_eq!(market.as_of(date(AS_OF), &needs).is_err(), is_refused, "{gone}");
    }
}

#[test]
fn only_what_is_used_counts() {
    let mut market = whole();
    market.vix = None;
    market.rate = None;
    let neither = Needs { vix: None, rate: false, ..needs() };
    warned(&market, &neither, &[]);
    warned(
        &market,
        &Needs { rate: true, ..neither },
        &["there is no rate series: returns are not in excess of it"],
    );
    refused(&market, AS_OF, &needs(), &vix("test has no VIX: add VIX.csv"));
}

#[test]
fn vix_may_be_done_without() {
    let mut market = whole();
    market.vix = None;
    let lenient = Needs { missing_vix: MissingVix::Warn, ..needs() };
    warned(&market, &lenient, &["no VIX is used: test has no VIX: add VIX.csv"]);
    assert!(market.as_of(date(AS_OF), &lenient).unwrap().vix.is_none());
    warned(&whole(), &lenient, &[]);
    assert!(whole().as_of(date(AS_OF), &lenient).unwrap().vix.is_some());
}

#[test]
fn vix_must_be_fresh_and_rate_may_end() {
    let mut market = whole();
    let until = |name, last| {
        let dates = sessions(FIRST, last);
        Levels::new(name, dates.clone(), vec![1.0; dates.len()]).unwrap()
    };
    market.rate = Some(until("the rate", "2017-03-29"));
    warned(
        &market,
        &needs(),
        &["no rate covers the date (the last is of 2017-03-29): returns are not in excess of it"],
    );
    // A week is bridged, more is not.
    market.rate = Some(until("the rate", "2018-01-29"));
    warned(&market, &needs(), &[]);
    market.vix = Some(until("the VIX", "2018-02-02"));
    refused(
        &market,
        AS_OF,
        &needs(),
        &vix(
            "the VIX is stale: its last session is 2018-02-02, the as-of date is 2018-02-05; bring \
              newer data or choose a date up to 2018-02-02",
        ),
    );
}

#[test]
fn jumps_and_idle_days_are_told() {
    let mut market = whole();
    let mut columns = flat(sessions(FIRST, "2018-12-31"));
    let row = columns.dates.binary_search(&date("2018-01-10")).unwrap();
    columns.close[row..].fill(25.0);
    columns.volume = vec![1e6; columns.dates.len()];
    columns.volume[row] = 0.0;
    let symbol = Symbol::new("AAA").unwrap();
    let split = Bars::<Raw>::new(symbol.clone(), columns).unwrap();
    market.series.insert(symbol, Series::Raw(split));
    warned(
        &market,
        &needs(),
        &[
            "AAA moved -75.0 % on 2018-01-10: check for a missed split",
            "AAA was not traded on 1 sessions, last 2018-01-10",
        ],
    );
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What a decision sees does not change when the data after it do.
        #[test]
        fn the_future_is_not_seen(day in 600_usize..1_000, factor in 0.1_f64..10.0) {
            let market = whole();
            let mut other = whole();
            let dates = sessions(FIRST, "2018-12-31");
            let mut columns = flat(dates.clone());
            for close in &mut columns.close[day + 1..] {
                *close *= factor;
            }
            replace(&mut other, "AAA", columns.clone());
            other.index = bars("SPX", columns);
            let (one, two) = (
                market.as_of(dates[day], &needs())?,
                other.as_of(dates[day], &needs())?,
            );
            prop_assert_eq!(one.index.close(), two.index.close());
            for (a, b) in one.series.values().zip(two.series.values()) {
                prop_assert_eq!(a.close(), b.close());
                prop_assert_eq!(a.dates(), b.dates());
            }
            prop_assert_eq!(one.warnings, two.warnings);
        }

        /// Each set of missing sessions is found, whole and in the right part.
        #[test]
        fn gaps_are_counted(gone in proptest::collection::btree_set(1_usize..760, 1..20)) {
            let mut market = whole();
            let dates = sessions(FIRST, AS_OF);
            let last = dates.len() - 1;
            let kept = dates.iter().enumerate().filter(|(row, _)| !gone.contains(row));
            replace(&mut market, "AAA", flat(kept.map(|(_, day)| *day).collect()));
            let recent = gone.iter().filter(|row| last - **row < 252).count();
            match market.as_of(date(AS_OF), &needs()) {
                Err(Error::Gaps { missing, .. }) => prop_assert_eq!(missing, recent),
                Ok(view) => {
                    prop_assert_eq!(recent, 0);
                    let first = dates[*gone.first().unwrap()];
                    let gap = Warning::OldGap { series: "AAA".to_owned(), missing: gone.len(), first };
                    prop_assert_eq!(view.warnings, vec![gap]);
                }
                Err(error) => prop_assert!(false, "{}", error),
            }
        }
    }
}

#[test]
fn an_audit_says_what_the_checks_say() {
    let mut market = whole();
    let dates = sessions(FIRST, "2018-12-31");
    let mut close = vec![100.0; dates.len()];
    let mut volume = vec![1_000.0; dates.len()];
    for row in [300, 610, 612] {
        close[row] = 40.0;
        volume[row + 5] = 0.0;
    }
    replace(&mut market, "BBB", Columns { close, volume, ..flat(dates.clone()) });
    let audit = market.audit(&needs());
    let mut told = 0;
    for as_of in dates.iter().skip(520).step_by(7) {
        for jump in [0.5, 0.7] {
            let needs = Needs { jump, window: 60, ..needs() };
            let plain = market.as_of(*as_of, &needs).unwrap().warnings;
            let audited = market.as_of_audited(*as_of, &needs, |_| true, &audit).unwrap().warnings;
            assert_eq!(audited, plain, "{as_of} {jump}");
            told += plain.len();
        }
    }
    assert!(told > 20, "{told}");
}
