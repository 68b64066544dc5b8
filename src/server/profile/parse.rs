//! Parses and validates profiles; mistakes are reported with line, column and the nearest valid name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use toml::Spanned;

use super::{BUILT_IN, Comparison, Error, Origin, Profile};
use crate::model::classification::Classification;
use crate::model::name::TableName;
use crate::model::redaction::Treatment;

/// In bytes. Common file systems allow 255; date, time and `.json.zst` are added to the template.
const MAX_FILE_NAME_BYTES: usize = 200;

/// A mistake in a profile, with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Line and column start at 1; columns are characters.
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the profile has a mistake in line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

impl ParseError {
    fn at(text: &str, offset: usize, message: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1, message }
    }
}

/// Positions of the values that are validated after parsing.
#[derive(serde::Deserialize)]
struct Spans {
    scopes: Option<Spanned<toml::Value>>,
    filters: Option<Spanned<toml::Value>>,
    #[serde(default)]
    treatments: BTreeMap<String, Spanned<toml::Value>>,
    auth: Option<Spanned<toml::Value>>,
    name: Option<Spanned<toml::Value>>,
    file_name: Option<Spanned<toml::Value>>,
    #[serde(default)]
    roles: BTreeMap<Spanned<String>, toml::Value>,
    notice: Option<NoticeSpans>,
    #[serde(default)]
    tables: BTreeMap<String, TableSpans>,
}

#[derive(serde::Deserialize)]
struct NoticeSpans {
    people: Option<Spanned<toml::Value>>,
}

#[derive(serde::Deserialize)]
struct TableSpans {
    #[serde(default)]
    columns: BTreeMap<String, Spanned<toml::Value>>,
}

impl Spans {
    fn column_start(&self, table: &str, column: &str) -> usize {
        self.tables.get(table).and_then(|table| table.columns.get(column)).map_or(0, |column| column.span().start)
    }

    fn role_start(&self, name: &str) -> usize {
        self.roles.get_key_value(name).map_or(0, |(name, _)| name.span().start)
    }
}

impl Profile {
    /// Loads a built-in profile by its name, or a profile from a file.
    ///
    /// # Errors
    /// `Unknown` when no built-in profile has that name, `Unreadable` when the file cannot be read, `ParseError` when
    /// its text is not a valid profile.
    pub fn load(name_or_path: &str) -> Result<Self, Error> {
        if BUILT_IN.iter().any(|(name, _)| *name == name_or_path) {
            return Self::built_in(name_or_path);
        }
        match std::fs::read_to_string(Path::new(name_or_path)) {
            Ok(text) => Ok(Self { origin: Origin::File(name_or_path.to_owned()), ..Self::from_toml(&text)? }),
            // Without a slash or a dot it is meant as a name.
            Err(_) if !name_or_path.contains(['/', '.']) => Self::built_in(name_or_path),
            Err(error) => Err(Error::Unreadable(error)),
        }
    }

    /// Parses and validates a profile.
    ///
    /// # Errors
    /// The first mistake in the text.
    pub fn from_toml(text: &str) -> Result<Self, ParseError> {
        let places: Spans = toml::from_str(text).map_err(|error| to_parse_error(text, &error))?;
        reject_reserved(text, &places)?;
        let profile: Self = toml::from_str(text).map_err(|error| to_parse_error(text, &error))?;
        profile.validate(text, &places)?;
        Ok(profile)
    }

