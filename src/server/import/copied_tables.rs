//! What is known of the tables of an organisation's file before they are copied.

use std::collections::{BTreeMap, BTreeSet};

use super::conversion::{UniqueNames, id_of};
use super::removal::read_selection;
use super::{Error, Result};
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::export::DriftPolicy;
use crate::model::import::{TablePolicies, TablePolicy};
use crate::model::manifest::{Metadata, RecordOrder};
use crate::model::name::TableName;
use crate::model::selection::ScopeKind;
use crate::model::text;
use crate::server::profile::Profile;
use crate::server::profiles::reference_graph;
use crate::server::rows::{Catalog, ForeignKey, Table};
use crate::server::subset::{Edge, Graph, Outside};

/// A table of the file.
#[derive(Default)]
pub struct CopiedTable {
    /// Whether its records belong to the organisation, and are copied.
    pub is_own: bool,
    /// The column with the ids of records that are copied; nothing if they have none of their own.
    pub id: Option<String>,
    /// References to records that are copied.
    pub references: Vec<ForeignKey>,
    /// Of these, the ones that say what a record belongs to.
    pub owners: Vec<ForeignKey>,
    /// How many records of the file are no stubs, which come last.
    pub records: u64,
    /// The only id that its records may have: it has the organisation itself.
    pub only_id: Option<String>,
    /// Columns of copied records whose values can be there once.
    pub names: Vec<UniqueNames>,
}

/// # Errors
/// `Refused` if the file is of no organisation, or its records cannot get other ids.
pub fn find_copied_tables(
    profile: &Profile,
    metadata: &Metadata,
    catalog: &Catalog,
    policies: &TablePolicies,
) -> Result<BTreeMap<TableName, CopiedTable>> {
    let is_skipped = |table: &TableName| policies.get(table) == Some(&TablePolicy::Skip);
    let selection = read_selection(metadata)?;
    let Some((ScopeKind::Organization, organization)) = selection.scope() else {
        return Err(Error::refused(
            "mode copy is for a person's archive (--person ID) and for an organisation's export (waybill export --organization ID)",
        ));
    };
    let made_by = &metadata.source.profile;
    let scope = profile.scopes.of(ScopeKind::Organization).filter(|_| *made_by == profile.name);
    let scope = scope.ok_or_else(|| {
        Error::refused(&format!(
            "the file is of an organisation by the profile {made_by}, which says what belongs to it: give it with --profile"
        ))
    })?;
    let planned = profile.plan_tables(catalog, RecordOrder::Storage, DriftPolicy::Report);
    let planned = planned.map_err(|error| Error::refused(&error.to_string()))?;
    let graph = reference_graph(&planned, catalog, profile, Some(ScopeKind::Organization));
    let mut own = graph.owned_by(&scope.table);
    own.retain(|table| !graph.is_private(table) && metadata.schema.get(table).is_some());
    let (mut tables, mut refusals) = (BTreeMap::new(), Vec::new());
    for (name, _) in metadata.schema.iter() {
        let copied = match catalog.table(name) {
            Some(table) => copied_table(table, profile, catalog, &own).map_err(|refusal| refusals.push(refusal)).ok(),
            None => None,
        };
        // What the database lacks is told once it is locked.
        let mut copied = copied.unwrap_or_default();
        let stubs = metadata.selected_records.get(name).map_or(0, |selected| selected.stubs);
        copied.records = metadata.record_counts.get(name).map_or(0, |records| records.saturating_sub(stubs));
        if let Some(key) = copied.references.iter().find(|key| is_skipped(&key.target) && !is_skipped(name)) {
            refusals.push(format!(
                "{name} refers to {}, of which nothing is copied (policy skip): leave {name} out, too",
                key.target
            ));
        }
        if !is_skipped(name)
            && copied.records > 0
            && catalog.table(name).is_some()
            && !may_be_in_file(&graph, &scope.table, name)
        {
            refusals.push(format!(
                "{name} has {} in the file, and is in no organisation's export by the profile as it is now: leave the table out \
                 (--policy {name}=skip)",
                text::count_with_noun(copied.records, "record")
            ));
        }
        copied.only_id = (*name == scope.table).then(|| organization.to_owned());
        tables.insert(name.clone(), copied);
    }
    if refusals.is_empty() { Ok(tables) } else { Err(Error::Refused(refusals)) }
}

/// Whether an organisation's export may have records of the table: its own, those that it shares, those that are nobody's, and what its
/// records take along.
fn may_be_in_file(graph: &Graph, root: &TableName, table: &TableName) -> bool {
    let takes_along = |edge: Edge<'_>| edge.target() == table && edge.reference.outside == Outside::Include;
    graph.contains(table)
        && !graph.is_private(table)
        && (graph.is_whole(table) || graph.in_scope_of(root).contains(table) || graph.edges().any(takes_along))
}

fn copied_table(
    table: &Table,
    profile: &Profile,
    catalog: &Catalog,
    own: &BTreeSet<TableName>,
) -> std::result::Result<CopiedTable, String> {
    let (name, is_own) = (&table.name, own.contains(&table.name));
    let to_own = profile.references_of(table).into_iter().filter(|key| own.contains(&key.target));
    let references: Vec<ForeignKey> = to_own.collect();
    let refers_to_id = |key: &ForeignKey| {
        let id = catalog.table(&key.target).and_then(|target| own_id(target, profile));
        id.is_some_and(|id| key.target_columns == [id])
    };
    if let Some(other) = references.iter().find(|key| !refers_to_id(key)) {
        let by = other.columns.join(", ");
        return Err(format!(
            "{name} refers to {} by {by}, and its copies cannot have other ids: these must be a primary key of texts or UUIDs",
            other.target
        ));
    }
    let is_reference =
        |column: &String| references.iter().any(|key| key.columns[0] == *column && !key.is_within_value());
    let id = own_id(table, profile).filter(|_| is_own);
    if is_own && id.is_none() && !table.primary_key.iter().any(is_reference) {
        return Err(format!("the keys of {name} are neither texts nor UUIDs, so that copies cannot have others"));
    }
    let names = if is_own { unique_names(table, profile) } else { Vec::new() };
    let owners = references.iter().filter(|key| is_own && profile.is_owner(table, key)).cloned().collect();
    Ok(CopiedTable { is_own, id, references, owners, names, ..CopiedTable::default() })
}

/// The column with ids of the table's own: one that is a reference has those of others.
fn own_id(table: &Table, profile: &Profile) -> Option<String> {
    let refers = profile.references_of(table);
    id_of(table).filter(|id| !refers.iter().any(|key| key.columns.contains(id) && !key.is_within_value()))
}

/// What natural keys of one column tell records apart by, if it is no reference.
fn unique_names(table: &Table, profile: &Profile) -> Vec<UniqueNames> {
    let Some(merge) = profile.merge_rules(&table.name) else { return Vec::new() };
    let refers = profile.references_of(table);
    let is_text = |column: &&ColumnSchema| column.codec == Codec::Text;
    let is_name = |name: &&String| {
        table.columns.iter().filter(is_text).any(|column| column.name == **name)
            && !refers.iter().any(|key| key.columns.contains(name))
    };
    let single = merge.natural_keys.iter().filter(|key| key.len() == 1).flatten().filter(is_name);
    single.map(|name| UniqueNames::new(name.clone(), merge.fold_case.contains(name))).collect()
}
