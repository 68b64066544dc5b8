//! Profiles: the class of every table and column of an application, where its accounts are, what its roles may do.
//!
//! May import: `rows`, `support`, `model`. Flow: `parse` reads TOML into a profile or reports where it is wrong;
//! `planned_tables` splits a catalog into what is exported and what is left out; `drift` compares profile and catalog;
//! `infer` and `draft` infer a profile for a database that has none; `builtin` is what is known of single applications.
//! A column unknown to the profile is left out.

mod app_version;
mod auth;
pub mod builtin;
mod column;
mod comparison;
mod computed_columns;
mod draft;
mod draft_auth;
mod drift;
mod error;
mod filter_profile;
mod find_layout;
mod infer;
mod layout;
mod merge;
mod nearest;
mod outside;
mod outside_rule;
mod parse;
mod parse_error;
mod planned_tables;
mod scope;
mod selection;
mod spans;
mod toml_text;
mod treatments;
mod unknown_column;
mod validate;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::model::classification::Classification;
use crate::model::drift::Guess;
use crate::model::name::TableName;
use crate::server::rows::Catalog;

pub use app_version::AppVersion;
pub use auth::{Auth, PasswordLocation, Role, SecondFactorPolicy};
use builtin::Product;
pub use column::{ColumnProfile, OnImport};
pub use comparison::{Comparison, ConditionValue};
pub use draft::{Draft, draft};
pub use error::Error;
use filter_profile::{DeclaredReference, QualifiedColumn};
pub use filter_profile::{FilterProfile, TimeUnit};
pub use infer::ColumnSampler;
pub use layout::{KeyStyle, Layout, LayoutOutput, ManifestEntry, ManifestValue, MediaLayout, Node};
pub use merge::MergeProfile;
pub use nearest::{did_you_mean, nearest};
pub use outside_rule::OutsideRule;
use outside_rule::OutsideRules;
pub use parse_error::ParseError;
pub use planned_tables::{PlannedTable, PlannedTables};
use scope::Scopes;
pub use scope::{ScopeNotice, ScopeOwners, ScopeProfile};
use treatments::Treatments;

/// JSON Schema of a profile, for editors (json-schema.org, draft 2020-12).
pub const SCHEMA: &str = include_str!("schema.json");

/// Classification, accounts and roles of one application's database.
///
/// ```
/// use waybill::model::export::DriftPolicy;
/// use waybill::model::manifest::RecordOrder;
/// use waybill::server::profile::Profile;
/// use waybill::server::source::{Source, sqlite::SqliteSource};
///
/// let profile = Profile::from_toml(r#"
///     name = "shop"
///     [tables.users.columns]
///     id = "plain"
///     password_hash = "secret"
/// "#).unwrap();
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("shop.db");
/// rusqlite::Connection::open(&path).unwrap()
///     .execute_batch("CREATE TABLE users (id TEXT, password_hash TEXT, phone TEXT)").unwrap();
/// let catalog = SqliteSource::new(path).open_snapshot().unwrap().catalog().unwrap();
///
/// // Secrets and unclassified columns are left out, and recorded.
/// let planned = profile.plan_tables(&catalog, RecordOrder::Storage, DriftPolicy::Report).unwrap();
/// assert_eq!(planned.tables[0].scan.columns.len(), 1);
/// assert_eq!(planned.redaction.removed_fields[0].to_string(), "users.password_hash");
/// assert_eq!(planned.redaction.unclassified[0].to_string(), "users.phone");
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub name: String,
    /// `{date}` is `YYYY-MM-DD`, `{time}` is `HHmm`, both UTC.
    #[serde(default = "default_file_name")]
    pub file_name: String,
    /// The version of the application.
    pub app_version: Option<AppVersion>,
    pub notice: Option<Notice>,
    /// Where the source stores its accounts; `None`: Waybill has its own.
    pub auth: Option<Auth>,
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// Ways to choose a part of the data, by name.
    #[serde(default)]
    pub filters: BTreeMap<String, FilterProfile>,
    #[serde(default)]
    pub scopes: Scopes,
    #[serde(default)]
    references: Vec<DeclaredReference>,
    #[serde(default)]
    outside: OutsideRules,
    #[serde(default)]
    treatments: Treatments,
    #[serde(default)]
    tables: BTreeMap<TableName, TableProfile>,
    /// The guess behind each class; empty unless `origin` is `Guess`.
    #[serde(skip)]
    pub guesses: Vec<Guess>,
    #[serde(skip)]
    pub origin: Origin,
}

