//! Reads which files use which, from the tokens of the source.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::vec::IntoIter;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The segments of a module or item path below the crate, such as `["server", "http", "file"]`.
pub type Path = Vec<String>;

/// The files of the crate and the paths that each one mentions.
#[derive(Default)]
pub struct Imports {
    /// Module path to file.
    files: BTreeMap<Path, String>,
    /// Full path of a name that a `use` brings in to the path that it stands for.
    aliases: BTreeMap<Path, Path>,
    /// File and full path of every mention that is not a re-export.
    mentions: Vec<(String, Path)>,
}

impl Imports {
    /// Reads `(path below src, text)` of every file of the crate.
    pub fn of(sources: &[(String, String)]) -> Self {
        let files = sources.iter().map(|(file, _)| (module_path(file), file.clone())).collect();
        let mut imports = Self { files, ..Self::default() };
        for (file, text) in sources {
            let tokens = text.parse().unwrap_or_else(|e| panic!("{file}: {e}"));
            imports.read(file, &module_path(file), tokens);
        }
        imports
    }

    /// For each file, the other files that it uses. A name that a `use` passed on counts as use of the file that defines it;
    /// a `pub use` itself is none.
    pub fn arrows(&self) -> BTreeSet<(String, String)> {
        let resolved = self.mentions.iter().filter_map(|(file, path)| Some((file.clone(), self.file_of(path)?)));
        resolved.filter(|(from, to)| from != to).collect()
    }

    fn file_of(&self, path: &Path) -> Option<String> {
        let module = (1..=path.len()).rev().map(|n| &path[..n]).find(|prefix| self.files.contains_key(*prefix))?;
        let item = &path[..path.len().min(module.len() + 1)];
        match self.aliases.get(item) {
            Some(original) if original != item => self.file_of(original),
            _ => Some(self.files[module].clone()),
        }
    }

    fn read(&mut self, file: &str, module: &Path, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().collect::<Vec<_>>().into_iter().peekable();
        let (mut test_only, mut public, mut last) = (false, false, String::new());
        while let Some(token) = tokens.next() {
            let word = token.to_string();
            match token {
                TokenTree::Group(group) if test_only && group.delimiter() == Delimiter::Brace => test_only = false,
                TokenTree::Group(group)
                    if last == "#" && group.to_string().replace(char::is_whitespace, "").contains("cfg(test)") =>
                {
                    test_only = true;
                }
                // `pub(crate)` is still public to its neighbours.
                TokenTree::Group(_) if last == "pub" => continue,
                TokenTree::Group(group) => self.read(file, module, group.stream()),
                TokenTree::Ident(_) if word == "use" => {
                    for (name, path) in use_tree(&mut tokens, &Vec::new()) {
                        let Some(path) = self.absolute(module, path) else { continue };
                        if !public && !test_only {
                            self.mentions.push((file.to_owned(), path.clone()));
                        }
                        self.aliases.insert([module.as_slice(), &[name]].concat(), path);
                    }
                    test_only = false;
                }
                TokenTree::Ident(_) if word == "mod" => {
                    let inner = [module.as_slice(), &[tokens.next().unwrap().to_string()]].concat();
                    if let Some(TokenTree::Group(group)) = tokens.next().filter(|_| !test_only) {
                        self.read(file, &inner, group.stream());
                    }
                    test_only = false;
                }
                TokenTree::Ident(_) if last != "::" && !test_only => {
                    let path = path_from(word.clone(), &mut tokens);
                    // One segment may be a variable that is named like a module.
                    let path = Some(path).filter(|path| path.len() > 1).and_then(|path| self.absolute(module, path));
                    self.mentions.extend(path.map(|path| (file.to_owned(), path)));
                }
                _ if word == ";" => test_only = false,
                _ => {}
            }
            public = word == "pub";
            last = if word == ":" && last == ":" { "::".to_owned() } else { word };
        }
    }