    /// Checks the rules that the types cannot express.
    fn validate(&self, text: &str, places: &Spans) -> Result<(), ParseError> {
        let error_at = |at: usize, what: String| Err(ParseError::at(text, at, what));
        let start = |place: &Option<Spanned<toml::Value>>| place.as_ref().map_or(0, |place| place.span().start);
        if self.name.trim().is_empty() {
            return error_at(start(&places.name), "name is empty: give the name of the application".into());
        }
        if let Some(what) = file_name_error(&self.file_name) {
            return error_at(start(&places.file_name), what);
        }
        if let Some(auth) = &self.auth {
            let (table, column) = auth.password_column();
            if self.column(table, column).is_some_and(|column| column.class != Classification::Secret) {
                let what =
                    format!("{table}.{column} holds the passwords that [auth] names: its class must be \"secret\"");
                return error_at(places.column_start(table.as_str(), column), what);
            }
            if auth.conditions().any(Comparison::is_unsatisfiable) {
                return error_at(
                    start(&places.auth),
                    "[auth] has an empty list, which matches no account: list a value or remove the condition".into(),
                );
            }
        }
        for (name, role) in &self.roles {
            let place = places.role_start(name);
            match (&role.table, &role.user, &self.auth) {
                (_, _, None) => {
                    return error_at(place, format!("role {name} needs [auth], which says where the accounts are"));
                }
                (Some(_), None, _) | (None, Some(_), _) => {
                    return error_at(place, format!("role {name}: give both table and user, or neither"));
                }
                _ if role.when.is_empty() => {
                    return error_at(
                        place,
                        format!("role {name}: when is empty, name at least one column and its value"),
                    );
                }
                _ if role.when.values().any(Comparison::is_unsatisfiable) => {
                    return error_at(
                        place,
                        format!("role {name}: an empty list matches no account, list at least one value"),
                    );
                }
                _ => {}
            }
        }
        match &self.notice {
            Some(notice) if !self.tables.contains_key(&notice.people) => {
                let near = nearest(notice.people.as_str(), self.tables.keys().map(TableName::as_str));
                let place = places.notice.as_ref().map_or(0, |notice| start(&notice.people));
                error_at(place, format!("notice.people must be a table of this profile{}", did_you_mean(near)))
            }
            _ => Ok(()),
        }
    }
}

/// The mistake in a file name template, if there is one.
fn file_name_error(template: &str) -> Option<String> {
    let plain = template.replace("{date}", "").replace("{time}", "");
    if template.is_empty() || template.contains(['/', '\\', '\0']) || matches!(template, "." | "..") {
        return Some("file_name must be a plain file name".into());
    }
    if plain.contains(['{', '}']) {
        return Some("file_name: only {date} and {time} may be in braces".into());
    }
    (template.len() > MAX_FILE_NAME_BYTES)
        .then(|| format!("file_name is too long: use at most {MAX_FILE_NAME_BYTES} bytes, so that date and suffix fit"))
}

fn reject_reserved(text: &str, places: &Spans) -> Result<(), ParseError> {
    for (name, value) in [("scopes", &places.scopes), ("filters", &places.filters)] {
        if let Some(value) = value {
            let what = format!("[{name}] is reserved for a later version and does nothing yet: remove it");
            return Err(ParseError::at(text, value.span().start, what));
        }
    }
    match places.treatments.get("secret") {
        Some(value) if value.get_ref().as_str() != Some(Treatment::Omit.as_str()) => {
            let what = "secrets are always omitted: treatments.secret must be \"omit\"";
            Err(ParseError::at(text, value.span().start, what.into()))
        }
        _ => Ok(()),
    }
}

