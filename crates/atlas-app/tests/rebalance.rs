//! The main job through the built binary, on one account over eight dates and all four regimes,
//! checked against the venue's own ledger and the sample's own prices.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use atlas_core::time::Mode;
use atlas_core::{Side, Symbol};
use atlas_data::{BarSource, SampleSource, Series, Universe};
use atlas_venue::core::{Activity, Entry};
use atlas_venue::{Listing, Venue, VenueConfig};
use chrono::NaiveDate;
use common::{atlas, tree};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use tempfile::TempDir;

/// As-of dates and the regimes they are in; month-ends, and the VIX shock of February 2018.
const DATES: [(&str, &str); 8] = [
    ("2014-08-29", "bull"),
    ("2015-09-30", "bear"),
    ("2015-10-30", "neutral"),
    ("2016-08-31", "bull"),
    ("2017-11-30", "bull"),
    ("2018-02-05", "crash"),
    ("2018-07-31", "neutral"),
    ("2018-11-30", "bear"),
];

/// Closes as the sample's text has them, by date and symbol: read here without Atlas's own reader.
struct Prices(Vec<(String, BTreeMap<String, Decimal>)>);

impl Prices {
    fn read() -> Self {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../atlas-data/sample/large_caps.csv.gz");
        let mut text = String::new();
        let bytes = std::fs::read(file).unwrap();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header: Vec<String> = lines.next().unwrap().into_iter().map(str::to_owned).collect();
        let rows = lines.map(|cells| {
            let closes = header[1..].iter().cloned().zip(cells[1..].iter().map(|c| decimal(c)));
            (cells[0].to_owned(), closes.collect())
        });
        Self(rows.collect())
    }

    fn on(&self, date: &str) -> &BTreeMap<String, Decimal> {
        &self.0.iter().find(|(day, _)| day == date).unwrap().1
    }

    /// The session after a date.
    fn next(&self, date: &str) -> &str {
        &self.0.iter().find(|(day, _)| day.as_str() > date).unwrap().0
    }
}

fn decimal(text: &str) -> Decimal {
    Decimal::from_str(text).unwrap()
}

fn amount(value: &Value) -> Decimal {
    decimal(value.as_str().unwrap())
}

/// The venue's own ledger, read from its own file.
fn ledger(state: &Path) -> Vec<Activity> {
    let universe = Universe::resolve(Some("sample"), &SampleSource).unwrap();
    let market = SampleSource.load(&universe).unwrap();
    let permit = Mode::Replay.replay_permit().unwrap();
    let listings = market.series.into_values().map(|series| match series {
        Series::Adjusted(bars) => Listing::adjusted_units(bars, permit),
        Series::Raw(bars) => Listing::raw(bars),
    });
    let config = VenueConfig::realistic("2014-01-02T21:00:00Z".parse().unwrap());
    let venue = Venue::open(Some(&state.join("venue/default")), config, listings).unwrap();
    venue.inspect(|exchange| exchange.activities().to_vec())
}

/// Cash and shares, from nothing but ledger entries.
#[derive(Debug, Default, Clone, PartialEq)]
struct Books {
    cash: Decimal,
    shares: BTreeMap<Symbol, Decimal>,
}

impl Books {
    fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Fill(fill) => {
                let qty = fill.qty.to_qty().unwrap().value();
                let price = fill.price.to_price().unwrap().value();
                let sign = if fill.side == Side::Buy { Decimal::ONE } else { -Decimal::ONE };
                self.cash -= sign * qty * price;
                *self.shares.entry(fill.symbol.clone()).or_default() += sign * qty;
                self.shares.retain(|_, qty| !qty.is_zero());
            }
            Entry::Deposit(paid) => self.cash += paid.to_usd().unwrap().value(),
            Entry::Fee { amount, .. } => self.cash -= amount.to_usd().unwrap().value(),
            Entry::Posting(posting) => panic!("nothing is posted on a cash account: {posting:?}"),
        }
    }

    fn worth(&self, closes: &BTreeMap<String, Decimal>) -> Decimal {
        self.shares.iter().map(|(symbol, qty)| qty * closes[symbol.as_str()]).sum()
    }
}

