//! Journals that were tampered with, cut off, or written by somebody else.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use atlas_core::time::{FixedClock, Timestamp};
use rusqlite::Connection;

use super::*;
use crate::event::{ArtifactWritten, OverrideRecorded, StateEntered};
use crate::folder::{AccountFolder, copy_state};
use crate::session::Session;
use crate::states::{Cause, TradingState};

fn now() -> Timestamp {
    "2019-01-03T14:35:00.123456789Z".parse().unwrap()
}

fn event(number: u64) -> Event {
    Event::OverrideRecorded(OverrideRecorded {
        what: "regime".into(),
        from: "bull".into(),
        to: format!("number {number}"),
        by: "me".into(),
        why: "a test".into(),
        config: None,
    })
}

fn draft(number: u64) -> Draft {
    Draft { ts_event: now(), decision_id: Some(DecisionId(number)), event: event(number) }
}

fn journal(path: &Path) -> Result<Journal, Error> {
    Journal::open(Box::new(SqliteStorage::open(path)?))
}

/// A journal of `count` records; gives its path and head.
fn written(dir: &Path, count: u64) -> (PathBuf, Hash) {
    let path = dir.join("journal.sqlite");
    let mut journal = journal(&path).unwrap();
    for number in 1..=count {
        journal.append(now(), vec![draft(number)]).unwrap();
    }
    (path, journal.state().head())
}

#[test]
fn what_is_written_is_what_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (path, head) = written(dir.path(), 3);
    let mut again = journal(&path).unwrap();
    assert_eq!((again.state().seq(), again.state().head()), (3, head));
    again.append(now(), vec![draft(4), draft(5)]).unwrap();
    let mut seen = Vec::new();
    again
        .replay(&mut |record, hash| {
            assert_eq!(record.hash(), hash);
            seen.push(Event::decode(record.seq, &record.kind, record.version, &record.payload)?);
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, (1..=5).map(event).collect::<Vec<_>>());
}

#[test]
fn every_tampering_is_found_at_its_record_and_changes_nothing() {
    let damages: [(&str, u64); 7] = [
        ("UPDATE record SET payload = replace(payload, 'number 3', 'number 9') WHERE seq = 3", 3),
        ("UPDATE record SET ts_event = ts_event + 1 WHERE seq = 2", 2),
        ("UPDATE record SET decision_id = NULL WHERE seq = 5", 5),
        ("UPDATE record SET kind = 'artifact_written' WHERE seq = 4", 4),
        ("UPDATE record SET prev_hash = hash WHERE seq = 4", 4),
        ("DELETE FROM record WHERE seq = 3", 4),
        ("UPDATE record SET hash = 'no hash' WHERE seq = 1", 1),
    ];
    for (damage, seq) in damages {
        let dir = tempfile::tempdir().unwrap();
        let (path, _) = written(dir.path(), 5);
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "DROP TRIGGER record_is_never_changed; DROP TRIGGER record_is_never_deleted",
            )
            .unwrap();
        assert_eq!(connection.execute(damage, []).unwrap(), 1);
        drop(connection);
        let before = fs::read(&path).unwrap();
        let error = journal(&path).unwrap_err();
        let Error::Corrupt { seq: found, .. } = &error else { panic!("{damage}: {error}") };
        assert_eq!(*found, seq, "{damage}: {error}");
        assert!(error.to_string().contains(&format!("at record {seq}: ")), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before, "{damage}");
        let verified = verify(&path, &[]).unwrap();
        let [Finding::Broken { seq: found, .. }] = &verified.findings[..] else {
            panic!("{damage}: {verified:?}")
        };
        assert_eq!(
            (*found, verified.records),
            (seq, if seq == 4 && damage.starts_with('D') { 2 } else { seq - 1 })
        );
    }
}

#[test]
fn records_are_never_changed_nor_deleted_by_accident() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = written(dir.path(), 2);
    let connection = Connection::open(&path).unwrap();
    for attempt in ["UPDATE record SET kind = 'x'", "DELETE FROM record"] {
        let error = connection.execute(attempt, []).unwrap_err().to_string();
        assert!(error.contains("journal records are never"), "{error}");
    }
}

