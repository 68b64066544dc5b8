//! What is asked of an import.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::Result;
use crate::model::import::{ImportMode, TablePolicies, TablePolicy};
use crate::model::import_plan::write_part;
use crate::model::name::TableName;
use crate::server::profile::{MergeProfile, Profile};
use crate::server::support::blob_folder::BlobFolder;

/// Asked while an import runs: whether who has begun it may still do so. Blocks.
pub type StillAllowed = Box<dyn Fn() -> Result<()> + Send + Sync>;

/// What is asked of an import.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct ImportRequest {
    pub mode: ImportMode,
    /// Nothing is written: the report says what would be.
    pub dry_run: bool,
    /// A file that no trusted key has signed is taken, too: anyone could have made it.
    pub accept_unsigned: bool,
    /// Nothing is kept that would be needed to undo the import.
    pub without_undo: bool,
    /// No record of the file may be longer, in bytes: memory is needed for several copies of one.
    pub max_record_bytes: Option<usize>,
    /// The tables are created first: the database has none.
    pub create_tables: bool,
    /// Only these records of the file, and what they refer to.
    pub part: Option<PartRequest>,
    /// What a merge does with records that are there, in these tables.
    pub policies: TablePolicies,
    /// The same in all other tables.
    pub policy: Option<TablePolicy>,
    /// The file is a person's archive, and its records become this person's.
    pub person: Option<PersonRequest>,
    /// The plan that the import must still have.
    pub expected_plan: Option<ExpectedPlan>,
    /// The new file that a dry run writes its plan to.
    pub plan_output: Option<PathBuf>,
    /// The new file for the ids that the records of an archive get.
    pub id_map_output: Option<PathBuf>,
}

/// Whose the records of an archive become.
#[derive(Clone, Debug)]
pub struct PersonRequest {
    /// The person's id, as the database has it.
    pub id: String,
    /// Where the application keeps files; without it, those of an archive are left out.
    pub media: Option<Arc<BlobFolder>>,
}

/// A table of the file, or one record of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRequest {
    pub table: TableName,
    /// The values of its primary key, each with its column if there are several; empty for all records.
    pub key: Vec<(Option<String>, String)>,
}

/// For people: `orders 8`.
impl fmt::Display for PartRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_part(f, &self.table, self.key.iter().map(|(_, value)| value.as_str()))
    }
}

/// A plan that was made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedPlan {
    /// Its hash.
    Hash(String),
    /// Its file, which tells what has moved.
    File(PathBuf),
}

impl ImportRequest {
    /// The policy of each of these tables that has one. `is_own`: the file is an archive of the very person into whose data it goes. One about conflicts is for tables of which the profile knows such conflicts.
    #[must_use]
    pub fn policies_of<'t>(
        &self,
        tables: impl Iterator<Item = &'t TableName>,
        profile: &Profile,
        is_own: bool,
    ) -> TablePolicies {
        let mut policies = self.policies.clone();
        let Some(policy) = self.policy.or_else(|| self.policy_of_mode(is_own)) else { return policies };
        let knows = |table: &TableName, what: fn(&MergeProfile) -> bool| profile.merge_rules(table).is_some_and(what);
        let is_decided = |table: &TableName| match policy {
            TablePolicy::Newer => knows(table, MergeProfile::knows_newer),
            TablePolicy::File => knows(table, MergeProfile::may_conflict),
            TablePolicy::Mine | TablePolicy::Stop | TablePolicy::Skip => true,
        };
        for table in tables.filter(|table| is_decided(table)) {
            policies.entry(table.clone()).or_insert(policy);
        }
        policies
    }

    /// What is imported, and whose it becomes, if it is not the whole file for nobody in particular.
    #[must_use]
    pub fn what(&self) -> Option<String> {
        let part = self.part.as_ref().map(ToString::to_string);
        part.or_else(|| self.person.as_ref().map(|person| format!("into the data of {}", person.id)))
    }

    /// A merge into a person's data leaves what they have changed since, and everything that they have if the archive is not theirs; a copy
    /// changes nothing that is there; a replacement asks nothing.
    fn policy_of_mode(&self, is_own: bool) -> Option<TablePolicy> {
        match self.mode {
            ImportMode::Copy => Some(TablePolicy::Mine),
            ImportMode::Replace => Some(TablePolicy::File),
            ImportMode::Merge if is_own => self.person.as_ref().map(|_| TablePolicy::Newer),
            ImportMode::Merge => self.person.as_ref().map(|_| TablePolicy::Mine),
            ImportMode::RequireEmpty | ImportMode::Append => None,
        }
    }

    /// Whether it must be known what happens to each record.
    #[must_use]
    pub fn needs_plan(&self) -> bool {
        self.dry_run || self.expected_plan.is_some()
    }
}
