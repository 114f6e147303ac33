//! The last durable record, noted beside the journal.
//!
//! A journal that ends early has either lost a durable record or belongs to a process that died
//! while it wrote one. The file `head` tells the two apart: it is written after each commit, so a
//! head that the journal does not reach was durable once. Two lines take turns, so a write that is
//! cut off damages one of them and leaves the other.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use atlas_core::journal::Hash;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::folder::write_durably;

/// Bytes of one of the two lines.
const LINE: usize = 256;

/// The last record of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// What the file `head` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastHead {
    /// There is none: nothing was journaled yet, or by a program that kept none.
    Absent,
    /// There is one, and neither of its lines is whole.
    Unreadable,
    /// The record it names.
    At(Head),
}

/// One of the two lines; the one written later has the higher turn, also where the journal has
/// become shorter in between.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Turn {
    turn: u64,
    #[serde(flatten)]
    head: Head,
}

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    turn: Turn,
    check: String,
}

fn check(Turn { turn, head }: Turn) -> String {
    Hash::of(format!("{turn} {} {}", head.seq, head.hash).as_bytes()).short()
}

/// Reads the file; writes nothing.
///
/// # Errors
/// [`Error::Io`] if it is there and cannot be read.
pub fn last_head(path: &Path) -> Result<LastHead, Error> {
    Ok(read(path)?.map_or(LastHead::Absent, |lines| {
        let newest = lines.into_iter().flatten().max_by_key(|line| line.turn);
        newest.map_or(LastHead::Unreadable, |line| LastHead::At(line.head))
    }))
}

/// The two lines; `None` if there is no file.
fn read(path: &Path) -> Result<Option<[Option<Turn>; 2]>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::io("read", path)(source)),
    };
    let line = |index: usize| {
        let text = bytes.get(index * LINE..(index + 1) * LINE)?;
        let line: Line = serde_json::from_slice(text).ok()?;
        (line.check == check(line.turn)).then_some(line.turn)
    };
    Ok(Some([line(0), line(1)]))
}

/// The file, for writing.
#[derive(Debug)]
pub(super) struct DurableHead {
    path: PathBuf,
    /// The file, and the turn of the line that was written last.
    open: Option<(File, u64)>,
}

impl DurableHead {
    /// The one beside a journal.
    pub(super) fn beside(journal: &Path) -> Self {
        Self { path: journal.with_file_name("head"), open: None }
    }

    /// Notes the last record, durably.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written.
    pub(super) fn put(&mut self, head: Head) -> Result<(), Error> {
        if self.open.is_none() {
            let Some(lines) = read(&self.path)? else {
                let mut both = line(Turn { turn: 0, head });
                both.extend([b' '; LINE]);
                write_durably(&self.path, &both)?;
                self.open = Some((self.writable()?, 0));
                return Ok(());
            };
            let last = lines.into_iter().flatten().map(|line| line.turn).max().unwrap_or(0);
            self.open = Some((self.writable()?, last));
        }
        let Some((file, last)) = &mut self.open else { return Ok(()) };
        let turn = *last + 1;
        // Even turns write the first line, odd ones the second: never the one written last.
        file.seek(SeekFrom::Start(if turn.is_multiple_of(2) { 0 } else { LINE as u64 }))
            .and_then(|_| file.write_all(&line(Turn { turn, head })))
            .and_then(|()| file.sync_data())
            .map_err(Error::io("write", &self.path))?;
        *last = turn;
        Ok(())
    }

    fn writable(&self) -> Result<File, Error> {
        OpenOptions::new().write(true).open(&self.path).map_err(Error::io("open", &self.path))
    }
}

fn line(turn: Turn) -> Vec<u8> {
    let mut line = serde_json::to_vec(&Line { turn, check: check(turn) }).unwrap_or_default();
    line.resize(LINE - 1, b' ');
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_written_last_counts_and_a_torn_write_leaves_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        let head = |seq| Head { seq, hash: Hash::of(&[u8::try_from(seq).unwrap()]) };
        assert_eq!(last_head(&path).unwrap(), LastHead::Absent);
        let mut before = Vec::new();
        for seq in 1..=7 {
            // Every second one by a process of its own.
            let mut file = DurableHead::beside(&dir.path().join("journal.sqlite"));
            file.put(head(seq)).unwrap();
            file.put(head(seq + 1)).unwrap();
            assert_eq!(last_head(&path).unwrap(), LastHead::At(head(seq + 1)));
            let now = fs::read(&path).unwrap();
            assert_eq!(now.len(), 2 * LINE);
            // The write in progress reached any byte of what differs.
            for torn in 0..if before.is_empty() { 0 } else { now.len() } {
                let mut mixed = now[..torn].to_vec();
                mixed.extend(&before[torn..]);
                fs::write(dir.path().join("torn"), mixed).unwrap();
                let found = last_head(&dir.path().join("torn")).unwrap();
                let LastHead::At(found) = found else { panic!("{torn}: {found:?}") };
                assert!(found.seq + 2 > seq, "{torn}: {found:?}");
            }
            before = now;
        }
        // A journal that became shorter has a head again.
        let mut file = DurableHead::beside(&dir.path().join("journal.sqlite"));
        file.put(head(2)).unwrap();
        assert_eq!(last_head(&path).unwrap(), LastHead::At(head(2)));
        fs::write(&path, vec![b' '; 2 * LINE]).unwrap();
        assert_eq!(last_head(&path).unwrap(), LastHead::Unreadable);
    }
}