#[test]
fn a_tail_that_was_cut_off_shows_by_the_artifacts() {
    let dir = tempfile::tempdir().unwrap();
    let (path, head) = written(dir.path(), 5);
    let artifacts = [("2019-01-03.json".to_owned(), head)];
    assert!(verify(&path, &artifacts).unwrap().is_whole());
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("DROP TRIGGER record_is_never_deleted; DELETE FROM record WHERE seq > 3")
        .unwrap();
    drop(connection);
    // The chain itself is whole.
    assert_eq!(journal(&path).unwrap().state().seq(), 3);
    let [Finding::HeadMissing { artifact, .. }] = &verify(&path, &artifacts).unwrap().findings[..]
    else {
        panic!("the missing head was not found")
    };
    assert_eq!(artifact, "2019-01-03.json");
}

#[test]
fn cut_files_are_refused_and_left_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = written(dir.path(), 200);
    let whole = fs::read(&path).unwrap();
    for kept in [whole.len() - 4096, whole.len() / 2, 5000, 4096, 100, 10] {
        fs::write(&path, &whole[..kept]).unwrap();
        let error = journal(&path).unwrap_err();
        assert!(
            matches!(error, Error::Corrupt { .. } | Error::NotAJournal { .. }),
            "{kept} of {}: {error}",
            whole.len()
        );
        assert_eq!(fs::read(&path).unwrap(), whole[..kept]);
    }
}

#[test]
fn damaged_pages_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = written(dir.path(), 200);
    let whole = fs::read(&path).unwrap();
    for page in 2..whole.len() / 4096 {
        let mut bytes = whole.clone();
        for byte in &mut bytes[page * 4096 + 2000..page * 4096 + 2100] {
            *byte ^= 0x5a;
        }
        fs::write(&path, &bytes).unwrap();
        drop(fs::remove_file(path.with_extension("sqlite-wal")));
        let result = journal(&path).map(|journal| journal.state().seq());
        // A page may be an index nobody reads, or hold free space there.
        assert!(!matches!(result, Ok(seq) if seq != 200), "page {page}: {result:?}");
    }
}

#[test]
fn newer_and_foreign_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = written(dir.path(), 1);
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(connection);
    let error = journal(&path).unwrap_err().to_string();
    assert!(error.contains("schema version 99, and this Atlas knows up to 2"), "{error}");

    let foreign = dir.path().join("foreign.sqlite");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(journal(&foreign), Err(Error::NotAJournal { .. })));
    let text = dir.path().join("text.sqlite");
    fs::write(
        &text,
        "this is no database, and it is longer than a header of one hundred bytes \
        would be, so that it is looked at.",
    )
    .unwrap();
    assert!(matches!(journal(&text), Err(Error::NotAJournal { .. })));
}

#[test]
fn an_event_of_a_newer_atlas_is_named() {
    let mut storage = MemoryStorage::new();
    let record = Record {
        seq: 1,
        ts_event: now(),
        ts_init: now(),
        decision_id: None,
        kind: "telepathy".into(),
        version: 7,
        payload: "{}".into(),
        prev_hash: Hash::ZERO,
    };
    let hash = record.hash();
    storage.append(&[(record, hash)]).unwrap();
    let error = Journal::open(Box::new(storage)).unwrap_err().to_string();
    assert!(error.contains("record 1 is of kind telepathy version 7"), "{error}");
}

#[test]
fn an_impossible_event_changes_nothing() {
    let mut journal = Journal::open(Box::new(MemoryStorage::new())).unwrap();
    let orphan = crate::event::SignalEnded {
        id: "1-x-AAPL".parse().unwrap(),
        outcome: atlas_core::SignalOutcome::Executed,
        reason: "no".into(),
    };
    let draft = Draft {
        ts_event: now(),
        decision_id: Some(DecisionId(1)),
        event: Event::SignalEnded(orphan),
    };
    assert!(matches!(journal.append(now(), vec![draft]), Err(Error::Fold { seq: 1, .. })));
    assert!(!journal.has_failed());
    journal.append(now(), vec![self::draft(1)]).unwrap();
}

