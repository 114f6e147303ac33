//! Files with one expected number changed, to prove that the test looks at it.

use std::collections::BTreeMap;

use atlas_regime::Mt19937;
use serde_json::{Value, json};

use crate::folder::Folder;

pub(crate) struct Mutant {
    pub(crate) stem: String,
    pub(crate) place: String,
    /// The file with nothing but the one changed case, and what all cases share.
    pub(crate) file: Value,
}

/// Single changes over every kind of every file: for each case and each of its fields (`every`:
/// for each number in it), one number drawn at random.
pub(crate) fn mutants(folder: &Folder, every: bool) -> Vec<Mutant> {
    let mut out = Vec::new();
    let mut rng = Mt19937::new(20_240_805);
    for (stem, file) in &folder.files {
        let kinds = file.as_object().expect("a file is an object");
        for (kind, cases) in kinds.iter().filter(|(_, v)| v.is_array() || v.is_object()) {
            let list = cases.as_array().filter(|list| list.iter().all(Value::is_object));
            if cases.is_array() && list.is_none() {
                // Names of columns and dates, which say what to compute.
                continue;
            }
            let count = list.map_or(1, Vec::len);
            for i in 0..count {
                let case = list.map_or(cases, |list| &list[i]);
                for place in places(stem, case, every, &mut rng) {
                    let mut changed = case.clone();
                    let number = changed.pointer_mut(&place).expect("the place was found there");
                    change(number, &place);
                    let mut file = shared(stem, kinds);
                    file[kind] = if list.is_some() { json!([changed]) } else { changed };
                    let place = format!("{kind}/{i}{place}");
                    out.push(Mutant { stem: stem.clone(), place, file });
                }
            }
        }
    }
    out
}

/// A table with one number changed.
pub(crate) struct TableMutant {
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) row: usize,
    pub(crate) text: String,
}

/// Changes of single numbers in tables that are expected results: the closes, returns and features
/// of the series and the matrices made from it. `per_column` rows of every column, drawn at random.
pub(crate) fn table_mutants(folder: &Folder, per_column: u32) -> Vec<TableMutant> {
    let mut rng = Mt19937::new(19_990_105);
    let mut out = Vec::new();
    // Nine features are compared where they are whole, which they are not in the compact folder.
    let whole = folder.tables.contains_key("X_test9.csv");
    let nine = ["X_train9.csv", "X_test9.csv"].into_iter().filter(|_| whole);
    let three = ["series.csv", "X_train3.csv", "X_test3.csv", "X_full3.csv"];
    for table in three.into_iter().chain(nine) {
        let Some(text) = folder.tables.get(table) else { continue };
        let lines: Vec<&str> = text.lines().collect();
        for (j, column) in lines[0].split(',').enumerate().skip(1) {
            for _ in 0..per_column {
                let rows = u32::try_from(lines.len() - 1).expect("few");
                let share = rng.next_f64();
                let row = (1_u32..=rows)
                    .take_while(|i| f64::from(i - 1) <= share * f64::from(rows))
                    .count();
                let mut cells: Vec<String> = lines[row].split(',').map(str::to_owned).collect();
                let old: f64 = cells[j].parse().expect("a number");
                let new = if old.is_finite() { old + 1e-8 * old.abs().max(1.0) } else { 0.5 };
                cells[j] = new.to_string();
                let mut changed: Vec<String> = lines.iter().map(|&l| l.to_owned()).collect();
                changed[row] = cells.join(",");
                let (table, column) = (table.to_owned(), column.to_owned());
                out.push(TableMutant { table, column, row, text: changed.join("\n") });
            }
        }
    }
    out
}

/// What a file needs besides the case.
fn shared(stem: &str, kinds: &serde_json::Map<String, Value>) -> Value {
    let whole = matches!(stem, "preprocess" | "rolling");
    let kept = kinds.iter().filter(|(name, _)| whole && *name != "runs");
    let emptied =
        kept.map(|(name, v)| (name.clone(), if name == "cases" { json!([]) } else { v.clone() }));
    Value::Object(emptied.collect())
}