    /// The full path, or nothing for a path that does not start in this crate.
    fn absolute(&self, module: &Path, path: Path) -> Option<Path> {
        let mut base = module.clone();
        let mut rest = path.into_iter().peekable();
        match rest.peek()?.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                while rest.next_if(|segment| segment == "super").is_some() {
                    base.pop();
                }
                return Some(base.into_iter().chain(rest).collect());
            }
            child => {
                let child = [module.as_slice(), &[child.to_owned()]].concat();
                return self.files.contains_key(&child).then(|| base.into_iter().chain(rest).collect());
            }
        }
        Some(base.into_iter().chain(rest.skip(1)).collect())
    }
}

/// `server/http/mod.rs` and `server/http.rs` are `server::http`.
fn module_path(file: &str) -> Path {
    let stem = file.trim_end_matches(".rs").trim_end_matches("/mod");
    stem.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
}

type Tokens = Peekable<IntoIter<TokenTree>>;

/// The rest of `first::second::…`, as far as it is plain segments.
fn path_from(first: String, tokens: &mut Tokens) -> Path {
    let mut path = vec![first];
    while is_separator(tokens) {
        tokens.next();
        tokens.next();
        match tokens.peek() {
            Some(TokenTree::Ident(segment)) => path.push(segment.to_string()),
            _ => break,
        }
        tokens.next();
    }
    path
}

fn is_separator(tokens: &Tokens) -> bool {
    let mut ahead = tokens.clone();
    [ahead.next(), ahead.next()].iter().all(|token| token.as_ref().is_some_and(|token| token.to_string() == ":"))
}

/// Every name that a `use` brings in, with the path that it stands for.
fn use_tree(tokens: &mut Tokens, prefix: &Path) -> Vec<(String, Path)> {
    let mut found = Vec::new();
    let mut path = prefix.clone();
    let mut name = None;
    let mut finish = |path: &mut Path, name: &mut Option<String>| {
        if path.len() > prefix.len() {
            if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
                path.pop();
            }
            let name = name.take().or_else(|| path.last().cloned()).unwrap_or_default();
            found.push((name, std::mem::replace(path, prefix.clone())));
        }
    };
    let mut inner = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let mut group = group.stream().into_iter().collect::<Vec<_>>().into_iter().peekable();
                inner.extend(use_tree(&mut group, &std::mem::replace(&mut path, prefix.clone())));
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => break,
            TokenTree::Punct(punct) if punct.as_char() == ',' => finish(&mut path, &mut name),
            TokenTree::Ident(ident) if ident == "as" => name = tokens.next().map(|alias| alias.to_string()),
            TokenTree::Ident(ident) => path.push(ident.to_string()),
            _ => {}
        }
    }
    finish(&mut path, &mut name);
    found.extend(inner);
    found
}

#[test]
fn paths_are_resolved_through_super_groups_and_names_passed_on() {
    let source = |(file, text): (&str, &str)| (file.to_owned(), text.to_owned());
    let sources = [
        ("shop/mod.rs", "mod cart; mod price; pub use price::Price; use cart::Cart;"),
        (
            "shop/cart.rs",
            "use super::{Price, price::{self as p, round}}; fn f() { crate::tax::rate(); let price = 1; }",
        ),
        (
            "shop/price.rs",
            "#[cfg(test)] use super::tax; #[cfg(test)] mod tests { use crate::tax; } fn g(x: super::cart::Cart) {}",
        ),
        ("tax.rs", "view! { <p>{self::rate()}</p> } mod inner { use super::rate; }"),
    ];
    let arrows = Imports::of(&sources.map(source)).arrows();
    let expected = [
        ("shop/cart.rs", "shop/price.rs"),
        ("shop/cart.rs", "tax.rs"),
        ("shop/mod.rs", "shop/cart.rs"),
        ("shop/price.rs", "shop/cart.rs"),
    ];
    assert_eq!(arrows, expected.map(source).into_iter().collect());
}
