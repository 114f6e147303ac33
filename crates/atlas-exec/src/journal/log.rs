//! The write-ahead log of a journal's file, read without `SQLite`.
//!
//! `SQLite` takes whatever is whole of a log and writes over the rest without a word. Here the rest
//! is found before `SQLite` opens the file. The format is that of
//! <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use atlas_core::journal::Hash;

use crate::error::Error;
use crate::folder::{AccountFolder, write_durably};

/// Bytes of a log's header.
const HEADER: usize = 32;
/// Bytes of a frame's header.
const FRAME: usize = 24;

/// A log's last bytes that are no complete write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Torn {
    /// Bytes up to the end of the last complete write.
    pub(crate) whole: usize,
    /// Bytes after it that belong to a write which is not complete.
    pub(crate) torn: usize,
}

/// The folder of what was set aside, beside the journal.
pub(crate) const ASIDE: &str = "set-aside";

/// The file's write-ahead log.
pub(super) fn log_of(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Finds a torn end of a journal's write-ahead log; nothing is written.
///
/// # Errors
/// [`Error::Io`] if the log is there and cannot be read.
pub(super) fn torn_log(journal: &Path) -> Result<Option<(Torn, Vec<u8>)>, Error> {
    let path = log_of(journal);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::io("read", path)(source)),
    };
    Ok(torn(&bytes).map(|torn| (torn, bytes)))
}

/// Keeps a copy of a log with a torn end under its digest, before `SQLite` can write over it.
///
/// # Errors
/// [`Error::Io`] if it cannot be read or kept.
pub(super) fn set_aside_torn(journal: &Path) -> Result<bool, Error> {
    let Some((torn, bytes)) = torn_log(journal)? else { return Ok(false) };
    let folder = journal.parent().unwrap_or_else(|| Path::new(".")).join(ASIDE);
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let stem = journal.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-wal.{}", Hash::of(&bytes).short());
    let path = folder.join(&name);
    if !path.exists() {
        write_durably(&path, &bytes)?;
    }
    tracing::warn!(path = %path.display(), bytes = torn.torn, "a torn log was set aside");
    Ok(true)
}

/// The copies of torn logs that were set aside, by their path within the account's folder, in the
/// order of their names.
///
/// # Errors
/// [`Error::Io`] if the folder or a copy cannot be read.
pub(crate) fn copies(folder: &AccountFolder) -> Result<BTreeMap<String, Torn>, Error> {
    let place = folder.set_aside();
    let mut found = BTreeMap::new();
    if !place.exists() {
        return Ok(found);
    }
    for entry in fs::read_dir(&place).map_err(Error::io("read", &place))? {
        let entry = entry.map_err(Error::io("read", &place))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        // A copy in the making ends otherwise, and is made again.
        if !name.starts_with("journal.sqlite-wal.")
            || path.extension().is_some_and(|extension| extension == "tmp")
        {
            continue;
        }
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        if let Some(torn) = torn(&bytes) {
            found.insert(format!("{ASIDE}/{name}"), torn);
        }
    }
    Ok(found)
}

/// Finds what of a log is no complete write. Frames of an earlier use of the file, which `SQLite`
/// leaves behind the current ones, carry other salts and are no loss.
pub(super) fn torn(log: &[u8]) -> Option<Torn> {
    if log.is_empty() {
        return None;
    }
    let Some(header) = Header::read(log) else {
        return Some(Torn { whole: 0, torn: log.len() });
    };
    let whole = header.committed(log);
    let rest = log.get(whole..)?;
    let last = rest
        .chunks(FRAME + header.page)
        .enumerate()
        .filter(|(_, frame)| header.is_of_this_use(frame))
        .map(|(index, frame)| index * (FRAME + header.page) + frame.len())
        .next_back()?;
    Some(Torn { whole, torn: last })
}

/// What a log's header says.
struct Header {
    page: usize,
    big_endian: bool,
    salts: [u8; 8],
    sum: [u32; 2],
}

impl Header {
    fn read(log: &[u8]) -> Option<Self> {
        let header = log.get(..HEADER)?;
        let magic = number(header, 0)?;
        let big_endian = match magic {
            0x377f_0682 => false,
            0x377f_0683 => true,
            _ => return None,
        };
        let page = usize::try_from(number(header, 8)?).ok()?;
        if !page.is_power_of_two() || !(512..=65_536).contains(&page) {
            return None;
        }
        let sum = checksum(big_endian, [0, 0], header.get(..24)?);
        let said = [number(header, 24)?, number(header, 28)?];
        let salts = header.get(16..24)?.try_into().ok()?;
        (sum == said).then_some(Self { page, big_endian, salts, sum })
    }

    /// Bytes up to the end of the last frame that completes a write.
    fn committed(&self, log: &[u8]) -> usize {
        let (mut end, mut at, mut sum) = (HEADER, HEADER, self.sum);
        for frame in log.get(HEADER..).unwrap_or_default().chunks_exact(FRAME + self.page) {
            let Some(next) = self.follows(frame, sum) else { break };
            (sum, at) = (next, at + frame.len());
            if number(frame, 4).is_some_and(|pages| pages != 0) {
                end = at;
            }
        }
        end
    }

    /// The running checksum after a frame that is whole and continues the ones before it.
    fn follows(&self, frame: &[u8], sum: [u32; 2]) -> Option<[u32; 2]> {
        if number(frame, 0)? == 0 || frame.get(8..16)? != self.salts {
            return None;
        }
        let sum = checksum(self.big_endian, sum, frame.get(..8)?);
        let sum = checksum(self.big_endian, sum, frame.get(FRAME..)?);
        (sum == [number(frame, 16)?, number(frame, 20)?]).then_some(sum)
    }

    /// Whether a frame, or what there is of one, was written in the current use of the file, or
    /// room was made for it and nothing written.
    fn is_of_this_use(&self, frame: &[u8]) -> bool {
        let none = number(frame, 0).is_none_or(|page| page == 0);
        none || frame.get(8..16).is_none_or(|salts| salts == self.salts)
    }
}

/// A big-endian number at an offset.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The log's checksum, continued over more bytes, a multiple of eight of them.
fn checksum(big_endian: bool, [mut one, mut two]: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    let word = |bytes: &[u8]| {
        let bytes = bytes.try_into().unwrap_or_default();
        if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    for pair in bytes.chunks_exact(8) {
        let (first, second) = pair.split_at(4);
        one = one.wrapping_add(word(first)).wrapping_add(two);
        two = two.wrapping_add(word(second)).wrapping_add(one);
    }
    [one, two]
}
