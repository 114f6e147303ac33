//! The part of the configuration about limits: a profile or a file of one's own, the desk's further
//! rules, the restricted list, the circuit breaker.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use atlas_core::Symbol;
use atlas_engine::DeskPolicy;
use atlas_risk::{BreakerRules, DeskRules, LimitsSpec, Profile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Failure};
use crate::mistakes;

/// Limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RiskConfig {
    /// Which profile; its limits are taken as they stand.
    pub(crate) profile: Profile,
    /// A file of limits in the profile's place.
    pub(crate) limits: Option<PathBuf>,
    /// Symbols that may be sold and never bought.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) restricted: BTreeSet<Symbol>,
    /// When the circuit breaker opens, and how it closes again.
    pub(crate) breaker: BreakerRules,
    /// The desk's further rules; none of them without this section.
    pub(crate) desk: Option<DeskConfig>,
    /// What stands in the files that are named.
    #[serde(skip)]
    pub(crate) files: RiskFiles,
}

/// The desk's further rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeskConfig {
    /// The file of rules, each stated.
    pub(crate) rules: PathBuf,
    /// The file of sectors: CSV with the columns `symbol` and `sector`.
    #[serde(default)]
    pub(crate) sectors: Option<PathBuf>,
    /// Sessions of returns a correlation is taken over.
    #[serde(default = "sixty")]
    pub(crate) correlation_sessions: u16,
    /// Sessions the mean volume is taken over.
    #[serde(default = "twenty")]
    pub(crate) volume_sessions: u16,
}

/// What was read.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct RiskFiles {
    /// Limits in the profile's place.
    pub(crate) limits: Option<LimitsSpec>,
    /// The desk's rules.
    pub(crate) desk: Option<DeskPolicy>,
}

const fn sixty() -> u16 {
    60
}

const fn twenty() -> u16 {
    20
}

impl Default for RiskConfig {
    fn default() -> Self {
        let breaker = BreakerRules {
            failures: 3,
            window_seconds: 600,
            losses: 5,
            cooldown_seconds: 3_600,
            trials: 2,
        };
        Self {
            profile: Profile::Standard,
            limits: None,
            restricted: BTreeSet::new(),
            breaker,
            desk: None,
            files: RiskFiles::default(),
        }
    }
}

impl RiskConfig {
    /// The limits in words: the profile's name, or the file.
    pub(crate) fn name(&self) -> String {
        match &self.limits {
            Some(path) => path.display().to_string(),
            None => self.profile.to_string(),
        }
    }

    /// The limits as they are written down.
    pub(crate) fn spec(&self) -> LimitsSpec {
        self.files.limits.clone().unwrap_or_else(|| self.profile.limits())
    }

    /// Reads the files that are named, and proves what stands in them usable.
    ///
    /// # Errors
    /// [`Exit::Config`] with the file and every mistake in it.
    pub(crate) fn read(&mut self) -> Result<()> {
        self.files.limits = self.limits.as_deref().map(limits).transpose()?;
        self.files.desk = self.desk.as_ref().map(DeskConfig::read).transpose()?;
        let limits = self.spec().check();
        let limits = limits.map_err(|error| wrong("limits", &self.name(), &error.to_string()))?;
        if let Some((config, desk)) = self.desk.as_ref().zip(self.files.desk.as_ref()) {
            let place = config.rules.display().to_string();
            desk.check(&limits).map_err(|error| wrong("desk rules", &place, &error.to_string()))?;
        }
        Ok(())
    }
}

impl DeskConfig {
    fn read(&self) -> Result<DeskPolicy> {
        let rules = desk_rules(&self.rules)?;
        let sectors = self.sectors.as_deref().map(sectors).transpose()?.unwrap_or_default();
        Ok(DeskPolicy {
            rules,
            sectors,
            correlation_sessions: self.correlation_sessions,
            volume_sessions: self.volume_sessions,
        })
    }
}

/// Limits from a file; whether they go together is not looked at.
///
/// # Errors
/// [`Exit::Config`] with the file and every mistake in it.
pub(crate) fn limits(path: &Path) -> Result<LimitsSpec> {
    document("limits", path)
}

/// The desk's rules from a file; whether they go with the limits is not looked at.
///
/// # Errors
/// As [`limits`].
pub(crate) fn desk_rules(path: &Path) -> Result<DeskRules> {
    document("desk rules", path)
}

fn document<T: DeserializeOwned>(what: &str, path: &Path) -> Result<T> {
    let text = text(what, path)?;
    mistakes::read(&text).map_err(|found| {
        let told: Vec<String> = found
            .iter()
            .map(|mistake| format!("line {}: {}", mistake.line, mistake.said))
            .collect();
        wrong(what, &path.display().to_string(), &told.join("; "))
    })
}

