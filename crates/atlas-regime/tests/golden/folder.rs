//! A folder of golden files, checked against its manifest before anything is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::json::{Case, count};

/// A matrix of observations with the return series that orders states.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    pub(crate) cols: usize,
    pub(crate) data: Vec<f64>,
    pub(crate) returns: Vec<f64>,
    pub(crate) dates: Vec<String>,
}

impl Matrix {
    /// The rows of one after the other.
    fn joined(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.data.extend(&other.data);
        out.returns.extend(&other.returns);
        out.dates.extend(other.dates.iter().cloned());
        out
    }

    pub(crate) fn first(&self, rows: usize) -> Result<Self, String> {
        let mut out = self.clone();
        if rows > self.data.len() / self.cols {
            return Err(format!("{rows} rows wanted, there are {}", self.data.len() / self.cols));
        }
        out.data.truncate(rows * self.cols);
        out.returns.truncate(rows);
        out.dates.truncate(rows);
        Ok(out)
    }
}

/// Everything read from one folder.
pub(crate) struct Folder {
    pub(crate) files: BTreeMap<String, Value>,
    pub(crate) tables: BTreeMap<String, String>,
    pub(crate) counts: BTreeMap<String, usize>,
    matrix_files: BTreeSet<String>,
    matrices: BTreeMap<String, Matrix>,
    pub(crate) fits: Cache<(atlas_regime::dp::Penalties, crate::fits::Found)>,
    pub(crate) replays: Cache<crate::replay::Replay>,
    pub(crate) sparse: Cache<atlas_regime::sparse::SparseFit>,
    pub(crate) margins: Cache<f64>,
}

/// What was computed for the same inputs before: a changed expectation changes none of them.
pub(crate) struct Cache<T>(Mutex<BTreeMap<String, Arc<T>>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Cache<T> {
    /// What is known under a key that names every input.
    pub(crate) fn get(
        &self,
        key: &str,
        compute: impl FnOnce() -> Result<T, String>,
    ) -> Result<Arc<T>, String> {
        let poisoned = |_| "a check panicked".to_owned();
        if let Some(known) = self.0.lock().map_err(poisoned)?.get(key) {
            return Ok(Arc::clone(known));
        }
        let found = Arc::new(compute()?);
        self.0.lock().map_err(|_| "a check panicked")?.insert(key.to_owned(), Arc::clone(&found));
        Ok(found)
    }
}

impl Folder {
    /// Reads the folder; every file must be in the manifest with its size and digest, and every
    /// file of the manifest must be there.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let describe = |p: &Path, e: &dyn std::fmt::Display| format!("{}: {e}", p.display());
        let manifest_path = path.join("manifest.json");
        let text = std::fs::read(&manifest_path).map_err(|e| describe(&manifest_path, &e))?;
        let manifest: Value =
            serde_json::from_slice(&text).map_err(|e| describe(&manifest_path, &e))?;
        let manifest = Case::new(&manifest)?;
        let mut out = Self {
            files: BTreeMap::new(),
            tables: BTreeMap::new(),
            counts: BTreeMap::new(),
            matrix_files: BTreeSet::new(),
            matrices: BTreeMap::new(),
            fits: Cache::default(),
            replays: Cache::default(),
            sparse: Cache::default(),
            margins: Cache::default(),
        };
        let listed = manifest.get("files")?.as_object().ok_or("files is not an object")?;
        let mut total = 0;
        for (name, facts) in listed {
            let file = path.join(name);
            let bytes = std::fs::read(&file).map_err(|e| describe(&file, &e))?;
            let facts = Case::new(facts)?;
            let digest = Sha256::digest(&bytes).iter().fold(String::new(), |mut text, b| {
                text.push(char::from_digit(u32::from(b >> 4), 16).unwrap_or('?'));
                text.push(char::from_digit(u32::from(b & 15), 16).unwrap_or('?'));
                text
            });
            if facts.count("bytes")? != bytes.len() || facts.text("sha256")? != digest {
                return Err(format!("{name} is not the file the manifest describes"));
            }
            facts.finish()?;
            total += bytes.len();
            let text = String::from_utf8(bytes).map_err(|e| describe(&file, &e))?;
            if let Some(stem) = name.strip_suffix(".json") {
                let value = serde_json::from_str(&text).map_err(|e| describe(&file, &e))?;
                out.files.insert(stem.to_owned(), value);
            } else {
                out.tables.insert(name.clone(), text);
            }
        }
        if let Some(bytes) = manifest.opt("total_bytes") {
            crate::compare::same("total_bytes", &total, &count(bytes)?)?;
        }
        if let Some(counts) = manifest.opt("counts") {
            for (kind, n) in counts.as_object().ok_or("counts is not an object")? {
                out.counts.insert(kind.clone(), count(n)?);
            }
        }
        let matrices = manifest.get("matrices")?.as_object().ok_or("matrices is not an object")?;
        for (name, facts) in matrices {
            let facts = Case::new(facts)?;
            let table = out.tables.get(facts.text("file")?).ok_or("a matrix without its file")?;
            let matrix = parse(table, facts.count("cols")?).map_err(|e| format!("{name}: {e}"))?;
            crate::compare::same("rows", &matrix.returns.len(), &facts.count("rows")?)?;
            out.matrix_files.insert(facts.text("file")?.to_owned());
            facts.finish()?;
            out.matrices.insert(name.clone(), matrix);
        }
        out.no_strangers(path, listed)?;
        // Other fields of the manifest describe where the files come from; kinds are checked
        // where they are read.
        out.no_idle_tables()?;
        Ok(out)
    }

    /// Fails on a table that nothing is compared with: what is not read is not checked.
    fn no_idle_tables(&self) -> Result<(), String> {
        let idle = |name: &&String| *name != "series.csv" && !self.matrix_files.contains(*name);
        match self.tables.keys().find(idle) {
            None => Ok(()),
            Some(name) => Err(format!("{name} is of no known kind")),
        }
    }

    /// How many cases each file holds, from the files alone: what the checks must come to.
    ///
    /// # Errors
    /// A kind without cases.
    pub(crate) fn held(&self) -> Result<BTreeMap<String, usize>, String> {
        let mut out = BTreeMap::new();
        for (stem, file) in &self.files {
            let mut cases = 0;
            for (kind, value) in file.as_object().ok_or(format!("{stem} is not an object"))? {
                cases += match value {
                    Value::Object(_) => 1,
                    Value::Array(list) if list.is_empty() => {
                        return Err(format!("{stem}/{kind} is empty"));
                    }
                    Value::Array(list) => list.iter().filter(|item| item.is_object()).count(),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
                };
            }
            out.insert(stem.clone(), cases);
        }
        Ok(out)
    }

    /// The same folder with the text of one table changed.
    pub(crate) fn with_table(&self, name: &str, text: String) -> Result<Self, String> {
        let mut out = Self {
            files: self.files.clone(),
            tables: self.tables.clone(),
            counts: self.counts.clone(),
            matrix_files: self.matrix_files.clone(),
            matrices: self.matrices.clone(),
            fits: Cache::default(),
            replays: Cache::default(),
            sparse: Cache::default(),
            margins: Cache::default(),
        };
        let of_file = name.strip_prefix("X_").and_then(|n| n.strip_suffix(".csv"));
        if let Some((matrix, old)) = of_file.and_then(|m| self.matrices.get_key_value(m)) {
            out.matrices.insert(matrix.clone(), parse(&text, old.cols)?);
        }
        out.tables.insert(name.to_owned(), text);
        Ok(out)
    }

    /// Fails on files the manifest does not know.
    fn no_strangers(
        &self,
        path: &Path,
        listed: &serde_json::Map<String, Value>,
    ) -> Result<(), String> {
        let known = |name: &str| {
            name == "manifest.json" || name.starts_with("README") || listed.contains_key(name)
        };
        let mut seen = 0;
        for entry in std::fs::read_dir(path).map_err(|e| e.to_string())? {
            let name = entry.map_err(|e| e.to_string())?.file_name();
            let name = name.to_string_lossy();
            if !known(&name) {
                return Err(format!("{name} is not in the manifest"));
            }
            seen += 1;
        }
        if seen == 0 || self.files.is_empty() {
            return Err(format!("{} holds no golden files", path.display()));
        }
        Ok(())
    }

    /// A matrix by name; `a+b` is the rows of a, then those of b.
    pub(crate) fn matrix(&self, name: &str) -> Result<Matrix, String> {
        let find = |n: &str| self.matrices.get(n).ok_or_else(|| format!("no matrix {n}"));
        match name.split_once('+') {
            None => find(name).cloned(),
            Some((first, second)) => Ok(find(first)?.joined(find(second)?)),
        }
    }
}

