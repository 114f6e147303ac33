//! `atlas trade` from the command line: what it refuses, and a start, a stop and another start.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;

use atlas_core::Clock;
use atlas_core::bars::{Bars, Columns};
use atlas_core::time::Timestamp;
use atlas_venue::core::CryptoRules;
use atlas_venue::server::{ServeOptions, ServerHandle, serve};
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

const STRATEGIES: &str = "
[trade]
capital = \"50000\"

[[trade.strategies]]
name = \"trend\"
strategy = \"sma fast=5 slow=15\"
symbols = [\"BTC/USD\"]
bars_s = 60
capital = \"0.5\"

[[trade.strategies]]
name = \"vote\"
strategy = \"ensemble needed=2\"
symbols = [\"BTC/USD\"]
bars_s = 3600
capital = \"0.5\"
";

async fn server(now: Timestamp) -> ServerHandle {
    let first = now.date_naive() - chrono::Days::new(40);
    let dates: Vec<_> = first.iter_days().take(60).collect();
    let close = vec![30_000.0; dates.len()];
    let bars =
        Bars::new("BTC/USD".parse().unwrap(), Columns { dates, close, ..Columns::default() });
    let listing = Listing::crypto(bars.unwrap(), CryptoRules::FINEST).unwrap();
    let venue = Venue::open(None, VenueConfig::realistic(now), [listing]).unwrap();
    serve(venue, "127.0.0.1:0".parse().unwrap(), ServeOptions::default()).await.unwrap()
}

fn trade(state: &Path, server: &ServerHandle, more: &str, flags: &[&str]) -> common::Run {
    let config = state.join("trade.toml");
    let url = server.url();
    let head = format!(
        "account = \"remote\"\n[accounts.remote]\nbroker = \"alpaca\"\ntrading_url = \"{url}\"\n\
         data_url = \"{url}\"\n{more}"
    );
    fs::write(&config, head).unwrap();
    let mut words = vec!["trade", "--config", config.to_str().unwrap()];
    words.extend(flags);
    let mut command = command(state, &words);
    command.env("APCA_API_KEY_ID", &server.key_id);
    command.env("APCA_API_SECRET_KEY", server.secret.expose());
    run_of(&command.output().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trading_starts_stops_and_goes_on() {
    let server = server(Wall.now()).await;
    let state = TempDir::new().unwrap();
    for _ in 0..2 {
        let run = trade(
            state.path(),
            &server,
            STRATEGIES,
            &["--regime", "bull", "--seconds", "0", "--json"],
        );
        let report = run.json();
        assert_eq!(report["command"], "trade", "{}", run.stderr);
        assert_eq!((&report["ended"], &report["sent"]), (&"0 s were over".into(), &0.into()));
        assert_eq!(report["differences"], serde_json::json!([]));
    }
    assert!(state.path().join("accounts/remote/engine").exists());
    // Nothing is held, so the configuration may change.
    let other = STRATEGIES.replace("fast=5", "fast=6");
    let run = trade(state.path(), &server, &other, &["--regime", "bull", "--seconds", "0"]);
    assert!(run.stdout.contains("nothing rests at the broker, books agree"), "{}", run.stderr);
    // A checkpoint that is damaged is never guessed at, and a lost one is not forgotten.
    let kept = state.path().join("accounts/remote/engine");
    let bytes = fs::read(&kept).unwrap();
    fs::write(&kept, &bytes[..bytes.len() - 1]).unwrap();
    let run = trade(state.path(), &server, &other, &["--regime", "bull", "--seconds", "0"]);
    assert!(run.stderr.contains("the engine's checkpoint cannot be used"), "{}", run.stderr);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_sense_is_refused_before_anything_is_opened() {
    let server = server(Wall.now()).await;
    let state = TempDir::new().unwrap();
    let check = |more: &str, words: &str| {
        let run = trade(state.path(), &server, more, &["--regime", "bull", "--seconds", "0"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    };
    check("", "capital is not named");
    check("[trade]\ncapital = \"1000\"\n", "there is no [[trade.strategies]]");
    check(&STRATEGIES.replace("sma fast=5", "smaa fast=5"), "smaa");
    check(&STRATEGIES.replace("bars_s = 60", "bars_s = 90"), "whole minutes");
    check(&STRATEGIES.replace("name = \"vote\"", "name = \"trend\""), "used once");
    check(&STRATEGIES.replace("\"0.5\"", "\"0.6\""), "at most 1");
    assert!(!state.path().join("accounts").exists());
    // A computer in another time than the broker.
    let other = self::server(Wall.now() - chrono::TimeDelta::hours(2)).await;
    let run = trade(state.path(), &other, STRATEGIES, &["--regime", "bull", "--seconds", "0"]);
    assert!(run.stderr.contains("set it right first"), "{}", run.stderr);
    other.stop().await;
    server.stop().await;
    let mut command = command(state.path(), &["trade"]);
    let run = run_of(&command.output().unwrap());
    assert!(run.stderr.contains("atlas venue serve"), "{}", run.stderr);
}
