//! How the records of a table are merged: what the profile says, as far as file and database have the columns.

use chrono::{DateTime, Utc};

use super::table_import::TableImport;
use crate::model::import::TablePolicy;
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::server::profile::{MergeProfile, Profile, TimeUnit};
use crate::server::rows::{Bound, ForeignKey, Table};
use crate::server::source::{ChangedSince, MergeRules, NaturalKey, NaturalKeyColumn};

/// Why a rule of the profile is not followed, as a sentence.
type NotFollowed = String;

/// The rules for one table. Of `planned`, its columns and key are known.
pub fn merge_rules(
    profile: &Profile,
    table: &Table,
    planned: &TableImport,
    metadata: &Metadata,
    policy: Option<TablePolicy>,
) -> (MergeRules, Vec<NotFollowed>) {
    let mut not_followed = Vec::new();
    let default = MergeProfile::default();
    let merge = profile.merge_rules(&table.name).unwrap_or(&default);
    let has = |column: &String| table.columns.iter().any(|own| own.name == *column);
    let changed_since = merge.changed_at.as_ref().and_then(|changed_at| {
        let exported_at = DateTime::parse_from_rfc3339(&metadata.exported_at).ok().map(|time| time.to_utc());
        let field = table.name.field(&changed_at.column);
        let (Some(time), true) = (exported_at, has(&changed_at.column)) else {
            not_followed.push(format!("whether records were changed here since the file was made is not known: {field} tells, and is not there"));
            return None;
        };
        Some(ChangedSince { column: changed_at.column.clone(), time: bound(time, changed_at.unit) })
    });
    let hidden_by = merge.hidden_by.clone().filter(|column| {
        let is_there = has(column);
        if !is_there {
            let field = table.name.field(column);
            not_followed.push(format!("which records are hidden here is not known: {field} tells, and is not there"));
        }
        is_there
    });
    let natural_keys = natural_keys(merge, planned, &mut not_followed);
    let references = profile.references_of(table).into_iter().filter(|key| follows(profile, key, metadata)).collect();
    let keeps_conflicts = policy == Some(TablePolicy::Newer);
    (MergeRules { natural_keys, references, changed_since, hidden_by, keeps_conflicts }, not_followed)
}

fn natural_keys(merge: &MergeProfile, planned: &TableImport, not_followed: &mut Vec<NotFollowed>) -> Vec<NaturalKey> {
    let name = |columns: &[String]| format!("the natural key {} of {}", columns.join(" and "), planned.table);
    let mut keys = Vec::new();
    for columns in &merge.natural_keys {
        let has_values = |name: &String| {
            planned.columns.iter().any(|column| column.name == *name && column.is_written && !column.is_kept)
        };
        if planned.key.len() != 1 {
            not_followed.push(format!("{} is not used: its primary key is not one column", name(columns)));
        } else if let Some(column) = columns.iter().find(|column| !has_values(column)) {
            not_followed.push(format!("{} is not used: the file has not the values of {column}", name(columns)));
        } else {
            let column = |column: &String| NaturalKeyColumn {
                name: column.clone(),
                folds_case: merge.fold_case.contains(column),
            };
            keys.push(NaturalKey(columns.iter().map(column).collect()));
        }
    }
    keys
}

/// Whether the reference may lead to a record that is here under another key.
fn follows(profile: &Profile, key: &ForeignKey, metadata: &Metadata) -> bool {
    let has_natural_keys =
        |table: &TableName| profile.merge_rules(table).is_some_and(|merge| !merge.natural_keys.is_empty());
    has_natural_keys(&key.target) && metadata.schema.get(key.target.as_str()).is_some()
}

/// In whole seconds, so that what was changed in the second of the export counts as changed since.
fn bound(time: DateTime<Utc>, unit: TimeUnit) -> Bound {
    match unit {
        TimeUnit::EpochSeconds => Bound::Integer(time.timestamp()),
        TimeUnit::EpochMs => Bound::Integer(time.timestamp() * 1000),
        TimeUnit::Iso => Bound::Text(time.format("%Y-%m-%dT%H:%M:%S").to_string()),
    }
}