/// Sells before buys, at the next session's close moved by five basis points against the taker.
fn check_fills(new: &[Activity], closes: &BTreeMap<String, Decimal>) {
    let fills = new.iter().filter_map(|activity| match &activity.entry {
        Entry::Fill(fill) => Some(fill),
        Entry::Deposit(_) | Entry::Fee { .. } | Entry::Posting(_) => None,
    });
    let mut bought = false;
    for fill in fills {
        let close = closes[fill.symbol.as_str()];
        let (factor, rounding) = match fill.side {
            Side::Buy => ("1.0005", RoundingStrategy::ToPositiveInfinity),
            Side::Sell => ("0.9995", RoundingStrategy::ToNegativeInfinity),
        };
        let expected = (close * decimal(factor)).round_dp_with_strategy(6, rounding);
        assert_eq!(fill.price.to_price().unwrap().value(), expected, "{fill:?}");
        assert!(!(bought && fill.side == Side::Sell), "a sell after a buy: {fill:?}");
        bought |= fill.side == Side::Buy;
    }
}

fn check_signals(report: &Value) {
    let mut seen = std::collections::BTreeSet::new();
    for planned in report["signals"].as_array().unwrap() {
        let id = planned["signal"]["id"].as_str().unwrap();
        assert!(seen.insert(id.to_owned()), "signal {id} twice");
        assert!(planned["outcome"].is_string(), "signal {id} has no terminal state: {planned}");
        assert!(!planned["reason"].as_str().unwrap().is_empty(), "signal {id} has no reason");
    }
    assert!(!seen.is_empty());
}

/// What the report says of the account is what the ledger adds up to.
fn check_books(report: &Value, books: &Books) {
    let after = &report["account_after"];
    assert_eq!(amount(&after["account"]["cash"]), books.cash);
    let positions = after["positions"].as_object().unwrap();
    let held: BTreeMap<Symbol, Decimal> = positions
        .iter()
        .map(|(symbol, position)| (symbol.parse().unwrap(), amount(&position["qty"])))
        .collect();
    assert_eq!(held, books.shares);
    assert_eq!(report["reconciliation"]["clean"], true, "{}", report["reconciliation"]);
}

/// At the prices decided on, no more is held than the regime allows.
fn check_allocation(
    report: &Value,
    regime: &str,
    before: &Books,
    after: &Books,
    closes: &BTreeMap<String, Decimal>,
) {
    // The deposit that opens the account is in no earlier books.
    let cash = if before.cash.is_zero() { decimal("100000") } else { before.cash };
    let equity = cash + before.worth(closes);
    assert_eq!(amount(&report["equity"]), equity);
    let allowed = match regime {
        "bull" => "1",
        "neutral" => "0.7",
        "bear" => "0.3",
        _ => "0",
    };
    let (invested, cap) = (after.worth(closes), equity * decimal(allowed) + decimal("0.005"));
    assert!(invested <= cap, "{invested} invested of {cap} allowed in {regime}");
    assert_eq!(after.shares.is_empty(), regime == "crash", "{regime} holds {:?}", after.shares);
    assert!(after.cash >= Decimal::ZERO);
}

fn check_artifact(report: &Value, day: &str) {
    let artifact = report["artifact"].as_str().unwrap();
    assert!(artifact.ends_with(&format!("{day}.json")), "{artifact}");
    let kept: Value = serde_json::from_slice(&std::fs::read(artifact).unwrap()).unwrap();
    for field in ["decision_id", "plan_hash", "regime", "signals", "orders", "fills", "artifact"] {
        assert_eq!(kept[field], report[field], "{field}");
    }
}