/// The folder to check: `ATLAS_GOLDEN_DIR`, or the compact subset in the repository.
pub(crate) fn location() -> PathBuf {
    std::env::var_os("ATLAS_GOLDEN_DIR").map_or_else(compact, PathBuf::from)
}

/// The folder to change numbers in: the compact subset, which takes seconds, unless
/// `ATLAS_GOLDEN_MUTANTS` asks for it in the folder to check.
pub(crate) fn mutated() -> PathBuf {
    std::env::var_os("ATLAS_GOLDEN_MUTANTS").map_or_else(compact, |_| location())
}

/// The compact subset in the repository.
pub(crate) fn compact() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/jump")
}

/// Columns of features, an optional first column of dates, a last one of returns.
fn parse(text: &str, cols: usize) -> Result<Matrix, String> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().ok_or("empty")?.split(',').collect();
    let dated = usize::from(header.first() == Some(&"date"));
    if header.len() != dated + cols + 1 || header.last() != Some(&"ret") {
        return Err(format!("unexpected columns {header:?}"));
    }
    let mut out = Matrix { cols, data: Vec::new(), returns: Vec::new(), dates: Vec::new() };
    for line in lines {
        let mut cells = line.split(',');
        if dated == 1 {
            out.dates.extend(cells.next().map(str::to_owned));
        }
        let mut numbers = Vec::with_capacity(cols + 1);
        for cell in cells {
            numbers.push(cell.parse::<f64>().map_err(|e| format!("{cell}: {e}"))?);
        }
        if numbers.len() != cols + 1 {
            return Err(format!("a row of {} numbers", numbers.len()));
        }
        out.returns.extend(numbers.pop());
        out.data.extend(numbers);
    }
    Ok(out)
}