/// The sector of each symbol, from a CSV file with the columns `symbol` and `sector`.
fn sectors(path: &Path) -> Result<BTreeMap<Symbol, String>> {
    let place = path.display().to_string();
    let refuse = |problem: &str| wrong("sectors", &place, problem);
    let text = text("sectors", path)?;
    let mut rows = text.lines();
    let header: Vec<&str> = rows.next().unwrap_or_default().split(',').map(str::trim).collect();
    let column = |name: &str| {
        let found = header.iter().position(|column| *column == name);
        found.ok_or_else(|| refuse(&format!("line 1: there is no column {name}")))
    };
    let (symbol, sector) = (column("symbol")?, column("sector")?);
    let mut sectors = BTreeMap::new();
    for (at, row) in rows.enumerate().filter(|(_, row)| !row.trim().is_empty()) {
        let line = at + 2;
        let fields: Vec<&str> = row.split(',').map(str::trim).collect();
        if fields.len() != header.len() || row.contains('"') {
            let count = header.len();
            return Err(refuse(&format!("line {line}: it is not of {count} plain columns")));
        }
        let name: Symbol =
            fields[symbol].parse().map_err(|error| refuse(&format!("line {line}: {error}")))?;
        if fields[sector].is_empty() {
            return Err(refuse(&format!("line {line}: {name} has no sector; leave the row out")));
        }
        if sectors.insert(name.clone(), fields[sector].to_owned()).is_some() {
            return Err(refuse(&format!("line {line}: {name} is there twice")));
        }
    }
    Ok(sectors)
}

fn text(what: &str, path: &Path) -> Result<String> {
    let place = path.display().to_string();
    std::fs::read_to_string(path).map_err(|error| wrong(what, &place, &error.to_string()))
}

fn wrong(what: &str, place: &str, problem: &str) -> anyhow::Error {
    Failure::error(Exit::Config, format!("{what} {place}: {problem}: correct the file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDARD: &str = include_str!("../../atlas-risk/profiles/standard.toml");
    const DESK: &str = include_str!("../../atlas-risk/profiles/desk.toml");

    fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(
        limits: Option<PathBuf>,
        desk: Option<(PathBuf, Option<PathBuf>)>,
    ) -> Result<RiskConfig> {
        let desk = desk.map(|(rules, sectors)| DeskConfig {
            rules,
            sectors,
            correlation_sessions: 60,
            volume_sessions: 20,
        });
        let mut config = RiskConfig { limits, desk, ..RiskConfig::default() };
        config.read().map(|()| config)
    }

    #[test]
    fn a_copied_profile_with_one_limit_changed_is_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let mine = STANDARD.replace("daily_loss = \"0.02\"", "daily_loss = \"0.015\"");
        let config = read(Some(written(&folder, "mine.toml", &mine)), None).unwrap();
        let expected =
            LimitsSpec { daily_loss: "0.015".parse().unwrap(), ..Profile::Standard.limits() };
        assert_eq!(config.spec(), expected);
        assert!(config.name().ends_with("mine.toml"));
        assert_eq!(RiskConfig::default().spec(), Profile::Standard.limits());
    }

    #[test]
    fn every_mistake_in_a_file_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let odd = STANDARD.replace("top_n = 5", "top_n = 0");
        for (text, said) in [
            ("top_n = \"many\"\nsurprise = 1\n".to_owned(), "line 2: unknown field `surprise`"),
            (odd, "limit top_n = 0 cannot be used"),
        ] {
            let path = written(&folder, "odd.toml", &text);
            let error = read(Some(path), None).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("odd.toml"), "{error}");
        }
        let error = read(Some(folder.path().join("none.toml")), None).unwrap_err();
        assert_eq!(crate::exit::code_of(&error), Exit::Config);
    }

    #[test]
    fn sectors_are_read_by_the_names_of_their_columns() {
        let folder = tempfile::tempdir().unwrap();
        let rules = written(&folder, "desk.toml", DESK);
        let listed = written(&folder, "list.csv", "name,symbol,sector\nApple,AAPL,Technology\n\n");
        let config = read(None, Some((rules.clone(), Some(listed)))).unwrap();
        let desk = config.files.desk.unwrap();
        assert_eq!(desk.sectors[&"AAPL".parse().unwrap()], "Technology");
        assert_eq!(desk.rules, toml::from_str(DESK).unwrap());
        for (text, said) in [
            ("symbol,name\nAAPL,Apple\n", "there is no column sector"),
            ("symbol,sector\nAAPL,Tech\nAAPL,Tech\n", "line 3: AAPL is there twice"),
            ("symbol,sector\n\"AAPL\",Tech\n", "line 2"),
            ("symbol,sector\nAAPL,\n", "AAPL has no sector"),
            ("symbol,sector\naapl,Tech\n", "line 2"),
        ] {
            let odd = written(&folder, "odd.csv", text);
            let error = read(None, Some((rules.clone(), Some(odd)))).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        let narrow = DESK.replace("sector = \"0.6\"", "sector = \"0.3\"");
        let narrow = written(&folder, "narrow.toml", &narrow);
        let error = read(None, Some((narrow, None))).unwrap_err().to_string();
        assert!(error.contains("desk.sector = 0.3"), "{error}");
    }
}