fn to_parse_error(text: &str, error: &toml::de::Error) -> ParseError {
    let message = error.message();
    // serde's wording: the first name in backticks is the one found, the others are the valid ones.
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let near = match names[..] {
        [found, ref valid @ ..] if message.starts_with("unknown") => nearest(found, valid.iter().copied()),
        _ => None,
    };
    let what = format!("{}{}", message.trim_end().replace('\n', "; "), did_you_mean(near));
    ParseError::at(text, error.span().map_or(0, |span| span.start), what)
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// Returns the valid name most similar to `found`, if one is similar enough.
pub fn nearest<'a>(found: &str, valid: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = valid.map(|name| (strsim::jaro_winkler(found, name), name));
    scored.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_error(text: &str) -> String {
        Profile::from_toml(text).unwrap_err().to_string()
    }

    #[test]
    fn a_mistake_is_told_with_line_column_and_the_nearest_name() {
        let class = parse_error("name = \"x\"\n[tables.a.columns]\nid = \"plian\"\n");
        assert!(class.contains("line 3, column 6: unknown variant `plian`"), "{class}");
        assert!(class.ends_with("did you mean `plain`?"), "{class}");
        let detailed =
            parse_error("name = \"x\"\n[tables.a.columns]\nid = { class = \"secret\", on_imprt = \"fresh_token\" }\n");
        assert!(detailed.contains("line 3") && detailed.ends_with("did you mean `on_import`?"), "{detailed}");
        let field = parse_error("name = \"x\"\nfile_nam = \"y\"\n");
        assert!(field.contains("line 2, column 1") && field.ends_with("did you mean `file_name`?"), "{field}");
        let people =
            parse_error("name = \"x\"\n[notice]\ncontains = \"y\"\npeople = \"userz\"\n[tables.users.columns]\n");
        assert!(people.contains("line 4") && people.ends_with("did you mean `users`?"), "{people}");
        assert!(parse_error("name = \"x\n").contains("line 1"));
        assert!(parse_error("name = 1").contains("line 1, column 8"));
    }

    #[test]
    fn what_does_not_exist_yet_is_refused_by_name() {
        assert!(parse_error("name = \"x\"\n[scopes]\na = 1\n").contains("[scopes] is reserved"));
        assert!(parse_error("name = \"x\"\n[filters.a]\nb = 1\n").contains("[filters] is reserved"));
    }

    #[test]
    fn secrets_can_only_be_omitted() {
        for treatment in ["keep", "mask", "pseudonymise"] {
            let text = format!("name = \"x\"\n[treatments]\nsecret = \"{treatment}\"\n");
            assert!(parse_error(&text).contains("line 3, column 10: secrets are always omitted"), "{treatment}");
        }
        assert!(Profile::from_toml("name = \"x\"\n[treatments]\nsecret = \"omit\"\npersonal = \"mask\"\n").is_ok());
    }

    #[test]
    fn the_column_with_the_passwords_can_only_be_secret() {
        let profile = |class: &str| {
            format!(
                "name = \"x\"\nauth = {{ table = \"users\", id = \"id\", email = \"e\", password = \"pw\" }}\n\
                 [tables.users.columns]\nid = \"plain\"\npw = {class}\n"
            )
        };
        for class in ["\"plain\"", "{ class = \"personal\" }"] {
            let found = parse_error(&profile(class));
            assert!(found.contains("line 5, column 6: users.pw holds the passwords that [auth] names"), "{found}");
        }
        assert!(Profile::from_toml(&profile("\"secret\"")).is_ok());
    }

    #[test]
    fn a_file_name_is_one_that_can_be_made() {
        let name = |name: &str| Profile::from_toml(&format!("name = \"x\"\nfile_name = \"{name}\"\n"));
        for wrong in ["", ".", "..", "a/b", "x-{dat}.json", "x-{date.json", &"x".repeat(201)] {
            assert!(name(wrong).is_err_and(|error| error.line == 2 && error.column == 13), "{wrong}");
        }
        assert!(name("x-{date}-{time}.json").is_ok());
        assert!(parse_error("name = \" \"").contains("line 1, column 8: name is empty"));
    }

    #[test]
    fn roles_and_file_names_are_held_together() {
        assert!(parse_error("name = \"x\"\n[roles.a]\nlabel = \"A\"\nwhen = { b = 1 }\n").contains("needs [auth]"));
        let name = parse_error("name = \"x\" # no file_name\nfile_name = \"../x\"\n");
        assert!(name.contains("line 2, column 13: file_name must be a plain file name"), "{name}");
        let inline = parse_error("# roles.a\nname = \"x\"\nroles = { a = { label = \"A\", when = { b = 1 } } }\n");
        assert!(inline.contains("line 3, column 11: role a needs [auth]"), "{inline}");
    }
}