#[test]
fn export_has_one_line_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let (path, head) = written(dir.path(), 3);
    let mut out = Vec::new();
    assert_eq!(export(&path, &mut out).unwrap(), 3);
    let lines: Vec<serde_json::Value> = String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["payload"]["to"], "number 3");
    assert_eq!(lines[2]["hash"], head.to_string());
}

fn session(dir: &Path) -> Result<Session, Error> {
    Session::open(dir, &"demo".parse().unwrap(), Arc::new(FixedClock(now())))
}

#[test]
fn a_state_survives_the_restart_and_the_lock_holds_off_a_second_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = session(dir.path()).unwrap();
    first.enter(Cause::OperatorPause, "lunch".into()).unwrap();
    assert!(matches!(session(dir.path()), Err(Error::Locked { .. })));
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(matches!(copy_state(dir.path(), elsewhere.path()), Err(Error::Locked { .. })));
    assert!(copy_state(dir.path(), &dir.path().join("x")).is_err(), "not into itself");
    drop(first);
    let second = session(dir.path()).unwrap();
    assert_eq!(second.trading_state(), TradingState::Paused);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("accounts"), "in the way").unwrap();
    let error = session(dir.path()).unwrap_err().to_string();
    assert!(error.contains("cannot create") && error.contains("accounts/demo"), "{error}");
}

/// What a creation killed at any moment leaves: the journal file, its write-ahead log, and the
/// rollback journal of the switch to the log. The last one is complete.
fn kill_points() -> Vec<[Option<Vec<u8>>; 3]> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    Connection::open(&path).unwrap().execute_batch("PRAGMA journal_mode = WAL").unwrap();
    let switched = fs::read(&path).unwrap();
    assert_eq!(switched.len(), 4096);
    fs::remove_file(&path).unwrap();
    // The rollback journal of a transaction that began on an empty file: magic, no pages, nonce,
    // no pages before, sectors of 512 bytes, pages of 4096.
    let mut rollback = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7".to_vec();
    for field in [0, 0x5a5a_5a5a, 0, 512, 4096_u32] {
        rollback.extend(field.to_be_bytes());
    }
    rollback.resize(512, 0);
    let storage = SqliteStorage::open(&path).unwrap();
    let main = fs::read(&path).unwrap();
    let log = fs::read(dir.path().join("journal.sqlite-wal")).unwrap();
    drop(storage);
    assert_eq!(main, switched, "the tables are in the log until it is folded in");
    let mut points = vec![
        [None, None, None],
        [Some(Vec::new()), None, None],
        [Some(Vec::new()), None, Some(vec![0; 512])],
        [Some(Vec::new()), None, Some(rollback.clone())],
        [Some(main.clone()), None, Some(rollback)],
        [Some(main.clone()), None, None],
    ];
    for kept in (0..log.len()).step_by(1000).chain([32, 56, 4152, log.len() - 1, log.len()]) {
        points.push([Some(main.clone()), Some(log[..kept].to_vec()), None]);
    }
    points
}

fn lay_out(folder: &AccountFolder, files: &[Option<Vec<u8>>; 3]) {
    folder.create().unwrap();
    for (suffix, bytes) in ["", "-wal", "-journal"].iter().zip(files) {
        if let Some(bytes) = bytes {
            fs::write(folder.root().join(format!("journal.sqlite{suffix}")), bytes).unwrap();
        }
    }
}

#[test]
fn a_creation_that_was_killed_is_completed() {
    for (point, files) in kill_points().iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        lay_out(&AccountFolder::new(dir.path(), &"demo".parse().unwrap()), files);
        let mut first = session(dir.path()).unwrap_or_else(|error| panic!("{point}: {error}"));
        first.enter(Cause::OperatorPause, "lunch".into()).unwrap();
        drop(first);
        let second = session(dir.path()).unwrap_or_else(|error| panic!("{point}: {error}"));
        assert_eq!(second.trading_state(), TradingState::Paused, "{point}");
    }
}

