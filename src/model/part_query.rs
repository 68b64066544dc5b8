//! A part of the database as the query of the export page's address. The page's form sends the same, with fields of its own;
//! both are read here, and written again in one way only.

use std::collections::{BTreeMap, BTreeSet};

use form_urlencoded::parse;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::name::TableName;
use super::route::EXPORT;
use super::selection::Selection;

/// Most bytes of an address's query.
const MAX_QUERY_BYTES: usize = 16_000;
/// Most characters of one value.
const MAX_VALUE_CHARS: usize = 500;
/// Most values of one filter.
const MAX_VALUES: usize = 100;
/// The parameter with the tables.
const TABLES: &str = "tables";
/// What the page itself writes to its address, beside the selection.
const OF_THE_PAGE: [&str; 2] = ["problem", "refresh"];
/// What stays as it is in a value (RFC 3986, section 2.3, and what is common in dates and lists).
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b',').remove(b':');

/// What an address of the export page asks for.
///
/// ```
/// use waybill::model::part_query::PartQuery;
///
/// let form = "site=s1&company=b&company=a&period.from=2026-07-01&period.to=&tables=users&tables=sites&find.company=";
/// let part = PartQuery::parse(form).unwrap();
/// assert_eq!(part.to_string(), "company=a&company=b&period=2026-07-01..&site=s1&tables=sites,users");
/// assert_eq!(PartQuery::parse(&part.to_string()), Ok(part));
/// assert!(PartQuery::parse("").unwrap().selection.is_whole_database());
/// assert!(PartQuery::parse("company=").is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartQuery {
    pub selection: Selection,
    /// The text that is searched for among the choices of a filter, without script. No part of the selection.
    pub searches: BTreeMap<String, String>,
}

/// A query that is no selection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPartQuery {
    #[error("The address is too long: it may have {MAX_QUERY_BYTES} bytes after the question mark.")]
    TooLong,
    #[error("{0}: the value is empty.")]
    Empty(String),
    #[error("{0}: `{1}` is in the address more than once.")]
    Repeated(String, String),
    #[error("{0}: a value may have {MAX_VALUE_CHARS} characters, and none that is invisible.")]
    Unreadable(String),
    #[error("{0}: at most {MAX_VALUES} values can be chosen.")]
    TooMany(String),
    #[error("`{0}` is no parameter of this page.")]
    UnknownParameter(String),
}

/// Whether a filter can have this name in an address.
#[must_use]
pub fn is_filter_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.chars().all(is_plain) && !OF_THE_PAGE.contains(&name) && name != TABLES
}

impl PartQuery {
    /// Reads a query, with or without the question mark.
    ///
    /// # Errors
    /// For a parameter that is empty, repeated, too long or unknown. Which filters there are is for the profile to say.
    pub fn parse(query: &str) -> Result<Self, InvalidPartQuery> {
        let query = query.strip_prefix('?').unwrap_or(query);
        if query.len() > MAX_QUERY_BYTES {
            return Err(InvalidPartQuery::TooLong);
        }
        let mut part = Self::default();
        let mut periods: BTreeMap<String, [String; 2]> = BTreeMap::new();
        for (name, value) in parse(query.as_bytes()) {
            check_value(&name, &value)?;
            match (name.as_ref(), name.split_once('.')) {
                (own, _) if OF_THE_PAGE.contains(&own) => {}
                (TABLES, _) => part.add_tables(&value)?,
                (_, Some(("find", filter))) if is_filter_name(filter) => part.search(filter, &value)?,
                (_, Some(("add", filter))) if is_filter_name(filter) => part.add_typed(filter, &value)?,
                (_, Some((filter, "from"))) if is_filter_name(filter) => {
                    set_bound(&mut periods.entry(filter.to_owned()).or_default()[0], &name, &value)?;
                }
                (_, Some((filter, "to"))) if is_filter_name(filter) => {
                    set_bound(&mut periods.entry(filter.to_owned()).or_default()[1], &name, &value)?;
                }
                (filter, None) if is_filter_name(filter) => part.add(filter, &value)?,
                _ => return Err(InvalidPartQuery::UnknownParameter(shortened(&name))),
            }
        }
        for (filter, [from, to]) in periods {
            if !(from.is_empty() && to.is_empty()) {
                part.add(&filter, &format!("{from}..{to}"))?;
            }
        }
        Ok(part)
    }

    /// The path of the export page for this query, where a `problem` may be shown. A query that is none gives the page
    /// that says so.
    #[must_use]
    pub fn page_of(query: &str, problem: &str) -> String {
        let part = Self::parse(query).map_or_else(|_| encoded(query), |part| part.to_string());
        let problem = if problem.is_empty() { String::new() } else { format!("problem={problem}") };
        let query = [part, problem].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("&");
        if query.is_empty() { EXPORT.to_owned() } else { format!("{EXPORT}?{query}") }
    }

    /// Whether a parameter, `name=value`, is none of the selection's and remains in the page's address.
    #[must_use]
    pub fn is_of_the_page(parameter: &str) -> bool {
        parameter.split_once('=').is_some_and(|(name, _)| OF_THE_PAGE.contains(&name))
    }

    fn add(&mut self, filter: &str, value: &str) -> Result<(), InvalidPartQuery> {
        let value = value.trim();
        if value.is_empty() {
            return Err(InvalidPartQuery::Empty(filter.to_owned()));
        }
        let values = self.selection.filters.entry(filter.to_owned()).or_default();
        if !values.insert(value.to_owned()) {
            return Err(InvalidPartQuery::Repeated(filter.to_owned(), shortened(value)));
        }
        if values.len() > MAX_VALUES { Err(InvalidPartQuery::TooMany(filter.to_owned())) } else { Ok(()) }
    }

