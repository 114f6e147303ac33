//! `--data alpaca`, through the built program: bars from the venue's server, VIX and rate from a
//! server of files, all on loopback.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use atlas_core::Clock;
use atlas_core::calendar::{Calendar, Session};
use atlas_core::time::Timestamp;
use atlas_data::{BarSource, CsvSource, Series, Universe};
use atlas_venue::server::{ServeOptions, ServerHandle, serve};
use atlas_venue::{Listing, Venue, VenueConfig};
use common::{Run, command, run_of};
use tempfile::TempDir;

struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "a paper account lives in real time")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }
}

/// A server of two files, which it can be told to change or to keep to itself.
#[derive(Clone)]
struct Publisher {
    address: String,
    /// The VIX, as Cboe writes it, and the rate, as FRED does.
    files: Arc<Mutex<Option<(String, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Publisher {
    fn start(vix: String, rate: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let files = Arc::new(Mutex::new(Some((vix, rate))));
        let publisher = Self { address, files, asked: Arc::default() };
        let shared = publisher.clone();
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 2048];
                let length = stream.read(&mut head).unwrap();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
                assert!(!head.to_ascii_lowercase().contains("apca"), "publishers get no keys");
                shared.asked.lock().unwrap().push(target.clone());
                let body = match (&*shared.files.lock().unwrap(), target.as_str()) {
                    (Some((vix, _)), "/VIX_History.csv") => vix.clone(),
                    (Some((_, rate)), "/fredgraph.csv?id=DTB3") => rate.clone(),
                    _ => {
                        drop(stream.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"));
                        continue;
                    }
                };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                drop(stream.write_all(format!("{head}{body}").as_bytes()));
            }
        });
        publisher
    }
}

