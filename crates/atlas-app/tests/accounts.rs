//! Several paper accounts in one configuration, each with keys, venue and state of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;

use atlas_core::Clock;
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_data::{BarSource, CsvSource, Series, Universe};
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

/// A venue with AAA and BBB, and so much cash.
async fn venue(data: &TempDir, seed: u64, cash: &str) -> (ServerHandle, String) {
    let last = Calendar::nyse().last_closed(Wall.now()).unwrap();
    let source = CsvSource::open(data.path()).unwrap();
    let universe = Universe::resolve(Some("AAA,BBB"), &source).unwrap();
    let listings =
        source.load(&universe).unwrap().series.into_values().map(|series| match series {
            Series::Raw(bars) => Listing::raw(bars),
            Series::Adjusted(_) => panic!("the files have raw prices"),
        });
    let config =
        VenueConfig { seed, cash: cash.parse().unwrap(), ..VenueConfig::realistic(last.close) };
    let venue = Venue::open(None, config, listings).unwrap();
    let number = venue.account_number();
    let listen = "127.0.0.1:0".parse().unwrap();
    (serve(venue, listen, ServeOptions::default()).await.unwrap(), number)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_have_keys_money_and_state_of_their_own() {
    let last = Calendar::nyse().last_closed(Wall.now()).unwrap();
    let data = common::data(last.date, |_, lines| lines);
    let (rich, rich_number) = venue(&data, 1, "500000").await;
    let (poor, poor_number) = venue(&data, 2, "20000").await;
    assert_ne!(rich_number, poor_number);
    assert_ne!(rich.key_id, poor.key_id);
    let state = TempDir::new().unwrap();
    let config = state.path().join("two.toml");
    let section = |name: &str, server: &ServerHandle, more: &str| {
        let url = server.url();
        format!("[accounts.{name}]\nbroker = \"alpaca\"\ntrading_url = \"{url}\"\n{more}")
    };
    let own = "key_id_env = \"POOR_KEY\"\nsecret_key_env = \"POOR_SECRET\"\n\
               requests_per_minute = 60\nfeed = \"iex\"\n";
    let text = section("rich", &rich, "") + &section("poor", &poor, own);
    fs::write(&config, &text).unwrap();
    let run = |line: &str, keys: &[(&str, &str)]| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.extend(["--config", config.to_str().unwrap(), "--data"]);
        words.push(data.path().to_str().unwrap());
        let mut command = command(state.path(), &words);
        command.envs(keys.iter().copied());
        run_of(&command.output().unwrap())
    };
    let keys = [
        ("APCA_API_KEY_ID", rich.key_id.as_str()),
        ("APCA_API_SECRET_KEY", rich.secret.expose()),
        // Not for an account whose address stands in the configuration.
        ("APCA_API_BASE_URL", "https://api.alpaca.markets"),
        ("POOR_KEY", poor.key_id.as_str()),
        ("POOR_SECRET", poor.secret.expose()),
    ];
    let plan =
        |name: &str| run(&format!("plan --account {name} --universe AAA,BBB --json"), &keys).json();
    let (of_rich, of_poor) = (plan("rich"), plan("poor"));
    let equity =
        |report: &serde_json::Value| report["account_before"]["account"]["equity"].to_string();
    assert!(equity(&of_rich).contains("500000"), "{of_rich}");
    assert!(equity(&of_poor).contains("20000"), "{of_poor}");
    for name in ["rich", "poor"] {
        assert!(state.path().join("accounts").join(name).join("journal.sqlite").exists());
    }

    // However much is logged, no key is.
    let mut loud = keys.to_vec();
    loud.push(("ATLAS_LOG", "trace"));
    let told = run("plan --account poor --universe AAA,BBB", &loud);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stderr.contains("atlas_broker"), "something is logged");
    for secret in [rich.secret.expose(), poor.secret.expose(), &poor.key_id] {
        assert!(!format!("{told:?}").contains(secret), "a key is logged");
    }

    run("plan --account poor --universe AAA,BBB", &keys[..3]).fails(3, &["POOR_KEY", "not set"]);
    let crossed = [("POOR_KEY", rich.key_id.as_str()), ("POOR_SECRET", rich.secret.expose())];
    run("plan --account poor --universe AAA,BBB", &crossed).fails(6, &["refused the credentials"]);
    run("plan --account third", &keys).fails(3, &["third", "poor, rich"]);
    let same = section("rich", &rich, "") + &section("poor", &poor, "");
    fs::write(&config, same).unwrap();
    run("plan --account poor", &keys).fails(3, &["accounts.poor and accounts.rich", "key_id_env"]);
    rich.stop().await;
    poor.stop().await;
}