#[test]
fn eight_dates_on_one_account() {
    let state = TempDir::new().unwrap();
    let prices = Prices::read();
    let mut books = Books::default();
    let mut known = 0;
    for (date, regime) in DATES {
        let before = books.clone();
        let report = atlas(state.path(), &format!("rebalance --as-of {date} --json")).json();
        let next = prices.next(date);
        assert_eq!(report["status"], "executed");
        assert_eq!(report["regime"]["regime"], regime, "{date}");
        assert_eq!(report["regime"]["overridden"], false);
        assert_eq!(report["execute_on"], next);

        let ledger = ledger(state.path());
        let new = &ledger[known..];
        known = ledger.len();
        check_fills(new, prices.on(next));
        for activity in new {
            books.take(&activity.entry);
        }
        check_books(&report, &books);
        check_signals(&report);

        check_allocation(&report, regime, &before, &books, prices.on(date));
        check_artifact(&report, next);
    }
}

#[test]
fn a_second_run_for_the_same_date_places_nothing_and_says_so() {
    let state = TempDir::new().unwrap();
    let first = atlas(state.path(), "rebalance --as-of 2014-08-29 --json").json();
    let orders = ledger(state.path()).len();
    for line in
        ["rebalance --as-of 2014-08-29 --json", "rebalance --as-of 2014-08-29 --force --json"]
    {
        let second = atlas(state.path(), line).json();
        assert_eq!(second["status"], "already_done");
        assert!(second["summary"].as_str().unwrap().contains("nothing was sent"));
        assert_eq!(second["orders"], first["orders"]);
        assert_eq!(ledger(state.path()).len(), orders, "{line} moved the account");
    }
    let text = atlas(state.path(), "rebalance --as-of 2014-08-29");
    assert!(text.stdout.contains("was done before"), "{text:?}");
}

#[test]
fn a_dry_run_changes_no_byte() {
    let state = TempDir::new().unwrap();
    // On a fresh directory, and on one with a past.
    for as_of in ["2014-08-29", "2015-09-30"] {
        let before = tree(state.path());
        let report =
            atlas(state.path(), &format!("rebalance --dry-run --as-of {as_of} --json")).json();
        assert_eq!(report["status"], "dry_run");
        assert!(!report["orders"].as_array().unwrap().is_empty());
        assert!(report["account_after"].is_null());
        assert!(before == tree(state.path()), "the dry run as of {as_of} changed something");
        atlas(state.path(), &format!("rebalance --as-of {as_of} --json")).json();
    }
}

#[test]
fn an_override_counts_and_is_recorded() {
    let state = TempDir::new().unwrap();
    let line = "rebalance --as-of 2014-08-29 --regime bear --json";
    let report = atlas(state.path(), line).json();
    assert_eq!(report["regime"]["regime"], "bear");
    assert_eq!(report["regime"]["overridden"], true);
    assert_eq!(report["regime"]["estimate"]["regime"], "bull");
    assert_eq!(amount(&report["budget"]), decimal("30000"));
}

#[test]
fn a_crash_by_override_sells_everything() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "rebalance --as-of 2014-08-29 --json").json();
    let report = atlas(state.path(), "rebalance --as-of 2014-09-30 --regime crash --json").json();
    assert!(report["account_after"]["positions"].as_object().unwrap().is_empty());
    check_signals(&report);
}

#[test]
fn top_n_and_universe_narrow_the_choice() {
    let state = TempDir::new().unwrap();
    let line = "rebalance --as-of 2014-08-29 --top-n 2 --universe AAPL,KO,PG,MSFT --json";
    let report = atlas(state.path(), line).json();
    assert_eq!(report["orders"].as_array().unwrap().len(), 2);
    assert_eq!(report["signals"].as_array().unwrap().len(), 4);
    // What is held stays tradable when the universe changes.
    let line = "rebalance --as-of 2014-09-30 --universe XOM,JPM,PFE --json";
    let report = atlas(state.path(), line).json();
    let held = report["account_after"]["positions"].as_object().unwrap();
    assert!(held.keys().all(|symbol| ["XOM", "JPM", "PFE"].contains(&symbol.as_str())), "{held:?}");
}

