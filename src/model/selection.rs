//! What an export is asked to hold: the part of a request that decides which records leave. A scan is what is then read
//! of one table, and a profile's treatments are what happens to its values.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::manifest::ExportType;
use super::name::TableName;
use super::ordered_map::OrderedMap;

/// The name of the tables among the filters of a file's metadata.
const TABLES: &str = "tables";

/// Whose data a scope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    Organization,
    Person,
}

impl ScopeKind {
    pub const ALL: [Self; 2] = [Self::Organization, Self::Person];

    /// The name in profiles, in a file's metadata, and among the options of the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Person => "person",
        }
    }

    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Organization => "organisation",
            Self::Person => "person",
        }
    }

    /// With its article, for sentences.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Organization => "an organisation",
            Self::Person => "a person",
        }
    }
}

/// The records that an export is asked for: all, or those that every filter names and that are in one of the tables, with
/// what comes along; of one organisation or one person, if there is one. Stored with a run as JSON; equal selections have equal texts.
///
/// ```
/// use waybill::model::selection::Selection;
///
/// let mut selection = Selection::default();
/// assert!(selection.is_whole_database());
/// selection.add_filter("company=acme").unwrap();
/// selection.add_filter("company=globex").unwrap();
/// selection.add_filter("period=2026-07-01..2026-10-01").unwrap();
/// assert_eq!(selection.lines(), ["company: acme, globex", "period: 2026-07-01..2026-10-01"]);
/// assert_eq!(Selection::of_applied(&selection.applied()), Some(selection));
/// assert_eq!(serde_json::to_string(&Selection::default()).unwrap(), "{}");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// The organisation whose data alone the export may hold; `None` for the whole database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The person whose data alone the export may hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The values of each filter, as they were given. A record must fulfil every filter, with any of its values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub filters: BTreeMap<String, BTreeSet<String>>,
    /// The tables whose records are asked for; `None` for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<BTreeSet<TableName>>,
}

/// A filter that is not written as `name=value`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no filter: write NAME=VALUE, such as company=acme or period=2026-07-01..2026-10-01")]
pub struct InvalidFilter(String);

impl Selection {
    /// Everything of one organisation.
    #[must_use]
    pub fn of_organization(id: String) -> Self {
        Self { organization: Some(id), ..Self::default() }
    }

    /// Everything of one person.
    #[must_use]
    pub fn of_person(id: String) -> Self {
        Self { person: Some(id), ..Self::default() }
    }

    /// Whose data alone the export may hold, and their id; nothing for whole databases and parts of them.
    #[must_use]
    pub fn scope(&self) -> Option<(ScopeKind, &str)> {
        let organization = self.organization.as_deref().map(|id| (ScopeKind::Organization, id));
        organization.or_else(|| self.person.as_deref().map(|id| (ScopeKind::Person, id)))
    }

    #[must_use]
    pub fn is_whole_database(&self) -> bool {
        *self == Self::default()
    }

    /// Adds one value of a filter, written as `name=value`.
    ///
    /// # Errors
    /// If name or value is missing.
    pub fn add_filter(&mut self, text: &str) -> Result<(), InvalidFilter> {
        match text.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            Some((name, value)) if !name.is_empty() && !value.is_empty() && !text.contains(char::is_control) => {
                self.filters.entry(name.to_owned()).or_default().insert(value.to_owned());
                Ok(())
            }
            _ => Err(InvalidFilter(text.to_owned())),
        }
    }

    #[must_use]
    pub fn export_type(&self) -> ExportType {
        if self.is_whole_database() { ExportType::Full } else { ExportType::Segmented }
    }

    /// The selection as a file's metadata has it.
    #[must_use]
    pub fn applied(&self) -> OrderedMap<String, Vec<String>> {
        let scope = self.scope().into_iter().map(|(kind, id)| (kind.as_str().to_owned(), vec![id.to_owned()]));
        let filters = self.filters.iter().map(|(name, values)| (name.clone(), values.iter().cloned().collect()));
        let names = |tables: &BTreeSet<TableName>| tables.iter().map(ToString::to_string).collect();
        let tables = self.tables.iter().map(|tables| (TABLES.to_owned(), names(tables)));
        OrderedMap(scope.chain(filters).chain(tables).collect())
    }

    /// The selection that a file's metadata has; nothing if it is none. A profile gives no filter the name of a scope, or that of the
    /// tables.
    #[must_use]
    pub fn of_applied(applied: &OrderedMap<String, Vec<String>>) -> Option<Self> {
        let mut selection = Self::default();
        for (name, values) in applied.iter() {
            match (name.as_str(), &values[..]) {
                ("organization", [id]) => selection.organization = Some(id.clone()),
                ("person", [id]) => selection.person = Some(id.clone()),
                (_, []) | ("organization" | "person", _) => return None,
                (TABLES, names) => selection.tables = Some(names.iter().map(|name| name.as_str().into()).collect()),
                _ => selection.filters.entry(name.clone()).or_default().extend(values.iter().cloned()),
            }
        }
        let has_two_scopes = selection.organization.is_some() && selection.person.is_some();
        (!has_two_scopes && selection.applied() == *applied).then_some(selection)
    }

    /// The filters for people, one per line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let applied = self.applied();
        applied.iter().map(|(name, values)| format!("{name}: {}", values.join(", "))).collect()
    }
}
