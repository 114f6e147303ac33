//! The permanent record of a trading day: written once, never overwritten.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::Error;
use crate::run::RunReport;

/// Revisions of one day's artifact before something is clearly wrong.
const REVISIONS_MAX: u32 = 1_000;

/// Writes the report as the artifact of `day` into `folder` and returns its path.
///
/// The first is `<day>.json`; a later one of the same day is `<day>-r1.json` and so on. The file
/// appears under its name only when it is complete and on disk.
///
/// # Errors
/// [`Error::Json`] if the report holds a number that is not finite, [`Error::Io`] naming the path
/// otherwise; no artifact is changed then.
pub fn write(folder: &Path, day: NaiveDate, report: &RunReport) -> Result<PathBuf, Error> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    };
    fs::create_dir_all(folder).map_err(io(folder))?;
    let path = (0..REVISIONS_MAX)
        .map(|revision| folder.join(file_name(day, revision)))
        .find(|path| !path.exists())
        .ok_or_else(|| Error::Revisions { folder: folder.to_owned(), day })?;
    let mut report = report.clone();
    report.artifact = Some(path.clone());
    let mut text = serde_json::to_vec_pretty(&report).map_err(Error::Json)?;
    text.push(b'\n');

    let draft = folder.join(format!(".{day}.draft"));
    let mut file = File::create(&draft).map_err(io(&draft))?;
    file.write_all(&text).map_err(io(&draft))?;
    file.sync_all().map_err(io(&draft))?;
    // A hard link fails where the name is taken; a rename would replace what is there.
    fs::hard_link(&draft, &path).map_err(io(&path))?;
    fs::remove_file(&draft).map_err(io(&draft))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io(folder))?;
    Ok(path)
}

/// Reads an artifact back.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::NotAnArtifact`] if it is none of this form.
pub fn read(path: &Path) -> Result<RunReport, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes)
        .map_err(|source| Error::NotAnArtifact { path: path.to_owned(), source })
}

fn file_name(day: NaiveDate, revision: u32) -> String {
    match revision {
        0 => format!("{day}.json"),
        _ => format!("{day}-r{revision}.json"),
    }
}
