//! Checks that documents and comments cite only files and tests that exist.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::rust_files;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown documents of the repository.
fn documents() -> Vec<PathBuf> {
    let files = [root().to_owned(), root().join("docs")].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = files.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
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

/// `seal::every_cut_of_a_small_file_is_rejected` is a function of that name in a file or folder of that name.
#[test]
fn tests_named_in_documents_exist() {
    let sources = rust_files();
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, text) in &sources {
        for rest in text.split("fn ").skip(1) {
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            files.entry(name).or_default().push(path);
        }
    }
    let mut wrong = Vec::new();
    for document in ["docs/trust.md", "docs/tests.md", "docs/format.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for cited in quoted(&text) {
            let (module, name) = cited.rsplit_once("::").unwrap_or(("", cited));
            let is_word = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            // Names of tests are sentences; names of settings are shorter.
            if !is_word || name.matches('_').count() < 4 {
                continue;
            }
            let module = module.rsplit("::").next().unwrap_or_default();
            let is_in = |path: &str| path.trim_end_matches(".rs").split('/').any(|part| part == module);
            let found = files.get(name).is_some_and(|paths| module.is_empty() || paths.iter().any(|path| is_in(path)));
            if !found {
                wrong.push(format!("{document}: {cited}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ids such as B07 stand for requirements; `docs/tests.md` says which.
#[test]
fn ids_in_test_comments_are_explained() {
    let explained = fs::read_to_string(root().join("docs/tests.md")).unwrap();
    let is_id = |word: &&str| {
        let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
        word.len() - digits.len() == 1 && (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    };
    for (path, text) in rust_files().iter().filter(|(path, _)| path.starts_with("tests/")) {
        for comment in
            text.lines().filter_map(|line| line.trim().strip_prefix("///").or(line.trim().strip_prefix("//!")))
        {
            for id in comment.split(|c: char| !c.is_alphanumeric()).filter(is_id) {
                assert!(explained.contains(&format!("**{id}**")), "{path}: {id} is not in docs/tests.md");
            }
        }
    }
}

#[test]
fn comments_cite_only_documents_of_the_repository() {
    for (path, text) in rust_files() {
        for word in text.split(|c: char| c.is_whitespace() || "`\"'(),;".contains(c)) {
            let cited = word.trim_end_matches(['.', ':']);
            let is_document = cited.starts_with("docs/") && Path::new(cited).extension().is_some_and(|e| e == "md");
            assert!(!is_document || root().join(cited).exists(), "{path}: {cited}");
        }
    }
}
