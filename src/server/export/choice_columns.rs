//! The columns from which choices are listed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Result;
use crate::model::export::DriftPolicy;
use crate::model::manifest::RecordOrder;
use crate::model::name::TableName;
use crate::model::redaction::Treatment;
use crate::server::profile::{FilterProfile, PlannedTable, Profile};
use crate::server::rows::Catalog;
use crate::server::source::Source;
use crate::server::support::sync::lock;

/// How long the columns of a database are taken for unchanged.
const MAX_COLUMN_AGE: Duration = Duration::from_mins(1);

/// The columns that choices are read from, kept for a while: to find them reads the whole catalogue.
#[derive(Default)]
pub struct ColumnCache(Mutex<Option<(Instant, Arc<AllColumns>)>>);

/// By filter. One is missing if its names are not exported as they are: a choice shows no more than an export.
pub type AllColumns = BTreeMap<String, ChoiceColumns>;

pub struct ChoiceColumns {
    pub table: TableName,
    pub key: String,
    pub show: String,
    /// The other filter, and the column that refers to its records.
    pub within: Option<(String, String)>,
}

impl ColumnCache {
    /// Returns the columns of every filter. Blocks.
    ///
    /// # Errors
    /// `Source` if the catalogue cannot be read, `Profile` if the profile does not fit it.
    pub fn get_or_read(&self, source: &dyn Source, profile: &Profile) -> Result<Arc<AllColumns>> {
        let cached = lock(&self.0).clone();
        if let Some((_, columns)) = cached.filter(|(since, _)| since.elapsed() < MAX_COLUMN_AGE) {
            return Ok(columns);
        }
        let catalog = source.open_snapshot()?.catalog()?;
        let planned = profile.plan_tables(&catalog, RecordOrder::Storage, DriftPolicy::Report)?.tables;
        let filters = profile.filters.iter();
        let columns = filters.filter_map(|(name, filter)| {
            choice_columns(profile, &catalog, &planned, filter).map(|columns| (name.clone(), columns))
        });
        let columns: Arc<AllColumns> = Arc::new(columns.collect());
        *lock(&self.0) = Some((Instant::now(), columns.clone()));
        Ok(columns)
    }
}

fn choice_columns(
    profile: &Profile,
    catalog: &Catalog,
    planned: &[PlannedTable],
    filter: &FilterProfile,
) -> Option<ChoiceColumns> {
    let (table, show) = (filter.table.as_ref()?, filter.show.as_ref()?);
    let found = catalog.table(table)?;
    let [key] = &found.primary_key[..] else { return None };
    let plan = planned.iter().find(|plan| plan.scan.table == *table)?;
    let is_kept = |name: &String| {
        let mut columns = plan.scan.columns.iter().zip(&plan.treatments);
        columns.any(|(column, treatment)| column.name == *name && *treatment == Treatment::Keep)
    };
    if !is_kept(key) || !is_kept(show) {
        return None;
    }
    let within = filter.within.as_ref().and_then(|other| {
        let target = profile.filters.get(other)?.table.as_ref()?;
        let references = profile.references_of(found);
        let reference =
            references.iter().find(|key| key.target == *target && key.columns.len() == 1 && !key.is_within_value())?;
        Some((other.clone(), reference.columns[0].clone()))
    });
    Some(ChoiceColumns { table: table.clone(), key: key.clone(), show: show.clone(), within })
}
