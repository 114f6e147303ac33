//! Bytes from files: read with a bound, unpacked if packed, digested on the way.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::Error;

/// A digest over every byte that was read, file after file.
#[derive(Debug, Default, Clone)]
pub(crate) struct Digester(Sha256);

impl Digester {
    /// Takes in the bytes of one file as they are stored.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest in hexadecimal.
    pub(crate) fn finish(self) -> String {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in self.0.finalize() {
            // Writing to a string cannot fail.
            write!(text, "{byte:02x}").ok();
        }
        text
    }
}

/// The content of a file, unpacked when its name ends in `.gz`.
pub(crate) fn read(path: &Path, digester: &mut Digester) -> Result<Vec<u8>, Error> {
    let refuse = |source| Error::Read { path: path.to_path_buf(), source };
    let name = path.display().to_string();
    let stored = bounded(&name, File::open(path).map_err(refuse)?, refuse)?;
    digester.update(&stored);
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        return bounded(&name, MultiGzDecoder::new(stored.as_slice()), refuse);
    }
    Ok(stored)
}

/// The content of a gzip file that is part of the program.
pub(crate) fn unpack(name: &str, stored: &[u8], digester: &mut Digester) -> Result<Vec<u8>, Error> {
    digester.update(stored);
    let refuse = |source| Error::Read { path: name.into(), source };
    bounded(name, MultiGzDecoder::new(stored), refuse)
}

/// Reads to the end, but no more than [`SIZE_MAX`] bytes.
fn bounded(
    name: &str,
    source: impl Read,
    refuse: impl Fn(io::Error) -> Error,
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    source.take(SIZE_MAX + 1).read_to_end(&mut bytes).map_err(refuse)?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size <= SIZE_MAX) {
        return Ok(bytes);
    }
    Err(Error::TooLarge { file: name.to_owned(), limit_mb: SIZE_MAX / 1_000_000 })
}

/// Most bytes of one file: a hundred times the largest daily file known.
const SIZE_MAX: u64 = 256_000_000;
