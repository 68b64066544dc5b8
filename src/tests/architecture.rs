//! Modules import only from lower layers, and files stay short.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module's layer; a module may import only from lower layers.
const LAYERS: [(&str, u32); 32] = [
    ("model", 0),
    ("seal", 1),
    ("verifier", 2),
    ("server::rows", 2),
    ("server::support", 2),
    ("server::artifact", 3),
    ("server::guide", 3),
    ("server::inspect", 3),
    ("server::pipeline", 3),
    ("server::profile", 3),
    ("server::signing", 3),
    ("server::source", 3),
    ("server::state", 3),
    ("server::audit", 4),
    ("server::sample", 4),
    ("server::binding", 5),
    ("server::identity", 5),
    ("server::profiles", 6),
    ("server::export", 7),
    ("server::history", 7),
    ("server::readiness", 7),
    ("server::app", 8),
    ("server::api_error", 8),
    ("server::rpc_context", 9),
    ("rpc", 10),
    ("ui", 11),
    ("server::http", 12),
    ("server::worker", 12),
    ("server::cli", 13),
    ("server", 14),
    ("lib", 15),
    ("main", 16),
];
/// Modules that also run in the browser, with all that they may import. Server functions reach the server through
/// `server::rpc_context` only.
const BROWSER_IMPORTS: [(&str, &[&str]); 5] = [
    ("model", &[]),
    ("seal", &["model"]),
    ("verifier", &["model", "seal"]),
    ("rpc", &["model", "server::rpc_context"]),
    ("ui", &["model", "seal", "rpc"]),
];
const MAX_FILE_LINES: usize = 500;
const MAX_MEDIAN_LINES: usize = 100;
const MAX_FEATURE_CFGS: usize = 5;

fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    let relative = |(path, text): (PathBuf, String)| (path.strip_prefix(&root).unwrap().to_owned(), text);
    let product = |(path, _): &(PathBuf, String)| !path.starts_with("tests") && !path.starts_with("benches");
    found.into_iter().map(relative).filter(product).collect()
}

/// `server/http/file.rs` -> `server::http`; `ui/app.rs` -> `ui`.
fn module_of(path: &str) -> String {
    let parts: Vec<&str> = path.trim_end_matches(".rs").split(['/', ':']).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        ["server", part, ..] if part != "mod" => format!("server::{part}"),
        [first, ..] => first.to_owned(),
        [] => String::new(),
    }
}

/// Modules named by a `crate::…` path in the code before the file's unit tests.
fn imports(text: &str) -> Vec<String> {
    let product = text.split("#[cfg(test)]").next().unwrap();
    let code = product.lines().filter(|line| !line.trim_start().starts_with("//"));
    let paths = code.flat_map(|line| line.split("crate::").skip(1).map(str::to_owned).collect::<Vec<_>>());
    let end = |path: &str| path.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(path.len());
    let mut found = Vec::new();
    for path in paths {
        let head = &path[..end(&path)];
        match path[end(&path)..].strip_prefix('{').filter(|_| head == "server::") {
            Some(group) => found.extend(
                group
                    .split('}')
                    .next()
                    .unwrap_or_default()
                    .split(',')
                    .map(|part| module_of(&format!("server::{}", part.trim()))),
            ),
            None => found.push(module_of(head)),
        }
    }
    found
}

#[test]
fn modules_import_only_lower_layers() {
    let layers = BTreeMap::from(LAYERS);
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let from = module_of(&path.to_string_lossy());
        let layer = *layers.get(from.as_str()).unwrap_or_else(|| panic!("{from} has no layer"));
        for to in imports(&text).into_iter().filter(|to| *to != from) {
            let down = layers.get(to.as_str()).is_some_and(|other| *other < layer);
            let list = BROWSER_IMPORTS.iter().find(|(module, _)| *module == from);
            let allowed = list.is_none_or(|(_, allowed)| allowed.contains(&to.as_str()));
            if !down || !allowed {
                wrong.push(format!("{}: {from} -> {to}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that the architecture does not allow:\n{}", wrong.join("\n"));
}

#[test]
fn source_and_pipeline_meet_only_in_rows() {
    for (path, text) in sources() {
        let meets = |other: &str| imports(&text).iter().any(|import| import == other);
        assert!(!(path.starts_with("server/source") && meets("server::pipeline")), "{}", path.display());
        assert!(!(path.starts_with("server/pipeline") && meets("server::source")), "{}", path.display());
    }
}

#[test]
fn files_are_short_and_feature_cfgs_are_few() {
    let mut lengths = Vec::new();
    let mut cfg_lines = 0;
    for (path, text) in sources() {
        let product = text.split("#[cfg(test)]").next().unwrap().lines().count();
        assert!(product <= MAX_FILE_LINES, "{} has {product} lines", path.display());
        lengths.push(product);
        cfg_lines +=
            text.lines().filter(|line| line.trim_start().starts_with("#[cfg(") && line.contains("feature")).count();
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= MAX_MEDIAN_LINES, "the median file has {median} lines");
    assert!(cfg_lines <= MAX_FEATURE_CFGS, "{cfg_lines} feature cfg lines");
}

#[test]
fn every_file_opens_with_module_docs() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{} does not open with module docs", path.display());
    }
}
