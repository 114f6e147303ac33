//! `atlas serve`: who may look, who may act, and what changes while one looks.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use common::{atlas, command};
use serde_json::Value;
use tempfile::TempDir;

struct Dashboard {
    child: Child,
    host: String,
    token: String,
}

/// A status, headers and a body.
type Answer = (u16, String, String);

impl Dashboard {
    fn start(state: &Path, words: &[&str]) -> Self {
        let words: Vec<&str> =
            ["serve", "--json", "--listen", "127.0.0.1:0"].iter().chain(words).copied().collect();
        let mut command = command(state, &words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let host = ready["url"].as_str().unwrap();
        let host = host.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { child, host, token: ready["token"].as_str().unwrap().to_owned() }
    }

    fn open(&self, method: &str, path: &str, cookie: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        )
        .unwrap();
        stream
    }

    fn ask(&self, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
        let mut text = String::new();
        self.open(method, path, cookie, body).read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_lowercase(), body.to_owned())
    }

    /// Logs in; the cookie of the session.
    fn log_in(&self) -> String {
        let (status, head, _) = self.ask("POST", "/login", "", &format!("token={}", self.token));
        assert_eq!(status, 303, "{head}");
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        assert!(cookie.contains("httponly") && cookie.contains("samesite=strict"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The word that forms carry.
    fn csrf(&self, cookie: &str) -> String {
        let (_, _, page) = self.ask("GET", "/", cookie, "");
        let after = page.split("name=\"csrf\" value=\"").nth(1).unwrap();
        after.split('"').next().unwrap().to_owned()
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn traded() -> TempDir {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "rebalance --json --as-of 2014-08-29").json();
    state
}

#[test]
fn nothing_is_shown_without_the_token_and_nothing_is_done_without_control() {
    let state = traded();
    let dashboard = Dashboard::start(state.path(), &[]);
    assert_eq!(dashboard.ask("GET", "/", "", "").0, 303);
    for path in ["/events", "/view.json"] {
        assert_eq!(dashboard.ask("GET", path, "atlas_session=made-up", "").0, 401, "{path}");
    }
    let wrong = dashboard.ask("POST", "/login", "", "token=guess");
    assert!(wrong.0 == 401 && !wrong.1.contains("set-cookie"), "{wrong:?}");

    let cookie = dashboard.log_in();
    let (status, head, page) = dashboard.ask("GET", "/", &cookie, "");
    assert_eq!(status, 200);
    for words in ["default-src 'none'", "nosniff", "no-store", "deny"] {
        assert!(head.contains(words), "{words} in {head}");
    }
    assert!(page.contains("ACTIVE") && page.contains("EXECUTED"), "{page}");
    assert!(!page.contains("style=") && !page.contains("<script>"), "nothing inline");
    assert!(!page.contains("name=\"csrf\""), "read-only unless started with --control");
    assert_eq!(dashboard.ask("POST", "/pause", &cookie, "csrf=x&why=y").0, 404);
    dashboard.ask("POST", "/logout", &cookie, "");
    assert_eq!(dashboard.ask("GET", "/view.json", &cookie, "").0, 401);
}

#[test]
fn a_viewer_sees_what_another_does() {
    let state = traded();
    let dashboard = Dashboard::start(state.path(), &["--control"]);
    let cookie = dashboard.log_in();
    let csrf = dashboard.csrf(&cookie);
    assert_eq!(dashboard.ask("POST", "/pause", &cookie, "csrf=forged&why=x").0, 403);

    let mut events = BufReader::new(dashboard.open("GET", "/events", &cookie, ""));
    let mut until = |word: &str| {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            assert!(events.read_line(&mut line).unwrap() > 0, "the stream ended before {word}");
        }
    };
    until("id=\"state\">ACTIVE");
    let (_, _, page) = dashboard.ask("POST", "/pause", &cookie, &format!("csrf={csrf}&why=lunch"));
    assert!(page.contains("Account default is PAUSED."), "{page}");
    until("id=\"state\">PAUSED");
    let refused = atlas(state.path(), "rebalance --as-of 2014-09-30");
    assert_eq!(refused.code, 7, "{refused:?}");

    let kill = |confirm: &str| format!("csrf={csrf}&confirm={confirm}");
    let (_, _, page) = dashboard.ask("POST", "/kill", &cookie, &kill("other"));
    assert!(page.contains("Nothing was done"), "{page}");
    let (_, _, page) = dashboard.ask("POST", "/resume", &cookie, &format!("csrf={csrf}&why=back"));
    assert!(page.contains("ACTIVE: books and broker agree"), "{page}");
    until("id=\"state\">ACTIVE");
    dashboard.ask("POST", "/kill", &cookie, &kill("default"));
    until("id=\"state\">HALTED");
}

#[test]
fn a_person_reduces_and_sells_from_the_page() {
    let state = traded();
    let dashboard = Dashboard::start(state.path(), &["--control"]);
    let cookie = dashboard.log_in();
    let csrf = dashboard.csrf(&cookie);
    // Reducing needs no more than a reason; selling needs the account's name as well.
    let word = format!("csrf={csrf}&why=heat");
    assert_eq!(dashboard.ask("POST", "/reduce", &cookie, "csrf=forged&why=x").0, 403);
    let (_, _, page) = dashboard.ask("POST", "/reduce", &cookie, &word);
    assert!(page.contains("Account default is REDUCING."), "{page}");
    let owned =
        || atlas(state.path(), "status --json").json()["owned"].as_object().unwrap().clone();
    let before = owned();
    let symbol = before.keys().next().unwrap();
    assert_eq!(dashboard.ask("POST", "/flatten", &cookie, "csrf=forged&confirm=default").0, 403);
    for (confirm, what) in [("other", ""), ("default", "not-a-symbol!")] {
        let form = format!("{word}&confirm={confirm}&symbol={what}");
        let (_, _, page) = dashboard.ask("POST", "/flatten", &cookie, &form);
        assert!(page.contains("Nothing was done"), "{page}");
    }
    assert_eq!(owned(), before);
    // The replay stands after the close: what is sold rests until the next opening.
    let sells = || -> Vec<String> {
        let status = atlas(state.path(), "status --json").json();
        let open = status["open_orders"].as_array().unwrap().clone();
        open.iter().map(|order| order["client_order_id"].as_str().unwrap().to_owned()).collect()
    };
    let form = format!("{word}&confirm=default&symbol={symbol}");
    let (_, _, page) = dashboard.ask("POST", "/flatten", &cookie, &form);
    assert!(page.contains("sold"), "{page}");
    assert!(matches!(sells().as_slice(), [one] if one.contains(symbol.as_str())), "{:?}", sells());
    dashboard.ask("POST", "/flatten", &cookie, &format!("{word}&confirm=default"));
    assert_eq!(sells().len(), before.len(), "all of it");
}

#[test]
fn it_refuses_to_listen_beyond_this_machine_unasked() {
    let state = traded();
    atlas(state.path(), "serve --listen 0.0.0.0:0").fails(8, &["0.0.0.0:0", "--allow-remote"]);
    let empty = TempDir::new().unwrap();
    atlas(empty.path(), "serve").fails(8, &["default", "nothing to show"]);
}
