//! A paper account at a venue of the test's own, on loopback.
#![allow(dead_code, reason = "each test target uses its own part")]

use std::path::PathBuf;
use std::process::Command;

use atlas_core::calendar::{Calendar, Session};
use atlas_core::time::Timestamp;
use atlas_core::{Clock, Side};
use atlas_data::{BarSource, CsvSource, Series, Universe};
use atlas_venue::core::{Class, Entry, Kind, NANO, NewOrder, Shares, Size, Tif};
use atlas_venue::server::{ServeOptions, ServerHandle, serve};
use atlas_venue::{Listing, Venue, VenueConfig};
use tempfile::TempDir;

use super::{Run, command, data, run_of};

/// The computer's clock.
pub(crate) struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "a paper account lives in real time")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }
}

/// The venue, its server, and the files an account on it needs.
pub(crate) struct Remote {
    pub(crate) state: TempDir,
    pub(crate) venue: Venue,
    pub(crate) server: ServerHandle,
    /// The last session that has closed.
    pub(crate) last: Session,
    data: TempDir,
    config: PathBuf,
}

impl Remote {
    /// A venue whose clock stands ten minutes after the last session's opening.
    pub(crate) async fn open(settings: &str) -> Self {
        let last = Calendar::nyse().last_closed(Wall.now()).unwrap();
        let data = data(last.date, |_, lines| lines);
        let source = CsvSource::open(data.path()).unwrap();
        let universe = Universe::resolve(Some("AAA,BBB"), &source).unwrap();
        let series = source.load(&universe).unwrap().series.into_values();
        // The files have raw prices.
        let listings = series.filter_map(|series| match series {
            Series::Raw(bars) => Some(Listing::raw(bars)),
            Series::Adjusted(_) => None,
        });
        let start = last.open + chrono::TimeDelta::minutes(10);
        let venue = Venue::open(None, VenueConfig::realistic(start), listings).unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let server = serve(venue.clone(), listen, ServeOptions::default()).await.unwrap();
        let state = TempDir::new().unwrap();
        let config = state.path().join("paper.toml");
        let url = server.url();
        let text = format!(
            "account = \"remote\"\n[accounts.remote]\nbroker = \"alpaca\"\n\
             trading_url = \"{url}\"\ndata_url = \"{url}\"\n{settings}"
        );
        std::fs::write(&config, text).unwrap();
        Self { state, venue, server, last, data, config }
    }

    /// The account's folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.state.path().join("accounts/remote")
    }

    /// The command with the account's files and credentials.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        words.extend(["--config", self.config.to_str().unwrap(), "--data"].map(str::to_owned));
        words.push(self.data.path().to_str().unwrap().to_owned());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = command(self.state.path(), &words);
        command.env("APCA_API_KEY_ID", &self.server.key_id);
        command.env("APCA_API_SECRET_KEY", self.server.secret.expose());
        command
    }

    /// Runs it.
    pub(crate) fn run(&self, line: &str) -> Run {
        run_of(&self.command(line).output().unwrap())
    }

    /// An order of another client at the venue.
    pub(crate) fn trade(&self, id: &str, side: Side, symbol: &str, shares: i64, kind: Kind) {
        let order = NewOrder {
            client_order_id: Some(id.to_owned()),
            symbol: symbol.parse().unwrap(),
            side,
            size: Size::Shares(Shares::from_nanos(shares * NANO).unwrap()),
            kind,
            tif: Tif::Gtc,
            extended_hours: false,
            class: Class::Simple,
            take_profit: None,
            stop_loss: None,
        };
        self.venue.submit(order).unwrap();
    }

    /// Shares of a symbol at the venue, by its ledger.
    pub(crate) fn held(&self, symbol: &str) -> i64 {
        self.venue.inspect(|exchange| {
            let mut held = 0;
            for activity in exchange.activities() {
                if let Entry::Fill(fill) = &activity.entry
                    && fill.symbol.as_str() == symbol
                {
                    let sign = if fill.side == Side::Buy { 1 } else { -1 };
                    held += sign * fill.qty.nanos() / NANO;
                }
            }
            held
        })
    }

    /// Orders at the venue that may still fill, by their senders' names.
    pub(crate) fn open_orders(&self) -> Vec<String> {
        self.venue.inspect(|exchange| {
            exchange.open_orders().map(|order| order.client_order_id.clone()).collect()
        })
    }
}

/// Makes the next process that takes an account hang, with its lock held, until [`release`]: the
/// note of the last record is a pipe that nobody writes to.
pub(crate) fn hang(account: &std::path::Path) {
    let head = account.join("head");
    std::fs::rename(&head, account.join("head.kept")).unwrap();
    assert!(Command::new("mkfifo").arg(&head).status().unwrap().success());
}

/// Lets the process that hangs go on.
pub(crate) fn release(account: &std::path::Path) {
    use std::io::Write as _;
    let (head, kept) = (account.join("head"), account.join("head.kept"));
    let text = std::fs::read(&kept).unwrap();
    let mut pipe = std::fs::OpenOptions::new().write(true).open(&head).unwrap();
    std::fs::rename(&kept, &head).unwrap();
    pipe.write_all(&text).unwrap();
}
