//! `atlas venue serve` as other programs start it: one line of JSON, keys, restarts, signals.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{atlas_words, command, run_of};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server that runs, and what it said when it was ready.
struct Served {
    child: Child,
    ready: Value,
}

impl Served {
    fn start(state: &Path, words: &[&str]) -> Self {
        let words: Vec<&str> = ["venue", "serve"].iter().chain(words).copied().collect();
        let mut command = command(state, &words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Self { child, ready }
    }

    fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let keys = format!(
            "APCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}\r\n",
            self.text("key_id"),
            self.text("secret_key")
        );
        self.call_with(&keys, method, path, body)
    }

    fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let token = format!("Atlas-Admin-Token: {}\r\n", self.text("admin_token"));
        self.call_with(&token, method, path, body)
    }

    fn call_with(
        &self,
        headers: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let host = self.text("trading_url").strip_prefix("http://").unwrap().to_owned();
        let body = body.map(ToString::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(&host).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Sends a signal and waits for the end; standard output must have held one line alone.
    fn stop(mut self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let mut rest = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "one line is printed");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}

#[test]
fn it_serves_without_options_and_stops_on_both_signals() {
    for signal in ["-TERM", "-INT"] {
        let state = TempDir::new().unwrap();
        let served = Served::start(state.path(), &[]);
        for name in ["trading_url", "data_url"] {
            assert!(served.text(name).starts_with("http://127.0.0.1:"));
        }
        assert!(served.text("stream_url").ends_with("/stream"));
        assert!(served.text("data_stream_url").ends_with("/v2/iex"));
        let (status, clock) = served.call("GET", "/v2/clock", None);
        assert_eq!((status, &clock["is_open"]), (200, &json!(true)));
        let (_, account) = served.call("GET", "/v2/account", None);
        assert_eq!(account["cash"], "100000");
        assert_eq!(served.call_with("", "GET", "/v2/account", None).0, 401);
        served.stop(signal);
    }
}

#[test]
fn a_restart_loses_nothing() {
    let state = TempDir::new().unwrap();
    let words = ["--as-of", "2018-12-20", "--cash", "5000", "--clock", "stepped"];
    let served = Served::start(state.path(), &words);
    let order = json!({ "symbol": "AAPL", "qty": 2, "side": "buy", "type": "market",
                        "time_in_force": "day", "client_order_id": "kept" });
    assert_eq!(served.call("POST", "/v2/orders", Some(&order)).0, 200);
    let to = json!({ "advance_to": "2018-12-20T18:00:00Z" });
    assert_eq!(served.admin("POST", "/atlas/v1/clock", Some(&to)).0, 200);
    let told = |served: &Served| {
        ["/v2/account", "/v2/positions", "/v2/orders?status=all", "/v2/account/activities"]
            .map(|path| served.call("GET", path, None))
    };
    let (before, ready) = (told(&served), served.ready.clone());
    served.stop("-TERM");

    let served = Served::start(state.path(), &words);
    assert_eq!(told(&served), before);
    assert_eq!(served.ready["now"], to["advance_to"]);
    for name in ["key_id", "secret_key", "admin_token", "account_number"] {
        assert_eq!(served.ready[name], ready[name], "{name}");
    }
    let (status, refused) = served.call("POST", "/v2/orders", Some(&order));
    assert_eq!((status, &refused["code"]), (422, &json!(40_010_001)));
    // The books have one owner at a time.
    let second = run_of(&command(state.path(), &["venue", "serve"]).output().unwrap());
    second.fails(5, &["in use"]);
    served.stop("-TERM");
    // Its fills would stand in prices that never were.
    let other = command(state.path(), &["venue", "serve", "--seed", "7"]).output().unwrap();
    run_of(&other).fails(5, &["--data sample --seed 0", "--seed 7"]);
    let other = command(state.path(), &["venue", "serve", "--universe", "AAPL,KO"]);
    run_of(&{ other }.output().unwrap()).fails(5, &["no --universe", "--universe AAPL,KO"]);
}

#[test]
fn the_clock_runs_inside_of_the_session() {
    let state = TempDir::new().unwrap();
    let served = Served::start(state.path(), &["--speed", "100000"]);
    // However fast this machine is, the first answer is later than the start.
    loop {
        let (_, clock) = served.call("GET", "/v2/clock", None);
        let now: chrono::DateTime<chrono::FixedOffset> =
            clock["timestamp"].as_str().unwrap().parse().unwrap();
        if now > served.text("now").parse::<chrono::DateTime<chrono::FixedOffset>>().unwrap() {
            break;
        }
    }
    served.stop("-TERM");
}

#[test]
fn several_accounts_have_keys_and_books_of_their_own() {
    let state = TempDir::new().unwrap();
    let served = Served::start(state.path(), &["--accounts", "2"]);
    let accounts = served.ready["accounts"].as_array().unwrap().clone();
    assert_eq!(accounts.len(), 2);
    assert_eq!(accounts[0]["key_id"], served.ready["key_id"]);
    for account in &accounts {
        let text = |name: &str| account[name].as_str().unwrap();
        let (key, secret) = (text("key_id"), text("secret_key"));
        let keys = format!("APCA-API-KEY-ID: {key}\r\nAPCA-API-SECRET-KEY: {secret}\r\n");
        let (_, body) = served.call_with(&keys, "GET", "/v2/account", None);
        assert_eq!(body["account_number"], account["account_number"]);
    }
    served.stop("-TERM");
}

#[test]
fn a_session_is_served_as_if_it_were_now() {
    let state = TempDir::new().unwrap();
    let served = Served::start(state.path(), &["--clock", "wall"]);
    let (_, clock) = served.call("GET", "/v2/clock", None);
    assert_eq!(clock["is_open"], true);
    let shown: chrono::DateTime<chrono::FixedOffset> =
        clock["timestamp"].as_str().unwrap().parse().unwrap();
    // Not the date of any data.
    assert!(*shown.to_rfc3339() > *"2026");
    served.stop("-TERM");
}

#[test]
fn bad_options_are_named() {
    let state = TempDir::new().unwrap();
    let fails = |words: &[&str], code, named: &[&str]| {
        let words: Vec<&str> = ["venue", "serve"].iter().chain(words).copied().collect();
        atlas_words(state.path(), &words).fails(code, named);
    };
    fails(&["--listen", "0.0.0.0:0"], 3, &["0.0.0.0:0", "loopback"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    fails(&["--listen", &addr], 6, &[&addr]);
    assert!(!state.path().join("serve").exists(), "no account was opened for it");
    fails(&["--listen", "nowhere"], 2, &["--listen"]);
    fails(&["--cash=-1"], 2, &["--cash"]);
    fails(&["--speed=-1"], 2, &["--speed"]);
    fails(&["--clock", "wall", "--speed", "2"], 2, &["--speed means nothing"]);
    fails(&["--as-of", "2029-01-02"], 4, &["2029-01-02", "sample has prices from"]);
    fails(&["--as-of", "2019-01-01"], 4, &["2019-01-01"]);
    fails(&["--data", "/no/such/folder"], 4, &["/no/such/folder"]);
    fails(&["--data", "alpaca"], 2, &["--data"]);
    fails(&["--account", "mine"], 2, &["--account means nothing"]);
    fails(&["--json"], 2, &["--json means nothing"]);
    fails(&["--halted", "KO,NOPE"], 4, &["NOPE in --halted is not listed"]);
    fails(&["--assets", "/no/such/file.csv"], 4, &["/no/such/file.csv"]);
    fails(&["--stream-connections", "0"], 2, &["--stream-connections"]);
}

#[test]
fn securities_and_limits_are_as_told() {
    let state = TempDir::new().unwrap();
    let assets = state.path().join("assets.csv");
    let text =
        "symbol,exchange,shortable,margin_long,margin_short\nKO,AMEX,,60,100\nMSFT,,false,,\n";
    std::fs::write(&assets, text).unwrap();
    let words = [
        "--clock",
        "stepped",
        "--assets",
        assets.to_str().unwrap(),
        "--not-shortable",
        "AAPL,XOM",
        "--halted",
        "GE",
    ];
    let served = Served::start(state.path(), &words);
    let limits = &served.ready["limits"];
    assert_eq!(limits["requests_per_minute"], 200);
    assert_eq!(limits["stream_connections"], Value::Null);
    let notes = served.ready["data"]["notes"].as_array().unwrap();
    assert!(notes[0].as_str().unwrap().ends_with(": open, high and low made from closes, seed 0"));
    let asset = |symbol: &str| served.call("GET", &format!("/v2/assets/{symbol}"), None).1;
    let ko = asset("KO");
    assert_eq!((&ko["exchange"], &ko["margin_requirement_long"]), (&json!("AMEX"), &json!("60")));
    assert_eq!(asset("AAPL")["exchange"], "NASDAQ");
    for (symbol, lends) in [("AAPL", false), ("MSFT", false), ("XOM", false), ("KO", true)] {
        assert_eq!(asset(symbol)["shortable"], lends, "{symbol}");
    }
    let (_, halts) = served.admin("GET", "/atlas/v1/halts", None);
    assert_eq!(halts, json!({ "halted": ["GE"] }));
    // The limit counts real minutes: 200 requests fit in none of two of them twice.
    let refused = (0..401).any(|_| served.call("GET", "/v2/clock", None).0 == 429);
    assert!(refused, "the limit of Alpaca's is on");
    served.stop("-TERM");
    let other = TempDir::new().unwrap();
    let served = Served::start(other.path(), &["--clock", "stepped", "--rate-limit", "0"]);
    assert_eq!(served.ready["limits"]["requests_per_minute"], Value::Null);
    served.stop("-TERM");
}

#[test]
fn a_folder_may_hold_bars_within_days_and_actions() {
    let state = TempDir::new().unwrap();
    let data = TempDir::new().unwrap();
    std::fs::create_dir(data.path().join("actions")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(data.path().join(name), text).unwrap();
    write(
        "SPY_1min.csv",
        "ts,open,high,low,close,volume,vwap,trades\n\
         2024-02-20T08:00:00-05:00,10,10.2,10,10.1,300,10.1,3\n\
         2024-02-20T09:30:00-05:00,10.5,10.8,10.4,10.7,5000,10.6,50\n\
         2024-02-21T09:30:00-05:00,5.3,5.5,5.2,5.4,8000,5.3,80\n\
         2024-02-21T20:00:00-05:00,5.4,5.4,5.4,5.4,1,5.4,1\n",
    );
    write("actions/SPY.csv", "date,dividend,split_ratio\n2024-02-21,0.1,2.0\n");
    let folder = data.path().to_str().unwrap();
    let words = ["--data", folder, "--clock", "stepped", "--slippage", "half-spread:4"];
    let served = Served::start(state.path(), &words);
    let note = "SPY: 3 bars of 1 min, 1 outside of trading hours not used";
    let notes = &served.ready["data"]["notes"];
    assert_eq!(notes[0], note);
    assert_eq!(notes[1], "BTC/USD, DOGE/USD, ETH/USD, LTC/USD, SOL/USD: made, seed 0");
    let settings = &served.ready["settings"];
    assert_eq!(
        (&settings["profile"], &settings["slippage"]),
        (&json!("alpaca-paper"), &json!("half-spread:4"))
    );
    let path = "/v2/stocks/SPY/bars?timeframe=1Min&start=2024-02-20T00:00:00Z";
    let (status, bars) = served.call("GET", path, None);
    assert_eq!(
        (status, &bars["bars"][0]["vw"], &bars["bars"][1]["v"]),
        (200, &json!(10.1), &json!(5000))
    );
    let order = json!({ "symbol": "SPY", "qty": "10", "side": "buy", "type": "market",
                        "time_in_force": "day" });
    assert_eq!(served.call("POST", "/v2/orders", Some(&order)).0, 200);
    let to = json!({ "advance_to": "2024-02-21T15:00:00Z" });
    assert_eq!(served.admin("POST", "/atlas/v1/clock", Some(&to)).0, 200);
    assert_eq!(served.call("GET", "/v2/positions/SPY", None).1["qty"], "20");
    let path = "/v1/corporate-actions?symbols=SPY&start=2024-02-01&end=2024-02-29";
    let (_, actions) = served.call("GET", path, None);
    assert_eq!(actions["corporate_actions"]["forward_splits"][0]["new_rate"], 2);
    served.stop("-TERM");

    // Prices that do not show it are adjusted for it already.
    write("actions/SPY.csv", "date,split_ratio\n2024-02-21,0.5\n");
    let words = ["venue", "serve", "--data", folder];
    let refused = run_of(&command(state.path(), &words).output().unwrap());
    refused.fails(4, &["SPY splits 1 for 2", "do not show"]);
    let words = ["venue", "serve", "--slippage", "much"];
    let refused = run_of(&command(state.path(), &words).output().unwrap());
    refused.fails(2, &["half-spread"]);
}