#[test]
fn an_empty_journal_beside_a_history_was_lost() {
    let points = kill_points();
    let (_, unfinished) = points.split_last().unwrap();
    for (point, files) in unfinished.iter().enumerate() {
        for trace in ["artifacts/2019-01-03.json", "inputs/0.zst"] {
            let dir = tempfile::tempdir().unwrap();
            let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
            lay_out(&folder, files);
            fs::write(folder.root().join(trace), "{}").unwrap();
            let error = session(dir.path()).unwrap_err();
            assert!(matches!(error, Error::LostJournal { .. }), "{point}: {error}");
            assert_eq!(folder.journal().exists(), files[0].is_some(), "{point}");
        }
    }
}

#[test]
fn a_journal_that_is_gone_while_artifacts_are_there_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    drop(session(dir.path()).unwrap());
    let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
    fs::write(folder.artifacts().join("2019-01-03.json"), "{}").unwrap();
    drop(session(dir.path()).unwrap());
    fs::write(folder.journal(), "").unwrap();
    let error = session(dir.path()).unwrap_err().to_string();
    assert!(error.contains("missing or empty, and the account's head is not"), "{error}");
    assert_eq!(fs::read(folder.journal()).unwrap(), b"", "it was left as it was");
}

#[test]
fn a_log_of_records_without_its_journal_is_never_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let mut dying = journal(&path).unwrap();
    dying.append(now(), vec![draft(1)]).unwrap();
    let mut log = fs::read(dir.path().join("journal.sqlite-wal")).unwrap();
    let main = fs::read(&path).unwrap();
    drop(dying);
    // Damage to its head makes a log unreadable as a whole.
    log[20] ^= 0x5a;
    for main in [None, Some(Vec::new()), Some(main)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.sqlite");
        if let Some(main) = main {
            fs::write(&path, main).unwrap();
        }
        let beside = dir.path().join("journal.sqlite-wal");
        fs::write(&beside, &log).unwrap();
        assert!(matches!(journal(&path), Err(Error::LostJournal { .. })));
        assert_eq!(fs::read(&beside).unwrap(), log);
    }
}

#[test]
fn a_file_that_held_something_else_is_no_blank_file() {
    let uses = [
        "CREATE TABLE t (x)",
        "CREATE TABLE t (x); DROP TABLE t",
        "PRAGMA user_version = 7",
        "PRAGMA application_id = 7",
    ];
    for used in uses {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.sqlite");
        Connection::open(&path).unwrap().execute_batch(used).unwrap();
        let before = fs::read(&path).unwrap();
        assert!(matches!(journal(&path), Err(Error::NotAJournal { .. })), "{used}");
        assert_eq!(fs::read(&path).unwrap(), before, "{used}");
    }
}

fn every_file(dir: &Path, into: &mut Vec<(PathBuf, Vec<u8>, std::time::SystemTime)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        if path.is_dir() {
            into.push((path.clone(), Vec::new(), modified));
            every_file(&path, into);
        } else {
            into.push((path.clone(), fs::read(&path).unwrap(), modified));
        }
    }
    into.sort();
}

#[test]
fn a_copy_works_and_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("state");
    // A process that dies leaves a write-ahead log behind.
    let mut dying = session(&source).unwrap();
    dying.enter(Cause::OperatorPause, "lunch".into()).unwrap();
    let kept = dir.path().join("kept");
    fs::create_dir_all(kept.join("accounts/demo")).unwrap();
    for file in ["journal.sqlite", "journal.sqlite-wal"] {
        fs::copy(source.join("accounts/demo").join(file), kept.join("accounts/demo").join(file))
            .unwrap();
    }
    drop(dying);
    fs::create_dir_all(kept.join("venue")).unwrap();
    fs::write(kept.join("venue/account.json"), "{}").unwrap();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    every_file(&kept, &mut before);
    let copy = dir.path().join("copy");
    copy_state(&kept, &copy).unwrap();
    let tried = session(&copy).unwrap();
    assert_eq!(tried.trading_state(), TradingState::Paused);
    assert_eq!(fs::read(copy.join("venue/account.json")).unwrap(), b"{}");
    every_file(&kept, &mut after);
    assert_eq!(before, after);
    copy_state(&dir.path().join("nowhere"), &dir.path().join("empty")).unwrap();
}