#[test]
fn in_steps_a_person_can_stop_between() {
    let state = TempDir::new().unwrap();
    let one = TempDir::new().unwrap();
    let plan = atlas(state.path(), "plan --as-of 2016-08-31 --json").json();
    assert_eq!(plan["status"], "planned");
    assert_eq!(ledger(state.path()).len(), 1, "planning moved the account");
    atlas(state.path(), "execute").fails(8, &["atlas approve"]);
    atlas(state.path(), "approve 0123456789ab").fails(8, &["0123456789ab"]);
    let again = atlas(state.path(), "plan --as-of 2016-08-31 --json").json();
    assert_eq!(again["plan_hash"], plan["plan_hash"], "a journaled plan is never made again");
    let hash = &plan["plan_hash"].as_str().unwrap()[..12];
    assert_eq!(atlas(state.path(), &format!("approve {hash} --json")).json()["status"], "approved");
    let done = atlas(state.path(), "execute --json").json();
    assert_eq!(done["status"], "executed");
    atlas(state.path(), "execute").fails(8, &["no plan"]);
    // The same as in one go.
    let whole = atlas(one.path(), "rebalance --as-of 2016-08-31 --json").json();
    for field in ["plan_hash", "regime", "orders", "fills", "account_after"] {
        assert_eq!(done[field], whole[field], "{field}");
    }
}

#[test]
fn an_approval_expires_when_prices_drift() {
    let state = TempDir::new().unwrap();
    let config = state.path().join("atlas.toml");
    std::fs::write(
        &config,
        "[rebalance]\napproval_drift_bps = 1\n[regime]\nmissing_vix = \"flag\"\n",
    )
    .unwrap();
    let common = format!("--config {} --universe sample-ohlc", config.display());
    let line = format!("plan --as-of 2012-08-31 --json {common}");
    let plan = atlas(state.path(), &line).json();
    let hash = plan["plan_hash"].as_str().unwrap();
    let config = format!("--config {}", config.display());
    atlas(state.path(), &format!("approve {hash} {config} --json")).json();
    // The next session opens more than a basis point away from the close.
    atlas(state.path(), &format!("execute {config}")).fails(8, &["moved from", "1 bps"]);
}

#[test]
fn nothing_selected_is_a_valid_outcome() {
    let state = TempDir::new().unwrap();
    let line = "rebalance --as-of 2015-09-30 --universe RRC --json";
    let report = atlas(state.path(), line).json();
    assert_eq!(report["status"], "executed");
    assert!(report["orders"].as_array().unwrap().is_empty());
    assert!(!report["notes"].as_array().unwrap().is_empty());
    check_signals(&report);
}

#[test]
fn an_earlier_plan_that_nobody_executed_makes_room() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "plan --as-of 2014-08-29 --json").json();
    let report = atlas(state.path(), "rebalance --as-of 2014-09-30 --json").json();
    assert_eq!(report["decision_id"], 2);
    assert_eq!(report["status"], "executed");
}

#[test]
fn a_schedule_is_kept_and_force_goes_around_it_alone() {
    let state = TempDir::new().unwrap();
    let config = state.path().join("monthly.toml");
    std::fs::write(&config, "[rebalance]\nschedule = \"monthly\"\n").unwrap();
    let line = format!("rebalance --as-of 2014-08-28 --config {} --json", config.display());
    atlas(state.path(), &line).fails(8, &["2014-08-28", "month", "--force"]);
    assert_eq!(atlas(state.path(), &format!("{line} --force")).json()["status"], "executed");
}

