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
use tally::Tally;

/// Checks every file of a folder.
fn check(folder: &Folder) -> Result<Tally, String> {
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
    for (kind, expected) in &folder.counts {
        let found = tally.checked.get(kind.as_str()).copied().unwrap_or(0);
        if found != *expected {
            return Err(format!("{kind}: {found} cases checked, the manifest has {expected}"));
        }
    }
    if !folder.counts.is_empty() && folder.counts.len() != tally.checked.len() {
        return Err("the manifest does not count every kind".to_owned());
    }
    if tally.checked.is_empty() {
        return Err("nothing was checked".to_owned());
    }
    Ok(tally)
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
    let folder = Folder::read(&folder::compact()).expect("the subset can be read");
    let (value, mut tally) = (serde_json::json!({ "cases": [] }), Tally::default());
    assert!(check_file(&folder, "surprise", &value, None, &mut tally).is_err());
}

/// Changes single numbers in the compact subset and expects each change to be noticed.
#[test]
fn a_changed_number_fails() {
    let folder = Folder::read(&folder::compact()).expect("the subset can be read");
    let mut changed = 0;
    for mutant in mutate::mutants(&folder) {
        let mut tally = Tally::default();
        let value = &mutant.file;
        let found = check_file(&folder, &mutant.stem, value, None, &mut tally);
        let noticed = found.is_err() || !tally.failures.is_empty();
        assert!(noticed, "{}: {} went unnoticed", mutant.stem, mutant.place);
        changed += 1;
    }
    println!("{changed} changed numbers noticed");
    assert!(changed > 100);
}