/// Everything one test needs: a venue with AAA, BBB and SPY up to the last closed session.
struct Stage {
    last: Session,
    server: ServerHandle,
    publisher: Publisher,
    state: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let last = Calendar::nyse().last_closed(Wall.now()).unwrap();
        let data = common::data(last.date, |_, lines| lines);
        fs::copy(data.path().join("index.csv"), data.path().join("SPY.csv")).unwrap();
        let source = CsvSource::open(data.path()).unwrap();
        let universe = Universe::resolve(Some("AAA,BBB,SPY"), &source).unwrap();
        let market = source.load(&universe).unwrap();
        let vix = market.vix.as_ref().unwrap().view();
        let rows = vix.dates().iter().zip(vix.values());
        let mut cboe = vec!["DATE,OPEN,HIGH,LOW,CLOSE".to_owned()];
        cboe.extend(rows.map(|(date, v)| format!("{},{v},{v},{v},{v}", date.format("%m/%d/%Y"))));
        let mut fred = vec!["observation_date,DTB3".to_owned()];
        fred.extend(vix.dates().iter().map(|date| format!("{date},3.6")));
        let file = |lines: &[String]| lines.join("\n") + "\n";
        let publisher = Publisher::start(file(&cboe), file(&fred));
        let listings = market.series.into_values().map(|series| match series {
            Series::Raw(bars) => Listing::raw(bars),
            Series::Adjusted(_) => panic!("the files have raw prices"),
        });
        let venue = Venue::open(None, VenueConfig::realistic(last.close), listings).unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let server = serve(venue, listen, ServeOptions::default()).await.unwrap();
        Self { last, server, publisher, state: TempDir::new().unwrap() }
    }

    /// Runs the program; `more` is added to the configuration's `[live_data]`.
    fn run(&self, state: &Path, line: &str, more: &str) -> Run {
        let config = self.state.path().join("live.toml");
        let (url, files) = (self.server.url(), &self.publisher.address);
        let first = self.last.date - chrono::TimeDelta::days(6 * 365);
        let text = format!(
            "[accounts.remote]\nbroker = \"alpaca\"\n[accounts.replay]\nbroker = \"venue\"\n\
             [live_data]\naccount = \"remote\"\nfirst = \"{first}\"\n\
             cboe_url = \"{files}/VIX_History.csv\"\nfred_url = \"{files}/fredgraph.csv\"\n{more}"
        );
        fs::write(&config, text).unwrap();
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.extend(["--config", config.to_str().unwrap(), "--data", "alpaca"]);
        let mut command = command(state, &words);
        command.env("APCA_API_KEY_ID", &self.server.key_id);
        command.env("APCA_API_SECRET_KEY", self.server.secret.expose());
        command.env("APCA_API_BASE_URL", format!("{url}/v2"));
        run_of(&command.output().unwrap())
    }

    fn asked(&self) -> usize {
        std::mem::take(&mut *self.publisher.asked.lock().unwrap()).len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_data_pass_the_validation_of_files_and_are_downloaded_once() {
    let stage = Stage::set().await;
    let state = stage.state.path().join("state");
    let line = "rebalance --account remote --universe AAA,BBB --json";
    let report = stage.run(&state, line, "").json();
    assert_eq!(report["mode"], "paper");
    assert_eq!(report["status"], "planned");
    assert_eq!(report["as_of"], stage.last.date.to_string());
    assert_eq!(report["data"]["name"], "alpaca");
    let notes = report["data"]["notes"].to_string();
    assert!(notes.contains("The index is the fund SPY"), "{notes}");
    assert!(notes.contains("The VIX is from http://127.0.0.1"), "{notes}");
    assert_eq!(stage.asked(), 2, "one request a publisher");

    // A second run has everything, although the publishers are gone.
    *stage.publisher.files.lock().unwrap() = None;
    let again = stage.run(&state, "plan --account remote --universe AAA,BBB --json", "").json();
    assert_eq!(again["decision_id"], report["decision_id"]);
    assert_eq!(stage.asked(), 0);

    // A replay at the embedded venue trades on the same downloads.
    let before = Calendar::nyse().previous_session(stage.last.date).unwrap().date;
    let line = format!("rebalance --account replay --universe AAA,BBB --as-of {before} --json");
    let replay = stage.run(&state, &line, "").json();
    assert_eq!((&replay["mode"], &replay["status"]), (&"replay".into(), &"executed".into()));
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_stale_or_partial_data_are_one_sentence_and_leave_no_trace() {
    let stage = Stage::set().await;
    let whole = stage.publisher.files.lock().unwrap().clone().unwrap();
    let line = "rebalance --account remote --universe AAA,BBB";
    let fresh = |name: &str| stage.state.path().join(name);
    let check = |name: &str, line: &str, more: &str, code: i32, words: &[&str]| {
        let state = fresh(name);
        stage.run(&state, line, more).fails(code, words);
        assert!(!state.join("accounts").exists(), "{name}: nothing was journaled");
    };

    check("no-universe", "rebalance --account remote", "", 2, &["--universe"]);
    check(
        "unknown",
        "rebalance --account remote --universe AAA,ZZZ",
        "",
        4,
        &["daily bars of ZZZ"],
    );
    check("pair", "rebalance --account remote --universe BTC/USD", "", 6, &["BTC/USD"]);
    check("no-index", line, "index = \"QQQ\"", 4, &["daily bars of QQQ"]);
    check("bad-vix", line, "vix = \"etf:no such\"", 3, &["live_data.vix"]);
    check(
        "remote-http",
        line,
        "vix = \"cboe\"\nrate = \"/no/such/rate.csv\"",
        4,
        &["/no/such/rate"],
    );

    let set = |vix: String| *stage.publisher.files.lock().unwrap() = Some((vix, whole.1.clone()));
    let end = whole.0.trim_end().rfind('\n').unwrap();
    set(whole.0[..=end].to_owned());
    check("stale-vix", line, "", 4, &["the VIX is stale", "missing_vix"]);
    set(whole.0[..end - 4].to_owned());
    check("partial-vix", line, "", 4, &["VIX"]);
    *stage.publisher.files.lock().unwrap() = None;
    check("no-vix", line, "", 4, &["the vix from http://127.0.0.1", "503"]);
    check("none", line, "vix = \"none\"\nrate = \"none\"", 4, &["VIX"]);

    // With a fund in place of the VIX, by explicit choice, the report says so.
    let state = fresh("fund");
    let more = "vix = \"etf:SPY\"\nrate = \"none\"";
    let report = stage.run(&state, &format!("{line} --json"), more).json();
    let notes = report["data"]["notes"].to_string();
    assert!(notes.contains("SPY stands in for the VIX"), "{notes}");

    // Half a file on disk is noticed and downloaded again.
    let folder = fs::read_dir(state.join("data")).unwrap().next().unwrap().unwrap().path();
    let file = folder.join("prices/AAA.csv");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, &text[..text.len() / 2]).unwrap();
    stage.run(&state, "plan --account remote --universe AAA,BBB --json", more).json();
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    stage.server.stop().await;
}
