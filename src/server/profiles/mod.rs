//! The use cases around profiles: find one for a database, draft one, check one against a database.
//!
//! May import: `identity` (whether anyone has a role), `source`, `profile`, `subset`, `rows`, `support`, `model`. Flow: `resolve`
//! finds the profile for an export; `for_snapshot` renews a guessed one for a snapshot; `draft` infers one from the schema and a
//! sample of values, of which only counts are kept; `check` compares profile and database.

mod accounts;
mod error;
mod reference_graph;
mod scope_notes;

use std::collections::BTreeMap;

use crate::model::drift::Drift;
use crate::model::export::DriftPolicy;
use crate::model::manifest::RecordOrder;
use crate::server::profile::{self, ColumnSampler, Draft, Origin, Profile};
use crate::server::rows::{Catalog, Scan};
use crate::server::source::{self, Snapshot, Source};

pub use accounts::{AccountsCheck, check_accounts};
pub use error::Error;
pub use reference_graph::reference_graph;

/// Returns the requested profile; else a built-in one whose tables all exist; else an empty one with the database's
/// name, which `for_snapshot` fills with guesses. Blocks.
///
/// # Errors
/// `Profile` when the requested profile cannot be loaded, `Source` when the database cannot be read.
pub fn resolve(source: &dyn Source, requested: Option<&str>, database: &str) -> Result<Profile, Error> {
    if let Some(name_or_path) = requested {
        return Ok(Profile::load(name_or_path)?);
    }
    let catalog = source.open_snapshot()?.catalog()?;
    match Profile::detect_built_in(&catalog) {
        // Anyone who may create tables could imitate that application's schema, with an accounts table of their own. So
        // accounts of the database may sign in only if the operator has named the profile.
        Some(profile) => Ok(profile.without_auth()),
        None => Ok(profile::draft(database, &Catalog::default(), &BTreeMap::new()).into_profile()),
    }
}

/// Returns the profile for this snapshot. A guess is made anew for each: a column that was empty may be full of
/// tokens now. Blocks.
///
/// # Errors
/// When the database cannot be read.
pub fn for_snapshot(profile: &Profile, snapshot: &mut dyn Snapshot, catalog: &Catalog) -> source::Result<Profile> {
    if profile.origin != Origin::Guess {
        return Ok(profile.clone());
    }
    Ok(sample_and_infer(snapshot, catalog, &profile.name)?.into_profile())
}

/// Drafts a profile, with a guess and its reason for every column. Blocks.
///
/// # Errors
/// When the database cannot be read.
pub fn draft(source: &dyn Source, database: &str) -> Result<Draft, Error> {
    let mut snapshot = source.open_snapshot()?;
    let catalog = snapshot.catalog()?;
    Ok(sample_and_infer(&mut *snapshot, &catalog, database)?)
}

/// The result of checking a profile against its database.
#[derive(Debug)]
pub struct CheckReport {
    /// The differences between the two.
    pub drift: Drift,
    /// Other remarks for the profile's maintainer, one per line.
    pub notes: Vec<String>,
}

/// Checks a profile against its database: drift, import values, derived columns and accounts. Blocks.
///
/// # Errors
/// When the database cannot be read.
pub fn check(source: &dyn Source, profile: &Profile) -> Result<CheckReport, Error> {
    let mut snapshot = source.open_snapshot()?;
    let catalog = snapshot.catalog()?;
    let drift = profile.drift(&catalog);
    let has_all_columns = drift.missing.is_empty();
    // Missing columns are already reported as drift.
    let accounts =
        if has_all_columns { accounts::check_in_snapshot(source, &mut *snapshot, &catalog, profile)? } else { None };
    let mut notes: Vec<String> = profile
        .columns_without_import_value(&catalog)
        .into_iter()
        .map(|field| format!("{field} is left out but must not be null; set on_import to what an import should write"))
        .collect();
    notes.extend(profile.owners_without_reference(&catalog.tables).into_iter().map(|field| {
        format!(
            "{field} is in owned_by and refers to nothing, so no filter reaches the table by it; declare what it refers to under \
             [[references]]"
        )
    }));
    if has_all_columns && profile.scopes.iter().next().is_some() {
        let planned = profile.plan_tables(&catalog, RecordOrder::Storage, DriftPolicy::Report)?;
        notes.extend(scope_notes::scope_notes(profile, &catalog, &planned));
    }
    notes.extend(profile.columns_with_raised_class(&catalog).into_iter().map(|(field, sources, class)| {
        format!("{field} is computed from {sources} and therefore counts as {}, as they do", class.as_str())
    }));
    notes.extend(accounts.iter().flat_map(AccountsCheck::problems));
    Ok(CheckReport { drift, notes })
}

fn sample_and_infer(snapshot: &mut dyn Snapshot, catalog: &Catalog, database: &str) -> source::Result<Draft> {
    let mut samples = BTreeMap::new();
    for table in &catalog.tables {
        // Unreadable tables are guessed by name alone.
        if catalog.is_unreadable(&table.name) {
            continue;
        }
        let mut sample = ColumnSampler::new(table);
        snapshot.sample(&Scan::whole(table), &mut sample)?;
        samples.insert(table.name.clone(), sample);
    }
    Ok(profile::draft(database, catalog, &samples))
}