#[test]
fn accounts_live_beside_each_other() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "rebalance --as-of 2014-08-29 --json").json();
    let other = atlas(state.path(), "rebalance --as-of 2014-08-29 --account second --json").json();
    assert_eq!((&other["status"], &other["account"]), (&"executed".into(), &"second".into()));
}

#[test]
fn the_default_date_is_the_documented_one() {
    let state = TempDir::new().unwrap();
    let report = atlas(state.path(), "rebalance --json").json();
    let date: NaiveDate = report["as_of"].as_str().unwrap().parse().unwrap();
    assert_eq!(date.to_string(), "2019-01-02");
}

#[test]
fn the_documented_configuration_is_the_built_in_one() {
    let state = TempDir::new().unwrap();
    let manual = include_str!("../../../docs/OPERATING.md");
    let toml = manual.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    // The state directory comes from the command line here.
    let config = state.path().join("documented.toml");
    std::fs::write(&config, toml).unwrap();
    let line = format!("plan --as-of 2014-08-29 --json --config {}", config.display());
    let documented = atlas(state.path(), &line).json();
    let plain = TempDir::new().unwrap();
    let built_in = atlas(plain.path(), "plan --as-of 2014-08-29 --json").json();
    assert_eq!(documented["plan_hash"], built_in["plan_hash"]);
}

#[test]
fn a_plan_nobody_began_gives_way_to_what_is_asked_for_now() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "plan --as-of 2018-07-31 --json").json();
    let report = atlas(state.path(), "rebalance --as-of 2018-07-31 --regime crash --json").json();
    assert_eq!((&report["decision_id"], &report["regime"]["regime"]), (&2.into(), &"crash".into()));
    assert!(report["fills"].as_array().unwrap().is_empty(), "a crash bought something");
    // Now it is carried out, so asking for something else is refused, not ignored.
    for line in ["rebalance --as-of 2018-07-31", "plan --as-of 2018-07-31 --top-n 2 --regime crash"]
    {
        atlas(state.path(), line).fails(8, &["decision 2", "2018-07-31"]);
    }
    let again = atlas(state.path(), "rebalance --as-of 2018-07-31 --regime crash --json").json();
    assert_eq!(again["status"], "already_done");
    assert_eq!(again["artifact"], report["artifact"]);
    assert_eq!(again["account_after"], report["account_after"]);
}

#[test]
fn a_plan_that_made_room_does_not_come_back() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "plan --as-of 2018-07-31 --json").json();
    let second = atlas(state.path(), "plan --as-of 2018-08-31 --json").json();
    atlas(state.path(), "plan --as-of 2018-07-31").fails(8, &["2018-07-31", "2018-08-31"]);
    let again = atlas(state.path(), "plan --as-of 2018-08-31 --json").json();
    assert_eq!(again["plan_hash"], second["plan_hash"]);
}

#[test]
fn a_run_that_ended_before_its_artifact_is_told_to_the_end() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "plan --as-of 2014-08-29 --json").json();
    // The plan is executed, and then the artifact's draft finds something in its way.
    let draft = state.path().join("accounts/default/artifacts/.2014-09-02.draft");
    std::fs::create_dir_all(&draft).unwrap();
    atlas(state.path(), "rebalance --as-of 2014-08-29 --json").fails(5, &["2014-09-02"]);
    std::fs::remove_dir(&draft).unwrap();
    let orders = ledger(state.path()).len();
    assert!(orders > 1, "nothing was executed");
    let report = atlas(state.path(), "rebalance --as-of 2014-08-29 --json").json();
    assert_eq!(report["status"], "executed");
    assert_eq!(report["reconciliation"]["clean"], true);
    assert!(Path::new(report["artifact"].as_str().unwrap()).exists());
    assert_eq!(ledger(state.path()).len(), orders, "something was sent again");
    let told = atlas(state.path(), "rebalance --as-of 2014-08-29 --json").json();
    assert_eq!(told["status"], "already_done");
}
