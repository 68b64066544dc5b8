//! How the records of a table are merged: what the profile says, as far as file and database have the columns.

use chrono::{DateTime, Utc};

use super::table_import::TableImport;
use crate::model::catalog::Codec;
use crate::model::import::TablePolicy;
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::server::profile::{MergeProfile, Profile, TimeUnit};
use crate::server::rows::{Bound, ForeignKey, Table};
use crate::server::source::{ChangedSince, MergeRules, NaturalKey, NaturalKeyColumn};

/// The rules for one table, with sentences about those that are not followed.
#[derive(Default)]
pub struct FoundRules {
    pub rules: MergeRules,
    pub notes: Vec<String>,
    /// Without the rule, records would be taken for others, or replaced that should not be.
    pub refusals: Vec<String>,
}

/// Of `planned`, its columns, its key and its policy are known.
pub fn find(profile: &Profile, table: &Table, planned: &TableImport, metadata: &Metadata) -> FoundRules {
    let mut found = FoundRules::default();
    let default = MergeProfile::default();
    let merge = profile.merge_rules(&table.name).unwrap_or(&default);
    found.rules.references = profile
        .references_of(table)
        .into_iter()
        .filter(|key| !key.is_within_value() && follows(profile, key, metadata))
        .collect();
    found.rules.keeps_conflicts = planned.policy == Some(TablePolicy::Newer);
    found.find_changed_since(table, merge, metadata);
    if let Some(column) = &merge.hidden_by {
        if table.columns.iter().any(|own| own.name == *column) {
            found.rules.hidden_by = Some(column.clone());
        } else {
            let field = table.name.field(column);
            found.refusals.push(format!("{field} tells which records are hidden, and the database has no such column"));
        }
    }
    // Of one person's records, it is known already which are those of the archive; a replacement and a copy go by the key alone.
    if planned.owner.is_none() && planned.removal.is_none() && !planned.is_copied {
        found.find_natural_keys(table, merge, planned);
    }
    found
}

impl FoundRules {
    fn find_changed_since(&mut self, table: &Table, merge: &MergeProfile, metadata: &Metadata) {
        let Some(changed_at) = &merge.changed_at else { return };
        let field = table.name.field(&changed_at.column);
        let exported_at = DateTime::parse_from_rfc3339(&metadata.exported_at).ok().map(|time| time.to_utc());
        let Some(column) = table.columns.iter().find(|own| own.name == changed_at.column) else {
            self.refusals.push(format!("{field} tells when records were changed, and the database has no such column"));
            return;
        };
        let fits = match changed_at.unit {
            TimeUnit::EpochSeconds | TimeUnit::EpochMs => matches!(column.codec, Codec::Integer | Codec::Dynamic),
            TimeUnit::Iso => matches!(column.codec, Codec::Date | Codec::Timestamp | Codec::Text | Codec::Dynamic),
        };
        if !fits {
            self.refusals.push(format!(
                "{field} tells when records were changed, and is no column for the unit that the profile says"
            ));
        }
        match exported_at {
            Some(time) => {
                let time = bound(time, changed_at.unit);
                self.rules.changed_since = Some(ChangedSince { column: changed_at.column.clone(), time });
            }
            None => self
                .refusals
                .push("the file does not say when it was made, as the profile's changed_at needs".to_owned()),
        }
    }

    fn find_natural_keys(&mut self, table: &Table, merge: &MergeProfile, planned: &TableImport) {
        let has_values = |name: &String| {
            planned.columns.iter().any(|column| column.name == *name && column.is_written && !column.is_kept)
        };
        let refers_to_itself = |name: &String| {
            self.rules.references.iter().any(|key| key.target == table.name && key.columns.contains(name))
        };
        let keeps_values = matches!(planned.policy, Some(TablePolicy::Mine | TablePolicy::Newer));
        let (mut keys, mut notes, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
        for columns in &merge.natural_keys {
            let name = format!("the natural key {} of {}", columns.join(" and "), planned.table);
            if planned.key.len() != 1 {
                notes.push(format!("{name} is not used: its primary key is not one column"));
            } else if let Some(column) = columns.iter().find(|column| !has_values(column)) {
                notes.push(format!("{name} is not used: the file lacks the values of {column}"));
            } else if let Some(column) = columns.iter().find(|column| refers_to_itself(column)) {
                refusals.push(format!(
                    "{name} has {column}, which refers to the same table: what it leads to would have to be known first"
                ));
            } else {
                let column = |column: &String| NaturalKeyColumn {
                    name: column.clone(),
                    folds_case: merge.fold_case.contains(column),
                };
                keys.push(NaturalKey(columns.iter().map(column).collect()));
            }
        }
        // Of a record that stays as it is, other values than the key may not be those that the file's references name.
        let by_others =
            planned.referred_by.iter().find(|columns| keeps_values && !keys.is_empty() && **columns != planned.key);
        if let Some(columns) = by_others {
            refusals.push(format!(
                "records of {} found by a natural key would stay as they are, and others refer to {}: use another policy",
                planned.table,
                columns.join(" and ")
            ));
        }
        self.rules.natural_keys = keys;
        self.notes.extend(notes);
        self.refusals.extend(refusals);
    }
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
