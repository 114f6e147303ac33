//! How many cases of each kind were checked, and which of them failed.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::json::Case;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) checked: BTreeMap<&'static str, usize>,
    /// Cases with an object of their own, by file.
    pub(crate) cases: BTreeMap<&'static str, usize>,
    pub(crate) failures: Vec<String>,
}

impl Tally {
    /// Checks one case; it fails too if it has fields the check did not read.
    pub(crate) fn check(
        &mut self,
        kind: &'static str,
        value: &Value,
        check: impl FnOnce(&Case<'_>) -> Result<(), String>,
    ) {
        let number = self.checked.entry(kind).or_default();
        *number += 1;
        *self.cases.entry(kind.split('/').next().unwrap_or_default()).or_default() += 1;
        let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
        let place = format!("{kind} #{number} {name}");
        let found = Case::new(value).and_then(|case| {
            check(&case)?;
            case.skip(&["name"]);
            case.finish()
        });
        if let Err(reason) = found {
            self.failures.push(format!("{place}: {reason}"));
        }
    }

    /// Counts parts of a case that have no object of their own.
    pub(crate) fn count(&mut self, kind: &'static str, number: usize) {
        *self.checked.entry(kind).or_default() += number;
    }
}
