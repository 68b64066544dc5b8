//! The use cases around a profile: find one for a database, draft one, hold one against it.
//!
//! May import: parts. Flow: `resolve` finds the profile that an export goes by, `current` holds it against
//! one view of the database; `draft` looks at the
//! schema and at a sample of values, of which nothing but a tally is kept; `check` compares.

mod accounts;

use std::collections::BTreeMap;

use crate::model::catalog::ColumnSchema;
use crate::model::drift::Drift;
use crate::model::manifest::RecordOrder;
use crate::model::redaction::Treatment;
use crate::server::profile::{self, Draft, Origin, Profile, Sample};
use crate::server::rows::{Catalog, Selection, Table};
use crate::server::source::{self, Snapshot, Source};

pub use accounts::{AccountsCheck, check_accounts};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Profile(#[from] profile::Error),
}

/// The profile that was asked for; else a built-in one whose tables are all there; else one that is to be
/// guessed (`current`), under the database's name. Blocks.
///
/// # Errors
/// When the profile has a mistake or the database cannot be read.
pub fn resolve(source: &dyn Source, asked: Option<&str>, database: &str) -> Result<Profile, Error> {
    if let Some(name_or_path) = asked {
        return Ok(Profile::load(name_or_path)?);
    }
    let catalog = source.open_snapshot()?.catalog()?;
    match Profile::recognise(&catalog) {
        // Whoever may create tables could make a database look like that application's, and its table of accounts say
        // who signs in. Only whoever names the profile lets its accounts in.
        Some(profile) => Ok(profile.without_accounts()),
        None => Ok(profile::draft(database, &Catalog::default(), &BTreeMap::new()).into_profile()),
    }
}

/// The profile as it holds for this very view of the database: a guess is made anew, because a column that
/// was empty may be full of tokens now. Blocks.
///
/// # Errors
/// When the database cannot be read.
pub fn current(profile: &Profile, snapshot: &mut dyn Snapshot, catalog: &Catalog) -> source::Result<Profile> {
    if profile.origin != Origin::Guess {
        return Ok(profile.clone());
    }
    Ok(sample_and_guess(snapshot, catalog, &profile.name)?.into_profile())
}

/// A draft with a guess and its reason for every column. Blocks.
///
/// # Errors
/// When the database cannot be read.
pub fn draft(source: &dyn Source, database: &str) -> Result<Draft, Error> {
    let mut snapshot = source.open_snapshot()?;
    let catalog = snapshot.catalog()?;
    Ok(sample_and_guess(&mut *snapshot, &catalog, database)?)
}

/// A profile held against its database.
#[derive(Debug)]
pub struct Checked {
    /// In what the two have grown apart.
    pub drift: Drift,
    /// What else whoever keeps the profile should know.
    pub notes: Vec<String>,
}

/// In what database and profile have grown apart, and what else is to be said of the two. Blocks.
///
/// # Errors
/// When the database cannot be read.
pub fn check(source: &dyn Source, profile: &Profile) -> Result<Checked, Error> {
    let mut snapshot = source.open_snapshot()?;
    let catalog = snapshot.catalog()?;
    let drift = profile.drift(&catalog);
    let is_whole = drift.vanished.is_empty();
    // What is missing is drift, and said as such.
    let accounts = if is_whole { accounts::check_in(source, &mut *snapshot, &catalog, profile)? } else { None };
    let mut notes: Vec<String> = profile
        .without_import_value(&catalog)
        .into_iter()
        .map(|field| {
            format!("{field} is left out and must not be null; say with on_import what an import should write")
        })
        .collect();
    notes.extend(profile.raised(&catalog).into_iter().map(|(field, sources, class)| {
        format!("{field} is computed from {sources}, and counts as {} as they do", class.as_str())
    }));
    notes.extend(accounts.iter().flat_map(AccountsCheck::problems));
    Ok(Checked { drift, notes })
}

fn sample_and_guess(snapshot: &mut dyn Snapshot, catalog: &Catalog, database: &str) -> source::Result<Draft> {
    let mut samples = BTreeMap::new();
    for table in &catalog.tables {
        // Of a table that may not be read, the names must do.
        if catalog.unreadable.iter().any(|unreadable| unreadable.table == table.name) {
            continue;
        }
        let mut sample = Sample::of(table);
        snapshot.sample(&whole(table, table.columns.clone()), &mut sample)?;
        samples.insert(table.name.clone(), sample);
    }
    Ok(profile::draft(database, catalog, &samples))
}

/// These columns of a table, as they are.
fn whole(table: &Table, columns: Vec<ColumnSchema>) -> Selection {
    Selection {
        table: table.name.clone(),
        treatments: vec![Treatment::Keep; columns.len()],
        columns,
        key: table.primary_key.clone(),
        order: RecordOrder::Storage,
    }
}
