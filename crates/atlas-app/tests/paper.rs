//! A paper account in real time, on loopback: planned today, due in the next session.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;

use atlas_core::Clock;
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_data::{BarSource, CsvSource, Series, Universe};
use atlas_venue::server::{ServeOptions, serve};
use atlas_venue::{Listing, Venue, VenueConfig};
use common::{command, run_of};
use tempfile::TempDir;

struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "a paper account lives in real time")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paper_rebalance_is_planned_approved_and_told_when_it_is_due() {
    let now = Wall.now();
    let last = Calendar::nyse().last_closed(now).unwrap();
    let due = Calendar::nyse().next_session(last.date).unwrap();
    let data = common::data(last.date, |_, lines| lines);
    let source = CsvSource::open(data.path()).unwrap();
    let universe = Universe::resolve(Some("AAA,BBB"), &source).unwrap();
    let listings =
        source.load(&universe).unwrap().series.into_values().map(|series| match series {
            Series::Raw(bars) => Listing::raw(bars),
            Series::Adjusted(_) => panic!("the files have raw prices"),
        });
    let venue = Venue::open(None, VenueConfig::realistic(last.close), listings).unwrap();
    let server =
        serve(venue, "127.0.0.1:0".parse().unwrap(), ServeOptions::default()).await.unwrap();

    let state = TempDir::new().unwrap();
    let config = state.path().join("paper.toml");
    let url = server.url();
    fs::write(
        &config,
        format!(
            "account = \"remote\"\n[accounts.remote]\nbroker = \"alpaca\"\n\
             trading_url = \"{url}\"\ndata_url = \"{url}\"\n"
        ),
    )
    .unwrap();
    let run = |line: &str| {
        let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        words.extend(["--config", config.to_str().unwrap(), "--data"].map(str::to_owned));
        words.push(data.path().to_str().unwrap().to_owned());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = command(state.path(), &words);
        command.env("APCA_API_KEY_ID", &server.key_id);
        command.env("APCA_API_SECRET_KEY", server.secret.expose());
        let run = run_of(&command.output().unwrap());
        let everything = format!("{}{}", run.stdout, run.stderr);
        assert!(!everything.contains(server.secret.expose()), "the secret is printed");
        run
    };
    // An account that was never used has nothing due but the opening or the close to come.
    let idle = run("schedule --once");
    assert!(idle.code == 0 && idle.stdout.contains("Nothing is due"), "{idle:?}");
    let report = run("rebalance --json").json();
    assert_eq!(report["mode"], "paper");
    assert_eq!(report["status"], "planned");
    assert_eq!(report["as_of"], last.date.to_string());
    assert_eq!(report["execute_on"], due.date.to_string());
    assert!(report["summary"].as_str().unwrap().contains("atlas execute"));
    assert!(report["account_after"].is_null());
    run("plan --as-of 2018-07-31").fails(8, &["2018-07-31", &last.date.to_string()]);
    if now < due.open {
        run("execute").fails(8, &["due"]);
    }
    for (path, bytes) in common::tree(state.path()) {
        let secret = server.secret.expose().as_bytes();
        let found = bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!found, "the secret is in {}", path.display());
    }
    server.stop().await;
}
