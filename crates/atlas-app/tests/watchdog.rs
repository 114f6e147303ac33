//! The watchdog through the built binary: quiet while all is well, thorough when it is not.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use atlas_core::Side;
use atlas_venue::core::{Kind, NANO, Px};
use common::remote::{Remote, hang, release};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_falls_silent_is_fenced_and_its_entries_are_canceled() {
    let remote = Remote::open("").await;
    remote.run("watchdog --once").fails(8, &["no journal"]);
    remote.run("plan --json").json();
    let ping = remote.state.path().join("ping");
    let line = format!("watchdog --once --ping {} --json", ping.display());
    let calm = remote.run(&line).json();
    assert_eq!((&calm["sight"], &calm["alarm"]), (&"idle".into(), &false.into()));
    assert!(ping.exists());
    assert!(!remote.folder().join("fence").exists());

    let limit = Kind::Limit(Px::from_nanos(NANO).unwrap());
    remote.trade("others", Side::Buy, "BBB", 1, limit);
    remote.trade("atlas-remote-9-buy-BBB-0", Side::Buy, "BBB", 1, limit);
    hang(&remote.folder());
    let hanging =
        remote.command("reconcile").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let hook = remote.state.path().join("hook.sh");
    let told = remote.state.path().join("told");
    fs::write(&hook, format!("#!/bin/sh\nprintf '%s' \"$1\" > {}\n", told.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let line = format!("watchdog --silence 1 --interval 1 --once --hook {}", hook.display());
    let look = |_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        remote.run(&line)
    };
    let alarm = (0..200).map(look).find(|run| run.code != 0);
    let run = alarm.unwrap();
    assert_eq!(run.code, 10, "{run:?}");
    assert!(run.stderr.contains(&hanging.id().to_string()), "{run:?}");
    assert!(remote.folder().join("fence").exists());
    assert_eq!(remote.open_orders(), ["others"]);
    let incidents = fs::read_to_string(remote.folder().join("incidents.jsonl")).unwrap();
    let incident: Value = serde_json::from_str(incidents.lines().last().unwrap()).unwrap();
    assert_eq!(incident["severity"], "critical");
    assert!(fs::read_to_string(told).unwrap().contains("1 entries canceled"));

    // Without --once it stays: whoever takes the fence down is told again.
    fs::remove_file(remote.folder().join("fence")).unwrap();
    let mut staying = remote
        .command("watchdog --silence 1 --interval 1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..2 {
        let stands = || remote.folder().join("fence").exists();
        let stood = (0..1_000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            stands()
        });
        assert!(stood, "nobody raised it again");
        assert!(staying.try_wait().unwrap().is_none(), "it went away");
        fs::remove_file(remote.folder().join("fence")).unwrap();
    }
    let stood = (0..1_000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        remote.folder().join("fence").exists()
    });
    assert!(stood, "nobody raised it a third time");
    staying.kill().unwrap();
    staying.wait().unwrap();
    release(&remote.folder());
    drop(hanging.wait_with_output().unwrap());
    let status = remote.run("status --json").json();
    assert_eq!(status["state"], "HALTED");
    assert_eq!(status["fence"]["by"], "watchdog");
    remote.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watchdog_gives_a_sign_of_its_own_life() {
    let remote = Remote::open("").await;
    remote.run("plan --json").json();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = [0_u8; 256];
        let length = stream.read(&mut text).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    });
    let run = remote.run(&format!("watchdog --once --ping http://{address}/alive/remote"));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(heard.join().unwrap().starts_with("GET /alive/remote HTTP/1.1"));
    remote.run("watchdog --once --ping ftp://x/").fails(2, &["http://", "https://"]);
    remote.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_that_died_stops_the_account_and_one_that_was_ended_does_not() {
    let remote = Remote::open("").await;
    remote.run("plan --json").json();
    let sign = remote.folder().join("schedule");
    let start = || {
        let mut command = remote.command("schedule");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !sign.exists() {
            std::thread::yield_now();
        }
        child
    };
    let end = |mut child: std::process::Child, signal: &str| {
        let id = child.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
        child.wait().unwrap()
    };
    assert!(end(start(), "-TERM").success());
    assert!(!sign.exists());
    let calm = remote.run("watchdog --once --json").json();
    assert_eq!(calm["sight"], "idle");
    end(start(), "-KILL");
    assert!(sign.exists());
    // As if it had died an hour ago; the journal was written a moment ago, by the plan.
    let long_ago = r#"{"at":"2019-01-03T15:00:00Z","pid":1}"#;
    fs::write(&sign, long_ago).unwrap();
    let quiet = remote.run("watchdog --once --json").json();
    assert_eq!(quiet["sight"], "idle", "the account was worked on just now");
    remote.server.stop().await;
}
