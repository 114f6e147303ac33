//! Parity with the reference implementation, `jumpmodels` 0.1.1.
//!
//! Checks every case below the folder in `ATLAS_GOLDEN_DIR`, or the compact subset kept in the
//! repository, and prints how many of each kind. Formats: the README beside the files; tolerances:
//! labels, paths, starts and iteration counts exact, floats as section 14 of the specification.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod basics;
mod compare;
mod edge;
mod fits;
mod folder;
mod json;
mod mutate;
mod predict;
mod replay;
mod series;
mod sparse;
mod tally;

use std::path::Path;

use folder::Folder;
use json::Case;
use rayon::prelude::*;
use tally::Tally;

/// Checks every file of a folder; what was checked must be what the files hold, and what the
/// manifest counts where it does.
fn check(folder: &Folder) -> Result<Tally, String> {
    let held = folder.held()?;
    let mut tally = Tally::default();
    let mut table = None;
    // The table of series is needed by the rolling runs, so its file comes first.
    if let Some(value) = folder.files.get("preprocess") {
        let file = Case::new(value)?;
        table = series::preprocess(folder, &file, &mut tally)?;
        file.skip(&["cases"]);
        file.finish()?;
    }
    for (stem, value) in &folder.files {
        if stem != "preprocess" {
            check_file(folder, stem, value, table.as_ref(), &mut tally)
                .map_err(|e| format!("{stem}: {e}"))?;
        }
    }
    for (stem, cases) in &held {
        let found = tally.cases.get(stem.as_str()).copied().unwrap_or(0);
        if found != *cases || found == 0 {
            return Err(format!("{stem}: {found} cases checked, the file has {cases}"));
        }
    }
    counts_agree(folder, &tally)?;
    if tally.checked.is_empty() {
        return Err("nothing was checked".to_owned());
    }
    Ok(tally)
}

/// Compares with the manifest's counts, which a manifest need not have.
fn counts_agree(folder: &Folder, tally: &Tally) -> Result<(), String> {
    for (kind, expected) in &folder.counts {
        let found = tally.checked.get(kind.as_str()).copied().unwrap_or(0);
        if found != *expected {
            return Err(format!("{kind}: {found} cases checked, the manifest has {expected}"));
        }
    }
    if !folder.counts.is_empty() && folder.counts.len() != tally.checked.len() {
        return Err("the manifest does not count every kind".to_owned());
    }
    Ok(())
}

fn check_file(
    folder: &Folder,
    stem: &str,
    value: &serde_json::Value,
    table: Option<&series::Table>,
    tally: &mut Tally,
) -> Result<(), String> {
    let file = Case::new(value)?;
    match stem {
        "dp" => basics::dp(&file, tally),
        "rng_kmeanspp" => basics::rng(folder, &file, tally),
        "cjm_grid" => basics::grid(&file, tally),
        "lasso_bcss" => basics::lasso(folder, &file, tally),
        "fit_jm" => fits::fits(folder, &file, ["fit_jm/cases", "fit_jm/restarts"], tally),
        "fit_cjm" => fits::fits(folder, &file, ["fit_cjm/cases", "fit_cjm/restarts"], tally),
        "fit_sjm" => sparse::sparse(folder, &file, tally),
        "predict" => predict::predict(folder, &file, tally),
        "rolling" => series::rolling(&file, table, tally),
        "refit" => fits::refits(folder, &file, tally),
        "edge" => edge::edge(folder, &file, tally),
        _ => Err("an unknown kind of file".to_owned()),
    }?;
    file.finish()
}

#[test]
fn every_case_agrees_with_the_reference() {
    let path = folder::location();
    let folder = Folder::read(&path).expect("the folder can be read");
    let tally = check(&folder).expect("the folder can be checked");
    println!("golden cases in {}", path.display());
    for (kind, count) in &tally.checked {
        println!("{count:8}  {kind}");
    }
    let failures = &tally.failures;
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn an_empty_folder_and_an_unknown_file_fail() {
    assert!(Folder::read(Path::new("/nonexistent")).is_err());
    let empty = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden-empty");
    std::fs::create_dir_all(&empty).expect("a folder can be made");
    assert!(Folder::read(&empty).is_err());
    let folder = Folder::read(&folder::compact()).expect("the subset can be read");
    let (value, mut tally) = (serde_json::json!({ "cases": [] }), Tally::default());
    assert!(check_file(&folder, "surprise", &value, None, &mut tally).is_err());
}

/// A folder with one small kind of file, its manifest without counts but with a remark.
fn small(name: &str, file: &serde_json::Value, manifest: &serde_json::Value) -> Folder {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&path).expect("a folder can be made");
    let text = file.to_string();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&text);
    let digest = digest.iter().fold(String::new(), |all, b| format!("{all}{b:02x}"));
    let mut manifest = manifest.clone();
    manifest["files"] =
        serde_json::json!({ "lasso_bcss.json": { "bytes": text.len(), "sha256": digest } });
    manifest["matrices"] = serde_json::json!({});
    std::fs::write(path.join("lasso_bcss.json"), text).expect("a file can be written");
    std::fs::write(path.join("manifest.json"), manifest.to_string()).expect("another too");
    Folder::read(&path).expect("the folder can be read")
}