/// Where a profile came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    #[default]
    BuiltIn,
    /// The path, as given.
    File(String),
    /// Inferred from the database: no profile was written.
    Guess,
}

fn default_file_name() -> String {
    "export-{date}-{time}.json".into()
}

/// The warning above the export button: what the file contains, and about whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// For example "personal and health data".
    pub contains: String,
    /// The table whose records are the people concerned.
    pub people: TableName,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TableProfile {
    /// Why the table is never exported.
    exclude: Option<String>,
    /// Columns that refer to the records to whose owner the table's records belong.
    owned_by: Vec<String>,
    /// The reference by which records of a scope share the table's records with it.
    shared: Option<QualifiedColumn>,
    /// Whether the table is nobody's: whole in every part.
    whole: bool,
    /// Whose the records are alone: no scope has them.
    private: Option<String>,
    /// How a merge treats the table's records.
    merge: Option<MergeProfile>,
    columns: BTreeMap<String, ColumnProfile>,
}

impl Profile {
    /// Returns the built-in profile of that name.
    ///
    /// # Errors
    /// `Unknown` when there is none.
    pub fn built_in(name: &str) -> Result<Self, Error> {
        let product =
            builtin::find(name).ok_or_else(|| Error::Unknown { name: name.into(), known: builtin::names() })?;
        Ok(Self::of_product(product))
    }

    fn of_product(product: &Product) -> Self {
        let parsed = Self::from_toml(product.profile);
        parsed.unwrap_or_else(|error| {
            unreachable!("the profile {} is compiled in, and has a test: {error}", product.name)
        })
    }

    /// The command-line option that selects this profile; empty for a guess.
    #[must_use]
    pub fn command_line_option(&self) -> String {
        match &self.origin {
            Origin::BuiltIn => format!(" --profile {}", self.name),
            // The name alone: pages must not reveal folders of the server.
            Origin::File(path) => {
                let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
                format!(" --profile {}", shell_quote(&name))
            }
            Origin::Guess => String::new(),
        }
    }

    /// Returns the built-in profile whose tables all exist in the catalog; excluded ones may be missing.
    #[must_use]
    pub fn detect_built_in(catalog: &Catalog) -> Option<Self> {
        builtin::PRODUCTS.into_iter().map(Self::of_product).find(|profile| profile.missing_tables(catalog).is_empty())
    }

    /// What an import writes to the column where the file has no value for it.
    #[must_use]
    pub fn on_import(&self, table: &TableName, column: &str) -> Option<&OnImport> {
        self.column(table, column)?.on_import.as_ref()
    }

    /// Whether the profile lets values of the column leave: secrets, and what it does not classify, do not.
    #[must_use]
    pub fn is_exported(&self, table: &TableName, column: &str) -> bool {
        self.column(table, column).is_some_and(|column| column.class != Classification::Secret)
    }

    /// Whether an import leaves the column to the database.
    #[must_use]
    pub fn is_set_by_target(&self, table: &TableName, column: &str) -> bool {
        self.column(table, column).is_some_and(|column| column.set_by_target)
    }

    fn column(&self, table: &TableName, column: &str) -> Option<&ColumnProfile> {
        self.tables.get(table)?.columns.get(column)
    }
}

/// Quotes the text for a shell, unless all its characters are plain (POSIX, XCU 2.2).
pub fn shell_quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:/@".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
