//! Checks that imports point down and never in a circle, that files stay short, and that documents cite what exists.

mod documents;
mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use imports::Imports;

/// Each module and its layer. A module may import only modules of lower layers.
const LAYERS: [(&str, u32); 38] = [
    ("model", 0),
    ("seal", 1),
    ("verifier", 2),
    ("server::rows", 2),
    ("server::support", 2),
    ("server::artifact", 3),
    ("server::inspect", 3),
    ("server::pipeline", 3),
    ("server::profile", 3),
    ("server::signing", 3),
    ("server::source", 3),
    ("server::state", 3),
    ("server::subset", 3),
    ("server::audit", 4),
    ("server::guide", 4),
    ("server::jobs", 4),
    ("server::layout", 4),
    ("server::sample", 4),
    ("server::binding", 5),
    ("server::identity", 5),
    ("server::profiles", 6),
    ("server::selection", 7),
    ("server::export", 8),
    ("server::history", 8),
    ("server::import", 8),
    ("server::key_rotation", 8),
    ("server::readiness", 8),
    ("server::app", 9),
    ("server::api_error", 9),
    ("server::rpc_context", 10),
    ("rpc", 11),
    ("ui", 12),
    ("server::http", 13),
    ("server::worker", 13),
    ("server::cli", 14),
    ("server", 15),
    ("lib", 16),
    ("main", 17),
];
/// Modules compiled for the browser, and all that they may import. Server functions reach the server through
/// `server::rpc_context` only.
const BROWSER_IMPORTS: [(&str, &[&str]); 5] = [
    ("model", &[]),
    ("seal", &["model"]),
    ("verifier", &["model", "seal"]),
    ("rpc", &["model", "server::rpc_context"]),
    ("ui", &["model", "seal", "rpc"]),
];
const MAX_FILE_LINES: usize = 400;
const MAX_MEDIAN_LINES: usize = 80;
/// One for the server, and one for each module of the browser.
const MAX_FEATURE_CFGS: usize = 5;

/// Every Rust file: its path below `src`, and its text.
fn rust_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((below, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// The files of the product, without tests and benchmarks.
fn sources() -> Vec<(String, String)> {
    let mut files = rust_files();
    files.retain(|(file, _)| !file.starts_with("tests/") && !file.starts_with("benches/"));
    files
}

/// `server/http/events.rs` belongs to `server::http`, `ui/routes.rs` to `ui`.
fn module_of(file: &str) -> String {
    let parts: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    match parts[..] {
        ["server", part, ..] if part != "mod" => format!("server::{part}"),
        [first, ..] => first.to_owned(),
        [] => String::new(),
    }
}

#[test]
fn modules_import_only_lower_layers() {
    let layers = BTreeMap::from(LAYERS);
    let layer = |module: &str| *layers.get(module).unwrap_or_else(|| panic!("{module} has no layer"));
    let mut wrong = Vec::new();
    for (file, other_file) in Imports::of(&sources()).arrows() {
        let (from, to) = (module_of(&file), module_of(&other_file));
        let list = BROWSER_IMPORTS.iter().find(|(module, _)| *module == from);
        let is_allowed = list.is_none_or(|(_, allowed)| allowed.contains(&to.as_str()));
        if from != to && (layer(&to) >= layer(&from) || !is_allowed) {
            wrong.push(format!("{file}: {from} -> {to}"));
        }
    }
    assert!(wrong.is_empty(), "imports that the architecture does not allow:\n{}", wrong.join("\n"));
}

/// What a folder's module docs list after "May import", between backticks.
fn listed_imports(mod_file: &str) -> Option<BTreeSet<String>> {
    let docs: String = mod_file.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let list = docs.split_once("May import:")?.1;
    let list = list.split_once("Flow:").map_or(list, |(list, _)| list);
    Some(list.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

#[test]
fn module_docs_list_what_these_folders_import() {
    let files = sources();
    let arrows = Imports::of(&files).arrows();
    for folder in ["audit", "binding", "cli", "http", "identity", "profiles", "signing"] {
        let (_, text) = files.iter().find(|(file, _)| *file == format!("server/{folder}/mod.rs")).unwrap();
        let listed = listed_imports(text).unwrap_or_else(|| panic!("{folder} does not say what it may import"));
        let from_here = arrows.iter().filter(|(file, _)| module_of(file) == format!("server::{folder}"));
        let imported: BTreeSet<String> = from_here
            .map(|(_, to)| module_of(to).trim_start_matches("server::").to_owned())
            .filter(|to| to != folder)
            .collect();
        assert_eq!(imported, listed, "{folder}: what is imported, and what its docs list");
    }
}

#[test]
fn source_and_pipeline_meet_only_in_rows() {
    let meeting = [("server::source", "server::pipeline"), ("server::pipeline", "server::source")];
    for (file, other_file) in Imports::of(&sources()).arrows() {
        let arrow = (module_of(&file), module_of(&other_file));
        assert!(!meeting.contains(&(arrow.0.as_str(), arrow.1.as_str())), "{file} imports {other_file}");
    }
}

#[test]
fn files_do_not_import_each_other_in_a_circle() {
    let mut imported: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, other_file) in Imports::of(&sources()).arrows() {
        imported.entry(file).or_default().insert(other_file);
    }
    // Files that import nothing more are removed until only circles, and what leads into them, are left.
    while let Some(leaf) = imported.iter().find(|(_, others)| others.iter().all(|o| !imported.contains_key(o))) {
        let leaf = leaf.0.clone();
        imported.remove(&leaf);
    }
    let left: Vec<String> = imported.iter().map(|(file, others)| format!("{file} -> {others:?}")).collect();
    assert!(left.is_empty(), "files that import each other, and files that import those:\n{}", left.join("\n"));
}

#[test]
fn files_are_short_and_feature_cfgs_are_few() {
    let mut lengths = Vec::new();
    let mut cfgs = 0;
    for (file, text) in sources() {
        let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
        assert!(lines <= MAX_FILE_LINES, "{file} has {lines} lines");
        lengths.push(lines);
        cfgs += text.lines().filter(|line| line.trim_start().starts_with("#[cfg(") && line.contains("feature")).count();
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= MAX_MEDIAN_LINES, "the median file has {median} lines");
    assert!(cfgs <= MAX_FEATURE_CFGS, "{cfgs} lines with a feature cfg");
}

#[test]
fn every_file_opens_with_module_docs() {
    for (file, text) in sources() {
        assert!(text.starts_with("//!"), "{file} does not open with module docs");
    }
}
