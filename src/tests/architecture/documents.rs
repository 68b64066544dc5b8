//! Checks that documents and comments cite only files and tests that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown documents of the repository.
fn documents() -> Vec<PathBuf> {
    let files = [root().to_owned(), root().join("docs")].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = files.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// Every source file of `src`, tests included.
fn sources() -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join("src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The texts between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn links_of_documents_lead_somewhere() {
    let mut wrong = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            if !document.parent().unwrap().join(file).exists() {
                wrong.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn paths_in_documents_exist() {
    let places = ["", "src", "src/server", "src/tests", "src/ui"].map(|place| root().join(place));
    let mut wrong = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        // Blocks of code show commands and files of other machines.
        let prose = text.split("```").step_by(2).collect::<String>();
        let is_path = |path: &&str| path.starts_with("src/") || Path::new(path).extension().is_some_and(|e| e == "rs");
        for path in quoted(&prose).filter(is_path).filter(|path| !path.contains(['…', '*', ' '])) {
            if !places.iter().any(|place| place.join(path).exists()) {
                wrong.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tests_named_in_documents_exist() {
    let sources = sources();
    let names: BTreeSet<&str> = sources
        .iter()
        .flat_map(|(_, text)| text.split("fn ").skip(1))
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect();
    let mut wrong = Vec::new();
    for document in ["docs/trust.md", "docs/tests.md", "docs/format.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for name in quoted(&text).filter_map(|name| name.rsplit("::").next()) {
            // Names of tests are sentences; names of settings are shorter.
            let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if letters && name.matches('_').count() >= 4 && !names.contains(name) {
                wrong.push(format!("{document}: {name}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}",
        wrong.join(
            "
"
        )
    );
}

/// Ids such as B07 stand for requirements; `docs/tests.md` says which.
#[test]
fn ids_in_test_comments_are_explained() {
    let explained = fs::read_to_string(root().join("docs/tests.md")).unwrap();
    let is_id = |word: &&str| {
        let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
        word.len() - digits.len() == 1 && (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    };
    for (path, text) in sources().iter().filter(|(path, _)| path.starts_with(root().join("src/tests"))) {
        for comment in
            text.lines().filter_map(|line| line.trim().strip_prefix("///").or(line.trim().strip_prefix("//!")))
        {
            for id in comment.split(|c: char| !c.is_alphanumeric()).filter(is_id) {
                assert!(explained.contains(&format!("**{id}**")), "{}: {id} is not in docs/tests.md", path.display());
            }
        }
    }
}

#[test]
fn comments_cite_only_documents_of_the_repository() {
    for (path, text) in sources() {
        for word in text.split(|c: char| c.is_whitespace() || "`\"'(),;".contains(c)) {
            let cited = word.trim_end_matches(['.', ':']);
            let is_document = cited.starts_with("docs/") && Path::new(cited).extension().is_some_and(|e| e == "md");
            assert!(!is_document || root().join(cited).exists(), "{}: {cited}", path.display());
        }
    }
}
