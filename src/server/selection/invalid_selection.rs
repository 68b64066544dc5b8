//! A selection that names something that does not exist.

use std::path::Path;

use crate::model::name::{FieldName, TableName};
use crate::model::part_query::PartQuery;
use crate::model::selection::{ScopeKind, Selection};
use crate::model::text;
use crate::server::profile::{Profile, did_you_mean, nearest};
use crate::server::rows::ForeignKey;

/// What is wrong with a selection, and what there is instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSelection(pub String);

/// The selection of a query of the page's address.
///
/// # Errors
/// If the query is none.
pub fn parse_part(query: &str) -> Result<Selection, InvalidSelection> {
    let part = PartQuery::parse(query).map_err(|error| InvalidSelection(error.to_string()))?;
    Ok(part.selection)
}

impl InvalidSelection {
    pub fn owner_without_reference(field: &FieldName) -> Self {
        Self(format!(
            "{field} is in owned_by and refers to nothing, so nobody knows whose the records are; correct the profile \
             (`waybill profile check` says how)"
        ))
    }

    pub fn owner_is_not_exported(field: &FieldName, target: &TableName) -> Self {
        Self(format!(
            "{field} is in owned_by and refers to {target}, which is not exported under this name, so nobody knows whose the \
             records are; correct owned_by in the profile"
        ))
    }

    pub fn leads_outside(child: &TableName, key: &ForeignKey, records: u64) -> Self {
        Self(format!(
            "{} leads to {} of {} that must stay outside, and the profile says \"stop\"; choose another part, or say \
             stub or null under [outside]",
            child.field(key.columns.join(", ")),
            text::count_with_noun(records, "record"),
            key.target
        ))
    }

    pub fn no_scope(kind: ScopeKind, profile: &str) -> Self {
        let (what, name) = (kind.in_words(), kind.as_str());
        Self(format!("the profile {profile} does not say what {what} is; add [scopes.{name}]"))
    }

    pub fn several_organizations() -> Self {
        Self("you own several organisations: say which one with organizationId".into())
    }

    pub fn empty_organization() -> Self {
        Self("the id of the organisation is empty".into())
    }

    pub fn repeated_organization() -> Self {
        Self("name one organisation: there are several ids".into())
    }

    pub fn no_scope_with_id(kind: ScopeKind, id: &str) -> Self {
        Self(format!("no {} has the id `{id}`", kind.noun()))
    }

    pub fn no_record(table: &TableName, key: &str) -> Self {
        Self(format!("no record of {table} has the key `{key}`"))
    }

    pub fn hidden_key(table: &TableName) -> Self {
        Self(format!("the key of {table} is not exported as it is, so no record of it can be named"))
    }

    pub fn unusable_key(table: &TableName, key: &[String]) -> Self {
        Self(match key {
            [] => format!("{table} has no primary key, so no record of it can be named"),
            [column] => format!("name one record of {table} with --key VALUE, the value of its {column}"),
            columns => format!(
                "name one record of {table} with all columns of its key: {}",
                columns.iter().map(|column| format!("--key {column}=VALUE")).collect::<Vec<_>>().join(" ")
            ),
        })
    }

    pub fn too_many_records(found: u64, most: u64) -> Self {
        Self(format!(
            "{} are selected, more than the {} of --max-records; nothing was written",
            text::count_with_noun(found, "record"),
            text::count(most)
        ))
    }

    pub fn never_in_scope(table: &TableName, kind: ScopeKind, profile: &Profile) -> Self {
        let (whose, why) = (kind.in_words(), profile.why_in_no_scope(table));
        Self(format!("{table} is never in {whose}'s export: {why}"))
    }

    pub fn no_stub_column(rule: &str, field: &FieldName) -> Self {
        Self(format!(
            "[outside] {rule}: {field} is no column that is exported, so no stub can have it; correct the profile"
        ))
    }

    pub fn no_layout(profile: &str, layout: &str) -> Self {
        Self(format!(
            "the profile {profile} has no layout {layout}; only built-in profiles have one, under their own name"
        ))
    }

    pub fn layout_without_scope(kind: ScopeKind) -> Self {
        Self(format!("this layout holds the data of one {0}: add --{0} ID", kind.as_str()))
    }

    pub fn no_media_folder() -> Self {
        Self("an archive has the files that records refer to: name their folder with --media FOLDER".into())
    }

    pub fn no_archive_name(path: &Path) -> Self {
        let what = "an archive is a file whose name ends with .tar.gz or .tgz, or is put into a folder that is there";
        Self(format!("{}: {what}", path.display()))
    }

    pub fn no_document_name(path: &Path) -> Self {
        let what = "without --layout, an export is one JSON document: end its name with .json, .json.gz or .json.zst";
        Self(format!("{}: {what}", path.display()))
    }

    pub fn layout_with_tables() -> Self {
        Self("a layout has its own tables and all their records: leave --tables and --filter out".into())
    }

    pub fn unknown_table<'a>(table: &str, known: impl Iterator<Item = &'a str>) -> Self {
        Self(format!("no table {table} is exported{}", did_you_mean(nearest(table, known))))
    }
}