#[test]
fn group_commit_is_all_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let mut journal = journal(&path).unwrap();
    let entered = StateEntered { cause: Cause::StaleData, detail: "old".into() };
    let written = ArtifactWritten { path: "x".into(), hash: Hash::ZERO };
    let bad = crate::event::OrderUpdate {
        client_order_id: "atlas-x".parse().unwrap(),
        update: atlas_core::OrderEvent::Submitted,
    };
    let drafts =
        [Event::StateEntered(entered), Event::ArtifactWritten(written), Event::OrderUpdate(bad)]
            .map(|event| Draft { ts_event: now(), decision_id: None, event });
    assert!(journal.append(now(), drafts.to_vec()).is_err());
    assert!(journal.has_failed(), "the state is ahead of the file now");
    assert!(matches!(journal.append(now(), vec![draft(1)]), Err(Error::JournalFault)));
    drop(journal);
    assert_eq!(self::journal(&path).unwrap().state().seq(), 0);
}

/// Page and header of a frame of the write-ahead log.
const FRAME: usize = 24 + 4096;

/// The files of a journal of `count` records whose log was never folded in, and for each record
/// the length of the log and the note of the head when it was durable.
struct Grown {
    main: Vec<u8>,
    log: Vec<u8>,
    durable: Vec<(usize, Vec<u8>)>,
}

fn grown(count: u64) -> Grown {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let (log, head) = (dir.path().join("journal.sqlite-wal"), dir.path().join("head"));
    let mut journal = journal(&path).unwrap();
    let mut durable = vec![(fs::read(&log).unwrap().len(), Vec::new())];
    for number in 1..=count {
        journal.append(now(), vec![draft(number)]).unwrap();
        durable.push((fs::read(&log).unwrap().len(), fs::read(&head).unwrap()));
    }
    Grown { main: fs::read(&path).unwrap(), log: fs::read(&log).unwrap(), durable }
}

impl Grown {
    /// A state directory with the log cut at a length.
    fn lay_out(&self, dir: &Path, cut: usize, head: &[u8]) -> AccountFolder {
        let folder = AccountFolder::new(dir, &"demo".parse().unwrap());
        lay_out(&folder, &[Some(self.main.clone()), Some(self.log[..cut].to_vec()), None]);
        if !head.is_empty() {
            fs::write(folder.head(), head).unwrap();
        }
        folder
    }

    /// Records whose last byte is within the cut.
    fn whole(&self, cut: usize) -> usize {
        self.durable.iter().filter(|(length, _)| *length <= cut).count() - 1
    }
}

fn findings(folder: &AccountFolder) -> Vec<&'static str> {
    let found = verify_account(folder).unwrap().journal.findings;
    let name = |finding: &Finding| {
        if matches!(finding, Finding::TornTail { .. }) {
            return "torn";
        }
        assert!(matches!(finding, Finding::RecordsLost { .. }), "{finding}");
        "lost"
    };
    found.iter().map(name).collect()
}

#[test]
fn a_log_cut_anywhere_is_told_set_aside_and_a_durable_record_is_missed() {
    let grown = grown(4);
    let created = grown.durable[0].0;
    let mut seen = [0_usize; 4];
    for boundary in (created..=grown.log.len()).step_by(FRAME) {
        assert_eq!((boundary - 32) % FRAME, 0);
        let cuts = [boundary - 1, boundary, boundary + 1];
        // Less than what the creation wrote is another test's business.
        for cut in cuts.into_iter().filter(|cut| (created..=grown.log.len()).contains(cut)) {
            let at_the_end = grown.durable.iter().any(|(length, _)| *length == cut);
            // All of them were durable once; or the process died while it wrote what is cut.
            for durable in [4, grown.whole(cut)] {
                cut_at(&grown, cut, durable, at_the_end);
                let lost = durable > grown.whole(cut);
                seen[usize::from(lost) + 2 * usize::from(at_the_end)] += 1;
            }
        }
    }
    assert!(seen.iter().all(|count| *count >= 4), "{seen:?}");
}

