//! Downloads against a scripted source of market data and a server of files on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use atlas_core::bars::Basis;
use atlas_core::calendar::{Calendar, Session, to_eastern};
use atlas_core::{Adjusted, Price, Qty, Quote, Raw, Symbol};
use atlas_data::BarSource as _;
use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::*;
use crate::alpaca::tests::server::{Act, Server};
use crate::market_data::{MarketBar, Snapshot, Trade};

/// Bars of every symbol but `GONE`: the close is the day of the year, restated by `factor`.
struct Source {
    inner: Mutex<Inner>,
}

struct Inner {
    factor: Decimal,
    /// Requests answered before the line is dead.
    patience: usize,
    /// What was asked for: how many symbols, from when.
    log: Vec<(usize, NaiveDate)>,
    /// Whether adjusted bars lack the last session.
    ragged: bool,
}

impl Source {
    fn new() -> Self {
        let (factor, patience) = (Decimal::ONE, usize::MAX);
        Self { inner: Mutex::new(Inner { factor, patience, log: Vec::new(), ragged: false }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("the source")
    }

    fn take_log(&self) -> Vec<(usize, NaiveDate)> {
        std::mem::take(&mut self.inner().log)
    }

    fn answer<B: Basis>(
        &self,
        request: &BarsRequest,
        adjusted: bool,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<B>>>, Error> {
        let mut inner = self.inner();
        let day = |t| to_eastern(t).expect("an instant").date_naive();
        let (first, last) = (day(request.start), day(request.end));
        inner.log.push((request.symbols.len(), first));
        if inner.patience == 0 {
            let lost = "the line is dead".to_owned();
            let (venue, request) = ("data".to_owned(), "bars".to_owned());
            return Err(Error::NoAnswer { venue, request, reason: lost });
        }
        inner.patience -= 1;
        let factor = if adjusted { inner.factor } else { Decimal::ONE };
        let sessions = Calendar::nyse().sessions(first, last).expect("sessions");
        let mut bars: Vec<MarketBar<B>> = sessions
            .map(|session| {
                let close = Decimal::from(
                    100 + session.date.format("%j").to_string().parse::<u32>().expect("a day"),
                );
                let price = Price::<B>::new(close * factor).expect("a price");
                MarketBar {
                    start: midnight(session.date).expect("midnight"),
                    open: price,
                    high: price,
                    low: price,
                    close: price,
                    volume: Qty::from_shares(1_000),
                    trades: None,
                    vwap: None,
                }
            })
            .collect();
        if adjusted && inner.ragged {
            bars.pop();
        }
        let known = request.symbols.iter().filter(|symbol| symbol.as_str() != "GONE");
        Ok(known.map(|symbol| (symbol.clone(), bars.clone())).collect())
    }
}

#[async_trait]
impl MarketData for Source {
    async fn bars(
        &self,
        request: &BarsRequest,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Raw>>>, Error> {
        self.answer(request, false)
    }

    async fn adjusted_bars(
        &self,
        request: &BarsRequest,
        _: Adjustment,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Adjusted>>>, Error> {
        self.answer(request, true)
    }

    async fn latest_quotes(&self, _: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        Ok(BTreeMap::new())
    }

    async fn latest_trades(&self, _: &[Symbol]) -> Result<BTreeMap<Symbol, Trade>, Error> {
        Ok(BTreeMap::new())
    }

    async fn snapshots(&self, _: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, Error> {
        Ok(BTreeMap::new())
    }

    async fn clock(&self) -> Result<crate::MarketClock, Error> {
        Err(Error::Setup { problem: "this source has no clock".to_owned() })
    }

    async fn calendar(&self, _: NaiveDate, _: NaiveDate) -> Result<Vec<Session>, Error> {
        Ok(Vec::new())
    }
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn symbol(text: &str) -> Symbol {
    text.parse().expect("a symbol")
}

fn wish(folder: &Path, symbols: &[&str], through: &str) -> History {
    History {
        folder: folder.to_owned(),
        symbols: symbols.iter().map(|name| symbol(name)).collect(),
        index: symbol("SPY"),
        vix: Publication::None,
        rate: Publication::None,
        first: date("2026-01-02"),
        through: date(through),
    }
}

async fn run(source: &Source, history: &History) -> Result<Downloaded, Error> {
    download(source, &Publisher::new(Duration::from_secs(5)), history, &|_| {}).await
}

#[tokio::test]
async fn what_is_there_is_not_asked_for_again_and_what_is_new_is_added() {
    let (folder, source) = (tempfile::tempdir().expect("a folder"), Source::new());
    let first = wish(folder.path(), &["AAA", "BBB"], "2026-01-09");
    let data = run(&source, &first).await.expect("a download");
    let market = data.load(&data.universes().expect("universes")[0]).expect("data");
    assert_eq!(market.series.len(), 2);
    assert_eq!(market.last_date(), Some(date("2026-01-09")));
    assert!(market.source.notes[0].contains("the fund SPY"), "{:?}", market.source.notes);
    assert_eq!(
        source.take_log(),
        [(2, date("2026-01-02")); 2]
            .into_iter()
            .chain([(1, date("2026-01-02"))])
            .collect::<Vec<_>>()
    );

    run(&source, &first).await.expect("the same");
    assert_eq!(source.take_log(), [], "nothing is asked for twice");

    let next = wish(folder.path(), &["AAA", "BBB", "CCC"], "2026-01-13");
    let data = run(&source, &next).await.expect("more");
    let market = data.load(&data.universes().expect("universes")[0]).expect("data");
    assert_eq!(market.last_date(), Some(date("2026-01-13")));
    for series in market.series.values() {
        assert_eq!(series.view().len(), 8, "{}", series.symbol());
    }
    let log = source.take_log();
    assert!(log.contains(&(1, date("2026-01-02"))), "CCC from the beginning: {log:?}");
    assert!(log.contains(&(2, date("2026-01-09"))), "the others from where they end: {log:?}");
}

#[tokio::test]
async fn a_restated_past_is_downloaded_whole() {
    let (folder, source) = (tempfile::tempdir().expect("a folder"), Source::new());
    run(&source, &wish(folder.path(), &["AAA"], "2026-01-09")).await.expect("a download");
    source.inner().factor = Decimal::new(5, 1);
    source.take_log();
    run(&source, &wish(folder.path(), &["AAA"], "2026-01-12")).await.expect("a download");
    let log = source.take_log();
    assert_eq!(log[..2], [(1, date("2026-01-09")); 2]);
    assert_eq!(log[2..4], [(1, date("2026-01-02")); 2], "{log:?}");
    let text = fs::read_to_string(folder.path().join("prices/AAA.csv")).expect("a file");
    assert!(text.contains("\n2026-01-05,105,105,105,105,52.5,1000\n"), "{text}");
}

#[tokio::test]
async fn an_interrupted_download_goes_on_where_it_stopped() {
    let (folder, source) = (tempfile::tempdir().expect("a folder"), Source::new());
    let names: Vec<String> =
        (b'A'..=b'Y').map(|letter| format!("S{}", char::from(letter))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let history = wish(folder.path(), &names, "2026-01-09");
    source.inner().patience = 3;
    let told = Mutex::new(Vec::new());
    let publisher = Publisher::new(Duration::from_secs(5));
    let note = |progress: &Progress| told.lock().expect("told").push(progress.done);
    let error = download(&source, &publisher, &history, &note).await.expect_err("a dead line");
    assert!(matches!(error, Error::NoAnswer { .. }), "{error}");
    assert_eq!(told.lock().expect("told").last(), Some(&20));
    source.inner().patience = usize::MAX;
    source.take_log();
    run(&source, &history).await.expect("the rest");
    let log = source.take_log();
    assert_eq!(log.iter().map(|(symbols, _)| *symbols).collect::<Vec<_>>(), [5, 5, 1]);
}

#[tokio::test]
async fn half_a_file_is_never_taken_for_whole() {
    let (folder, source) = (tempfile::tempdir().expect("a folder"), Source::new());
    let history = wish(folder.path(), &["AAA", "BBB"], "2026-01-09");
    run(&source, &history).await.expect("a download");
    let file = folder.path().join("prices/AAA.csv");
    let text = fs::read_to_string(&file).expect("a file");
    let end = text.trim_end().rfind('\n').expect("lines") + 1;
    fs::write(&file, &text[..end]).expect("a write");
    fs::write(folder.path().join("prices/BBB.part"), "date,op").expect("a write");
    source.take_log();
    run(&source, &history).await.expect("a download");
    assert_eq!(source.take_log(), [(1, date("2026-01-02")); 2]);
    assert_eq!(fs::read_to_string(&file).expect("a file"), text);

    fs::write(folder.path().join("manifest.json"), "{").expect("a write");
    let error = run(&source, &history).await.expect_err("a torn manifest");
    assert!(matches!(error, Error::Cache { .. }), "{error}");
}

#[tokio::test]
async fn what_is_missing_or_does_not_fit_is_an_error() {
    let (folder, source) = (tempfile::tempdir().expect("a folder"), Source::new());
    let error = run(&source, &wish(folder.path(), &["AAA", "GONE"], "2026-01-09")).await;
    let error = error.expect_err("no bars").to_string();
    assert!(error.starts_with("there are no daily bars of GONE from 2026-01-02"), "{error}");
    source.take_log();
    run(&source, &wish(folder.path(), &["AAA"], "2026-01-09")).await.expect("kept");
    assert_eq!(source.take_log(), [(1, date("2026-01-02"))], "the index alone is asked for");

    source.inner().ragged = true;
    let error = run(&source, &wish(folder.path(), &["BBB"], "2026-01-09")).await;
    assert!(matches!(error, Err(Error::BadAnswer { .. })), "{error:?}");
    let error = run(&source, &wish(folder.path(), &["BTC/USD"], "2026-01-09")).await;
    assert!(matches!(error, Err(Error::Unsupported { .. })), "{error:?}");
}

const CBOE: &str = "DATE,OPEN,HIGH,LOW,CLOSE\n01/08/2026,15,16,14,15.5\n01/09/2026,15,16,14,15.1\n";
const FRED: &str = "observation_date,DTB3\n2026-01-08,3.61\n2026-01-09,\n";

/// A download with both publications from a server; the notes, or the error.
async fn published(folder: &Path, vix: Act) -> Result<(usize, MarketNotes), Error> {
    let server = Server::start(move |request| match request.target() {
        "GET /VIX_History.csv" => vix.clone(),
        "GET /fredgraph.csv" if request.query("id") == Some("DTB3") => Act::ok(FRED),
        _ => Act::not_found(),
    })
    .await;
    let address = |path: &str| Publication::Address(format!("http://{}/{path}", server.address));
    let history = History {
        vix: address("VIX_History.csv"),
        rate: address("fredgraph.csv?id=DTB3"),
        ..wish(folder, &["AAA"], "2026-01-09")
    };
    let data = run(&Source::new(), &history).await?;
    let market = data.load(&data.universes().expect("universes")[0]).expect("data");
    let vix = market.vix.expect("a VIX").view().last().expect("a value");
    assert_eq!(vix, (date("2026-01-09"), 15.1));
    assert_eq!(market.rate.expect("a rate").view().last(), Some((date("2026-01-08"), 3.61)));
    // The rate of the last session is not out yet, so it is asked for again; the VIX is not.
    run(&Source::new(), &history).await?;
    Ok((server.count("GET /VIX"), market.source.notes))
}

type MarketNotes = Vec<String>;

#[tokio::test]
async fn publishers_files_are_read_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let (asked, notes) = published(folder.path(), Act::ok(CBOE)).await.expect("data");
    assert_eq!(asked, 1);
    assert!(notes.iter().any(|note| note.starts_with("The VIX is from http://127")), "{notes:?}");
}

#[tokio::test]
async fn a_publishers_file_that_is_not_whole_or_not_there_is_an_error() {
    let half = CBOE.split_at(60).0.to_owned();
    for (vix, words) in [
        (Act::not_found(), "404"),
        (Act::Reply(302, String::new()), "302"),
        (Act::ok("<html>busy</html>"), "has no column"),
        (Act::ok(half), "line 3"),
        (Act::ok("DATE,CLOSE\n"), "no value"),
        (Act::CutBody(CBOE.to_owned()), "error"),
        (Act::Cut, "error"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let error = published(folder.path(), vix).await.expect_err("no VIX").to_string();
        assert!(error.starts_with("the vix from http://127.0.0.1"), "{error}");
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[tokio::test]
async fn a_fund_in_place_of_the_vix_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let vix = Publication::StandIn(symbol("VIXY"));
    let history = History { vix, ..wish(folder.path(), &["AAA"], "2026-01-09") };
    let data = run(&Source::new(), &history).await.expect("data");
    let market = data.load(&data.universes().expect("universes")[0]).expect("data");
    assert_eq!(market.vix.expect("a series").view().len(), 6);
    let notes = market.source.notes;
    assert!(notes.iter().any(|note| note.starts_with("VIXY stands in for the VIX")), "{notes:?}");
}