#[test]
fn counts_must_be_those_of_the_manifest_and_no_kind_may_be_empty() {
    use serde_json::json;
    let case = json!({ "x": [2.0], "thres": 0.5, "y": [1.5] });
    let file = json!({ "soft_threshold": [case] });
    let plain = small("golden-plain", &file, &json!({ "a_remark": "of no kind" }));
    let tally = check(&plain).expect("a manifest need not count, and may describe itself");
    assert_eq!(tally.checked.get("lasso_bcss/soft_threshold"), Some(&1));
    for (name, counts) in [
        ("golden-fewer", json!({ "lasso_bcss/soft_threshold": 2 })),
        ("golden-other", json!({ "lasso_bcss/lasso": 1 })),
    ] {
        assert!(check(&small(name, &file, &json!({ "counts": counts }))).is_err());
    }
    let emptied = json!({ "soft_threshold": [case], "lasso": [] });
    let said = check(&small("golden-emptied", &emptied, &json!({}))).err();
    assert_eq!(said.as_deref(), Some("lasso_bcss/lasso is empty"));
    let unknown = json!({ "soft_threshold": [case], "surprise": [case] });
    assert!(check(&small("golden-unknown", &unknown, &json!({}))).is_err());
    // The cases of a file that its check did not reach are missed too.
    let folder = small("golden-missed", &file, &json!({}));
    assert_eq!(folder.held().map(|held| held["lasso_bcss"]), Ok(1));
}

/// Changes numbers in the tables that hold results, in every column of each.
#[test]
fn a_changed_number_in_a_table_fails() {
    let folder = Folder::read(&folder::mutated()).expect("the folder can be read");
    let unnoticed = |mutant: &mutate::TableMutant| {
        let changed = folder.with_table(&mutant.table, mutant.text.clone()).ok()?;
        let mut tally = Tally::default();
        let file = Case::new(&changed.files["preprocess"]).ok()?;
        let found = series::preprocess(&changed, &file, &mut tally);
        (found.is_ok() && tally.failures.is_empty())
            .then(|| format!("{}: {} row {}", mutant.table, mutant.column, mutant.row))
    };
    let mutants = mutate::table_mutants(&folder, 6);
    let unnoticed: Vec<String> = mutants.par_iter().filter_map(unnoticed).collect();
    println!("changed numbers in tables: {}", mutants.len());
    assert!(mutants.len() >= 6 * 13, "{}", mutants.len());
    assert!(unnoticed.is_empty(), "went unnoticed:\n{}", unnoticed.join("\n"));
}

/// Changes single numbers of every field of every case, and expects each change to be noticed. With
/// `ATLAS_GOLDEN_MUTANTS=all` it changes every number there is, one after the other, in the folder
/// of `ATLAS_GOLDEN_DIR` if there is one.
#[test]
fn a_changed_number_fails() {
    let folder = Folder::read(&folder::mutated()).expect("the folder can be read");
    let every = std::env::var_os("ATLAS_GOLDEN_MUTANTS").is_some_and(|which| which == "all");
    let table = series::table(&folder).expect("the series can be read");
    let unnoticed = |mutant: &mutate::Mutant| {
        let (stem, file) = (mutant.stem.as_str(), &mutant.file);
        let mut tally = Tally::default();
        let found = if stem == "preprocess" {
            Case::new(file).and_then(|f| series::preprocess_with(&folder, &f, &table, &mut tally))
        } else {
            check_file(&folder, stem, file, Some(&table), &mut tally)
        };
        (found.is_ok() && tally.failures.is_empty()).then(|| format!("{stem}: {}", mutant.place))
    };
    let mutants = mutate::mutants(&folder, every);
    let mut kinds: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for mutant in &mutants {
        let kind = mutant.place.split('/').next().unwrap_or_default();
        *kinds.entry(format!("{}/{kind}", mutant.stem)).or_default() += 1;
    }
    let unnoticed: Vec<String> = mutants.par_iter().filter_map(unnoticed).collect();
    println!("changed numbers by kind: {kinds:#?}");
    println!("changed numbers: {}, unnoticed: {}", mutants.len(), unnoticed.len());
    let count = unnoticed.len();
    let first = unnoticed.iter().take(50).cloned().collect::<Vec<_>>().join("\n");
    assert!(unnoticed.is_empty(), "{count} of {} went unnoticed:\n{first}", mutants.len());
    // Every kind that the manifest counts and that has an object of its own was changed.
    let files: std::collections::BTreeSet<&str> =
        mutants.iter().map(|mutant| mutant.stem.as_str()).collect();
    let all: std::collections::BTreeSet<&str> = folder.files.keys().map(String::as_str).collect();
    assert_eq!(files, all);
}
