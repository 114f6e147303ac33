//! An account at a venue's server on loopback, ready for a rebalance that sells and buys, to be
//! played again and again from the same beginning.
#![allow(dead_code, reason = "each test target uses its own part")]

use std::path::{Path, PathBuf};
use std::process::Command;

use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_data::{BarSource, CsvSource, Series, Universe};
use atlas_venue::core::Entry;
use atlas_venue::server::{ServeOptions, ServerHandle, serve};
use atlas_venue::{Listing, Venue, VenueConfig};
use chrono::{NaiveDate, TimeDelta};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::trap::{Trap, Watched, watch};
use crate::common::{Run, command, data, run_of};

/// What is asked of the program, in this order: what AAA was bought with goes into BBB.
pub(crate) const COMMANDS: [&str; 2] =
    ["rebalance --universe BBB --regime bull --json", "execute --json"];

/// What is left in the end, at the venue and in the journal.
#[derive(Debug, PartialEq)]
pub(crate) struct End {
    pub(crate) orders: Vec<String>,
    pub(crate) ledger: Vec<String>,
    pub(crate) books: Value,
}

/// A run that nobody disturbed.
pub(crate) struct Undisturbed {
    /// Calls of each command: sync, send, change.
    pub(crate) calls: [[u64; 3]; 2],
    pub(crate) end: End,
}

/// An account that holds something, with the venue's clock in a session in which it may trade.
pub(crate) struct Stage {
    runtime: Runtime,
    base: TempDir,
    data: TempDir,
    listings: Vec<Listing>,
    start: Timestamp,
}

/// A copy of the stage with a server in front of it.
pub(crate) struct Scene<'a> {
    stage: &'a Stage,
    pub(crate) dir: TempDir,
    pub(crate) venue: Venue,
    server: ServerHandle,
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

impl Stage {
    pub(crate) fn set() -> Self {
        let data = data(date("2019-02-28"), |_, lines| lines);
        let source = CsvSource::open(data.path()).unwrap();
        let universe = Universe::resolve(Some("AAA,BBB"), &source).unwrap();
        // The files have raw prices.
        let series = source.load(&universe).unwrap().series.into_values();
        let listings = series
            .filter_map(|series| match series {
                Series::Raw(bars) => Some(Listing::raw(bars)),
                Series::Adjusted(_) => None,
            })
            .collect();
        let nyse = Calendar::nyse();
        let within = |text| nyse.session(date(text)).unwrap().open + TimeDelta::minutes(30);
        let stage = Self {
            runtime: Runtime::new().unwrap(),
            base: TempDir::new().unwrap(),
            data,
            listings,
            start: within("2019-01-02"),
        };
        let venue =
            Venue::open(Some(&stage.base.path().join("venue")), stage.config(), stage.all())
                .unwrap();
        let settings = "account = \"remote\"\n[execution]\nfill_wait_s = 1\npoll_s = 1\n\
                        [accounts.remote]\nbroker = \"alpaca\"\nclock = \"broker\"\n";
        std::fs::write(stage.base.path().join("paper.toml"), settings).unwrap();
        let scene = stage.scene_at(TempDir::new().unwrap(), venue);
        for line in ["rebalance --universe AAA --regime bull --json", "execute --json"] {
            let run = scene.run_in(stage.base.path(), line);
            assert_eq!(run.code, 0, "{run:?}");
        }
        scene.venue.advance_to(within("2019-02-01")).unwrap();
        scene.close();
        stage
    }

    fn config(&self) -> VenueConfig {
        VenueConfig::realistic(self.start)
    }

    fn all(&self) -> Vec<Listing> {
        self.listings.clone()
    }

    fn scene_at(&self, dir: TempDir, venue: Venue) -> Scene<'_> {
        let listen = "127.0.0.1:0".parse().unwrap();
        let server =
            self.runtime.block_on(serve(venue.clone(), listen, ServeOptions::default())).unwrap();
        Scene { stage: self, dir, venue, server }
    }

    /// A copy of it all, with a server in front of the venue.
    pub(crate) fn scene(&self) -> Scene<'_> {
        let dir = TempDir::new().unwrap();
        copy(self.base.path(), dir.path());
        let venue = Venue::reopen(&dir.path().join("venue"), self.config(), self.all()).unwrap();
        self.scene_at(dir, venue)
    }

    /// What comes of it if nothing goes wrong.
    pub(crate) fn undisturbed(&self) -> Undisturbed {
        let scene = self.scene();
        let calls = [0, 1].map(|index| {
            let watched = scene.watch(index, None);
            assert_eq!(watched.run.code, 0, "{watched:?}");
            watched.calls
        });
        let end = scene.end();
        assert!(end.orders.len() >= 3, "{end:?}");
        assert!(end.orders.iter().any(|order| order.contains("Sell")), "{end:?}");
        scene.close();
        Undisturbed { calls, end }
    }
}

impl Scene<'_> {
    /// The program with the account's files and credentials.
    fn command(&self, dir: &Path, line: &str) -> Command {
        let config = dir.join("paper.toml");
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let (config, data) = (config.to_str().unwrap(), self.stage.data.path().to_str().unwrap());
        words.extend(["--config", config, "--data", data]);
        let mut command = command(&dir.join("state"), &words);
        command.env("APCA_API_KEY_ID", &self.server.key_id);
        command.env("APCA_API_SECRET_KEY", self.server.secret.expose());
        // Not in the configuration, which the approval is bound to.
        command.env("APCA_API_BASE_URL", self.server.url());
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, line: &str) -> Run {
        self.run_in(self.dir.path(), line)
    }

    fn run_in(&self, dir: &Path, line: &str) -> Run {
        run_of(&self.command(dir, line).output().unwrap())
    }

    /// Runs one of the commands under watch.
    pub(crate) fn watch(&self, index: usize, trap: Option<Trap>) -> Watched {
        let command = self.command(self.dir.path(), COMMANDS[index]);
        watch(&command, trap, self.dir.path()).unwrap()
    }

    /// Every order the venue has, first the sender's name for it.
    pub(crate) fn orders(&self) -> Vec<String> {
        self.venue.inspect(|exchange| {
            let orders = exchange.orders().iter().map(|order| {
                let (id, side, symbol) = (&order.client_order_id, order.side, &order.symbol);
                let (size, status, filled) = (order.size, order.status, order.filled);
                format!("{id} {side:?} {symbol} {size:?} {status:?} {filled}")
            });
            orders.collect()
        })
    }

    /// What is left, with proof that journal and broker agree.
    pub(crate) fn end(&self) -> End {
        let verified = self.run("journal verify");
        assert_eq!(verified.code, 0, "{verified:?}");
        let compared = self.run("reconcile --json").json();
        assert_eq!((&compared["clean"], &compared["state"]), (&true.into(), &"ACTIVE".into()));
        let status = self.run("status --json").json();
        assert!(status["pending"].is_null(), "{status}");
        let ledger = self.venue.inspect(|exchange| {
            let ledger = exchange.activities().iter().map(|activity| match &activity.entry {
                Entry::Fill(fill) => {
                    let (id, qty, price) = (&fill.client_order_id, fill.qty, fill.price);
                    format!("{id} {qty} at {price}")
                }
                other @ (Entry::Deposit(_) | Entry::Fee { .. } | Entry::Posting(_)) => {
                    format!("{other:?}")
                }
            });
            ledger.collect()
        });
        End { orders: self.orders(), ledger, books: status["owned"].clone() }
    }

    pub(crate) fn close(self) {
        self.stage.runtime.block_on(self.server.stop());
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