fn cut_at(grown: &Grown, cut: usize, durable: usize, at_the_end: bool) {
    let dir = tempfile::tempdir().unwrap();
    let folder = grown.lay_out(dir.path(), cut, &grown.durable[durable].1);
    let lost = durable > grown.whole(cut);
    let told: Vec<&str> = [(!at_the_end, "torn"), (lost, "lost")]
        .into_iter()
        .filter_map(|(it, name)| it.then_some(name))
        .collect();
    if grown.whole(cut) > 0 {
        let mut found = findings(&folder);
        found.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(found, told, "{cut} before");
    }
    let first = session(dir.path()).unwrap();
    let expected = if lost { TradingState::Paused } else { TradingState::Active };
    assert_eq!(first.trading_state(), expected, "cut at {cut}, {durable} durable");
    assert_eq!(first.found_at_opening().len(), told.len(), "{cut}");
    assert_eq!(first.state().set_aside().len(), usize::from(!at_the_end), "{cut}");
    for path in first.state().set_aside() {
        assert_eq!(fs::read(folder.root().join(path)).unwrap(), grown.log[..cut]);
    }
    let seq = first.state().seq();
    drop(first);
    // Told once, and what was lost for ever.
    let second = session(dir.path()).unwrap();
    assert_eq!((second.state().seq(), second.found_at_opening().len()), (seq, 0));
    drop(second);
    assert_eq!(findings(&folder), if lost { vec!["lost"] } else { vec![] }, "{cut}");
}

#[test]
fn a_log_damaged_in_the_middle_loses_what_follows_and_says_so() {
    let grown = grown(4);
    for at in [grown.durable[1].0 + 30, grown.durable[2].0 + 20, 20, 5] {
        let mut damaged = Grown { log: grown.log.clone(), ..self::grown(4) };
        damaged.main.clone_from(&grown.main);
        damaged.log[at] ^= 0x5a;
        if at < 32 {
            // The tables must be in the file, or there is no journal at all.
            let dir = tempfile::tempdir().unwrap();
            let folder = grown.lay_out(dir.path(), grown.log.len(), &grown.durable[4].1);
            drop(session(dir.path()).unwrap());
            damaged.main = fs::read(folder.journal()).unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        let folder = damaged.lay_out(dir.path(), damaged.log.len(), &grown.durable[4].1);
        let session = session(dir.path()).unwrap();
        assert_eq!(session.state().set_aside().len(), 1, "{at}");
        let lost = at >= 32;
        assert_eq!(session.trading_state() == TradingState::Paused, lost, "{at}");
        drop(session);
        assert_eq!(findings(&folder).len(), usize::from(lost), "{at}");
    }
}

#[test]
fn frames_of_an_earlier_use_of_the_log_are_no_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let mut journal = journal(&path).unwrap();
    for number in 1..=50 {
        journal.append(now(), vec![draft(number)]).unwrap();
    }
    let other = Connection::open(&path).unwrap();
    other.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
    let before = fs::read(dir.path().join("journal.sqlite-wal")).unwrap().len();
    journal.append(now(), vec![draft(51)]).unwrap();
    let log = fs::read(dir.path().join("journal.sqlite-wal")).unwrap();
    assert_eq!(log.len(), before, "the log begins anew in the old file");
    assert_eq!(log::torn(&log), None);
    // And one that was torn in such a file is found.
    let frames = (log.len() - 32) / FRAME;
    assert!(frames > 10);
    let mut torn = log.clone();
    torn[32 + 100] ^= 1;
    assert!(log::torn(&torn).is_some_and(|torn| torn.torn < log.len() / 2));
}

#[test]
fn a_damaged_head_pauses_and_another_chain_is_noticed() {
    let grown = grown(3);
    let other = {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = journal(&dir.path().join("journal.sqlite")).unwrap();
        for number in 7..9 {
            journal.append(now(), vec![draft(number)]).unwrap();
        }
        fs::read(dir.path().join("head")).unwrap()
    };
    for head in [other, b"no head".to_vec()] {
        let dir = tempfile::tempdir().unwrap();
        let folder = grown.lay_out(dir.path(), grown.log.len(), &head);
        assert_eq!(findings(&folder), ["lost"]);
        assert_eq!(session(dir.path()).unwrap().trading_state(), TradingState::Paused);
        assert_eq!(findings(&folder), ["lost"]);
    }
}