/// Places of expected numbers, one of each field.
fn places(stem: &str, case: &Value, every: bool, rng: &mut Mt19937) -> Vec<String> {
    let mut all = Vec::new();
    leaves(stem, case, String::new(), &mut all);
    if every {
        return all;
    }
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for place in all {
        let names = place.split('/').filter(|part| part.parse::<usize>().is_err());
        fields.entry(names.collect::<Vec<_>>().join("/")).or_default().push(place);
    }
    let mut drawn = Vec::with_capacity(fields.len());
    for mut places in fields.into_values() {
        let share = rng.next_f64();
        let numbered = (0_u32..).map(f64::from).zip(&places);
        let count = numbered.clone().count();
        let at = numbered
            .take_while(|(i, _)| *i <= share * f64::from(u32::try_from(count).expect("few")))
            .count();
        drawn.push(places.swap_remove(at - 1));
    }
    drawn
}

/// Places of all numbers and flags that are expected results and not inputs.
fn leaves(stem: &str, value: &Value, place: String, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                leaves(stem, item, format!("{place}/{i}"), out);
            }
        }
        Value::Object(fields) => {
            // Where centres are applied and not found, they are given.
            let applied = fields.contains_key("lookback")
                || (fields.contains_key("online") && stem == "edge");
            let given = |key: &str| match key {
                "centers" => applied,
                "penalty" => stem == "dp",
                "feat_weights" => stem != "fit_sjm",
                _ => INPUTS.contains(&key),
            };
            let found = fields.iter().filter(|(key, _)| !given(key));
            for (key, item) in found {
                leaves(stem, item, format!("{place}/{key}"), out);
            }
        }
        Value::Number(_) => out.push(place),
        Value::String(text) if NUMBERS.contains(&text.as_str()) => out.push(place),
        Value::Bool(_) if FLAGS.iter().any(|flag| place.ends_with(flag)) => out.push(place),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Numbers that JSON cannot write.
const NUMBERS: &[&str] = &["NaN", "Infinity", "-Infinity"];

/// Results that are true or false.
const FLAGS: &[&str] = &["/labels_equal_exactly", "/predict_equals_labels", "/labels_equal"];

/// Fields that say what to compute.
const INPUTS: &[&str] = &[
    "K",
    "X",
    "X_values",
    "a",
    "grid_size",
    "jump_penalty",
    "lookback",
    "loss",
    "max_feats",
    "max_iter",
    "model",
    "mul",
    "n",
    "n_components",
    "n_init",
    "n_init_jm",
    "n_rows",
    "norm_ub",
    "options",
    "random_state",
    "ret_values",
    "seed",
    "start",
    "step",
    "thres",
    "tol",
    "tol_jm",
    "tol_w",
    "weights_col0",
    "x",
];

/// A count becomes the next one, a flag the other; any other number moves by a little more than
/// section 14 of the specification lets pass.
fn change(number: &mut Value, place: &str) {
    let ends = |fields: &[&str]| {
        let mut names = place.split('/').filter(|part| part.parse::<usize>().is_err());
        names.next_back().is_some_and(|name| fields.contains(&name))
    };
    let moved = |x: f64| {
        if ends(&["min_margin", "online_margin"]) {
            x * 1.001 + 1e-6
        } else if ends(&["w", "w_next", "feat_weights"]) {
            x + 1e-5
        } else if ends(&["vol", "ret_std"]) {
            x + 1e-6 * x.abs().max(1e-3)
        } else {
            x + 1e-8 * x.abs().max(0.1)
        }
    };
    *number = match (number.as_bool(), number.as_u64(), number.as_f64()) {
        (Some(flag), ..) => json!(!flag),
        (None, Some(count), _) => json!(count + 1),
        (None, None, Some(x)) => json!(moved(x)),
        (None, None, None) => json!(0.5),
    };
}