    /// A value that was typed into the form may be empty, and chosen already.
    fn add_typed(&mut self, filter: &str, value: &str) -> Result<(), InvalidPartQuery> {
        let is_chosen = self.selection.filters.get(filter).is_some_and(|values| values.contains(value.trim()));
        if value.trim().is_empty() || is_chosen { Ok(()) } else { self.add(filter, value) }
    }

    fn search(&mut self, filter: &str, text: &str) -> Result<(), InvalidPartQuery> {
        let text = text.trim();
        if !text.is_empty() && self.searches.insert(filter.to_owned(), text.to_owned()).is_some() {
            return Err(InvalidPartQuery::Repeated(format!("find.{filter}"), shortened(text)));
        }
        Ok(())
    }

    fn add_tables(&mut self, names: &str) -> Result<(), InvalidPartQuery> {
        let tables = self.selection.tables.get_or_insert_default();
        for name in names.split(',') {
            if name.is_empty() {
                return Err(InvalidPartQuery::Empty(TABLES.to_owned()));
            }
            if !tables.insert(TableName::from(name)) {
                return Err(InvalidPartQuery::Repeated(TABLES.to_owned(), shortened(name)));
            }
        }
        Ok(())
    }
}

fn set_bound(bound: &mut String, name: &str, value: &str) -> Result<(), InvalidPartQuery> {
    if !bound.is_empty() {
        return Err(InvalidPartQuery::Repeated(name.to_owned(), shortened(value)));
    }
    value.trim().clone_into(bound);
    Ok(())
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

fn check_value(name: &str, value: &str) -> Result<(), InvalidPartQuery> {
    let is_list = name == TABLES;
    let is_too_long = !is_list && value.chars().nth(MAX_VALUE_CHARS).is_some();
    if is_too_long || value.contains(char::is_control) {
        return Err(InvalidPartQuery::Unreadable(shortened(name)));
    }
    Ok(())
}

/// As much of it as a message can hold.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The query, without the question mark. Equal ones have equal texts.
impl std::fmt::Display for PartQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parameters: Vec<String> = Vec::new();
        for (name, values) in &self.selection.filters {
            parameters.extend(values.iter().map(|value| format!("{name}={}", encoded(value))));
        }
        if let Some(tables) = &self.selection.tables {
            let names: BTreeSet<&str> = tables.iter().map(TableName::as_str).collect();
            let names: Vec<String> = names.into_iter().map(encoded).collect();
            parameters.push(format!("{TABLES}={}", names.join(",")));
        }
        parameters.extend(self.searches.iter().map(|(name, text)| format!("find.{name}={}", encoded(text))));
        f.write_str(&parameters.join("&"))
    }
}

/// The query of a selection alone.
impl From<Selection> for PartQuery {
    fn from(selection: Selection) -> Self {
        Self { selection, searches: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: &str) -> String {
        PartQuery::parse(query).unwrap_err().to_string()
    }

    #[test]
    fn what_means_the_same_has_one_text() {
        let canonical = "company=A%26B%3C%2F%C3%A4&company=b&period=2026-07-01..2026-10-01&tables=incidents,users";
        for same in [
            canonical,
            "?tables=users,incidents&period=2026-07-01..2026-10-01&company=b&company=A%26B%3c/%C3%A4",
            "company=b&add.company=+A%26B%3c/%C3%A4&add.site=&find.site=&tables=users&tables=incidents\
             &period.to=2026-10-01&period.from=2026-07-01&problem=busy",
            "company=b&add.company=b&company=A%26B%3c/%C3%A4&period=2026-07-01..2026-10-01&tables=users,incidents",
        ] {
            assert_eq!(PartQuery::parse(same).unwrap().to_string(), canonical, "{same}");
        }
        let searching = PartQuery::parse("find.company=a+b&tables=x").unwrap();
        assert_eq!(searching.to_string(), "tables=x&find.company=a%20b");
        assert_eq!(PartQuery::from(searching.selection).to_string(), "tables=x");
    }

    #[test]
    fn a_parameter_that_cannot_be_meant_is_refused_and_never_dropped() {
        assert_eq!(refusal("company="), "company: the value is empty.");
        assert_eq!(refusal("company=+"), "company: the value is empty.");
        assert_eq!(refusal("tables="), "tables: the value is empty.");
        assert_eq!(refusal("tables=a,,b"), "tables: the value is empty.");
        assert_eq!(refusal("company=a&company=a"), "company: `a` is in the address more than once.");
        assert_eq!(refusal("tables=a&tables=a"), "tables: `a` is in the address more than once.");
        assert_eq!(
            refusal("period.from=2026-01-01&period.from=2026-01-02"),
            "period.from: `2026-01-02` is in the address more than once."
        );
        assert_eq!(refusal("a.b.c=1"), "`a.b.c` is no parameter of this page.");
        assert_eq!(refusal("=1"), "`` is no parameter of this page.");
        assert!(refusal(&format!("company={}", "x".repeat(501))).starts_with("company: a value may have 500"));
        assert!(refusal("company=a%00b").contains("none that is invisible"));
        assert!(refusal(&"company=x&".repeat(3000)).starts_with("The address is too long"));
        let many: Vec<String> = (0..101).map(|n| format!("company={n}")).collect();
        assert_eq!(refusal(&many.join("&")), "company: at most 100 values can be chosen.");
    }
}
