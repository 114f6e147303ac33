//! Files with one expected number changed, to prove that the test looks at it.

use serde_json::{Value, json};

use crate::folder::Folder;

pub(crate) struct Mutant {
    pub(crate) stem: String,
    pub(crate) place: String,
    /// The file with nothing but the one changed case.
    pub(crate) file: Value,
}

/// A spread of single changes over all kinds that can be checked by themselves.
pub(crate) fn mutants(folder: &Folder) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (stem, file) in &folder.files {
        if matches!(stem.as_str(), "preprocess" | "rolling" | "fit_cjm") {
            // The first two need each other, and fits of the continuous model are slow here; the
            // same checks run on the small ones among the edge cases.
            continue;
        }
        let kinds = file.as_object().expect("a file is an object");
        for (kind, cases) in kinds {
            let Some(cases) = cases.as_array() else { continue };
            let slow = stem.starts_with("fit") || stem == "refit";
            let (picked, leaves_max) = if slow { (smallest(cases), 5) } else { (spread(cases), 5) };
            for case in picked {
                let mut places = Vec::new();
                leaves(case, String::new(), &mut places);
                let step = places.len().div_ceil(leaves_max).max(1);
                for place in places.iter().skip(step / 2).step_by(step) {
                    let mut changed = case.clone();
                    change(changed.pointer_mut(place).expect("the place was found in the case"));
                    let file = json!({ kind: [changed] });
                    out.push(Mutant { stem: stem.clone(), place: format!("{kind}{place}"), file });
                }
            }
        }
    }
    out
}

/// Every fourth case.
fn spread(cases: &[Value]) -> Vec<&Value> {
    cases.iter().step_by(4).collect()
}

/// The case with the least to compute.
fn smallest(cases: &[Value]) -> Vec<&Value> {
    let mut sorted: Vec<&Value> = cases.iter().filter(|c| c.get("restarts").is_some()).collect();
    if sorted.is_empty() {
        sorted = cases.iter().collect();
    }
    sorted.sort_by_key(|c| c.get("n_rows").and_then(Value::as_u64));
    sorted.truncate(1);
    sorted
}

/// Places of all numbers that are expected results and not inputs.
fn leaves(value: &Value, place: String, out: &mut Vec<String>) {
    match value {
        Value::Number(_) => out.push(place),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                leaves(item, format!("{place}/{i}"), out);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                if !INPUTS.contains(&key.as_str()) {
                    leaves(item, format!("{place}/{key}"), out);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Fields that say what to compute.
const INPUTS: &[&str] = &[
    "K",
    "X_values",
    "a",
    "feat_weights",
    "grid_size",
    "jump_penalty",
    "lookback",
    "loss",
    "max_feats",
    "max_iter",
    "model",
    "n",
    "n_components",
    "n_init",
    "n_init_jm",
    "n_rows",
    "norm_ub",
    "options",
    "penalty",
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

/// A count becomes the next one, any other number moves by a ten-thousandth.
fn change(number: &mut Value) {
    *number = match (number.as_u64(), number.as_f64()) {
        (Some(count), _) => json!(count + 1),
        (None, Some(x)) => json!(x * 1.0001 + 1e-4),
        (None, None) => json!(1),
    };
}