#[test]
fn a_journal_of_an_older_version_is_copied_and_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
    folder.create().unwrap();
    let path = folder.journal();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/src/journal/fixtures/version-1.sqlite");
    fs::copy(fixture, &path).unwrap();
    let version = |path: &Path| -> i64 {
        let db = Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY);
        db.unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(version(&path), 1);
    // Looking changes nothing.
    let before = fs::read(&path).unwrap();
    assert!(verify(&path, &[]).unwrap().is_whole());
    assert_eq!(crate::peek(&folder).unwrap().unwrap().seq(), 3);
    assert_eq!((version(&path), fs::read(&path).unwrap()), (1, before));
    let mut first = session(dir.path()).unwrap();
    assert_eq!(first.trading_state(), TradingState::Paused, "what it says is kept");
    first.enter(Cause::StaleData, "old".into()).unwrap();
    drop(first);
    assert_eq!(version(&path), SCHEMA_VERSION);
    let copy = path.with_file_name("journal.sqlite.v1");
    assert_eq!(version(&copy), 1);
    assert_eq!(verify(&copy, &[]).unwrap().records, 3);
    assert_eq!(verify(&path, &[]).unwrap().records, 4);
    // What version 2 is for.
    let fork = Connection::open(&path).unwrap().execute(
        "INSERT INTO record SELECT 4 + seq, ts_event, ts_init, NULL, kind, version, payload, \
         prev_hash, hash FROM record WHERE seq = 1",
        [],
    );
    assert!(fork.unwrap_err().to_string().contains("follows the last"));
    assert_eq!(usize::try_from(SCHEMA_VERSION).unwrap(), 1 + migrate::MIGRATIONS.len());
}

#[test]
fn a_migration_that_fails_leaves_the_journal_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/src/journal/fixtures/version-1.sqlite");
    fs::copy(fixture, &path).unwrap();
    let broken = Connection::open(&path).unwrap();
    // A name that the migration wants is taken.
    broken.execute_batch("CREATE VIEW record_follows_the_last AS SELECT 1").unwrap();
    broken
        .execute_batch(
            "CREATE TRIGGER record_follows_the_last BEFORE INSERT ON record BEGIN SELECT 1; END",
        )
        .unwrap();
    drop(broken);
    assert!(journal(&path).is_err());
    let db = Connection::open(&path).unwrap();
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
    assert!(path.with_file_name("journal.sqlite.v1").exists(), "the copy came first");
}

#[test]
fn an_event_that_cannot_have_happened_changes_nothing() {
    use crate::event::{Adopted, Subject};
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = written(dir.path(), 3);
    let mut open = journal(&path).unwrap();
    let before = open.state().clone();
    let subject = Subject::Anomaly { seq: 99 };
    let adopted = Adopted { subject, by: "ann".into(), why: "a test".into() };
    let later = now() + chrono::TimeDelta::days(1);
    let draft = Draft { ts_event: later, decision_id: None, event: Event::Adopted(adopted) };
    // It begins a day before it is refused.
    assert!(matches!(open.append(later, vec![draft]), Err(Error::Fold { .. })));
    assert_eq!(open.state(), &before);
    assert!(!open.has_failed());
    open.append(now(), vec![self::draft(4)]).unwrap();
    let live = open.state().clone();
    drop(open);
    assert_eq!(journal(&path).unwrap().state(), &live);
}

#[test]
fn a_look_beside_writers_that_come_and_go_never_fails() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let dir = tempfile::tempdir().unwrap();
    drop(session(dir.path()).unwrap());
    let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0_u64;
            while !over.load(Ordering::Relaxed) {
                number += 1;
                let mut session = session(dir.path()).unwrap();
                session.enter(Cause::StaleData, format!("look {number}")).unwrap();
            }
        });
        let looks: Vec<_> = (0..200).map(|_| crate::peek(&folder)).collect();
        over.store(true, Ordering::Relaxed);
        for look in looks {
            assert!(look.unwrap().is_some());
        }
    });
}
