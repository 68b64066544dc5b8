//! Computes a preview: exact record counts and estimated sizes, read in one snapshot.

use std::collections::BTreeMap;

use super::Result;
use super::file_name::file_name;
use super::part_summary::{add_counts, summarize};
use super::plan::UncountedPlan;
use super::request::ExportRequest;
use super::size_estimate::{estimate_table_size, measure_frame};
use super::subset::extent;
use crate::model::drift::Drift;
use crate::model::name::{TableName, TableOrField};
use crate::model::output::{Compression, Output};
use crate::model::preview::{Preview, TablePreview};
use crate::model::redaction::NotIncluded;
use crate::model::selection::Selection;
use crate::model::text;
use crate::server::profile::{PlannedTable, PlannedTables, Profile, shell_quote};
use crate::server::rows::Scan;
use crate::server::source::{InterruptHandle, Snapshot, Source};
use crate::server::support::clock::{Clock, rfc3339};

/// Assumed bytes per second while no export gives a measured rate; a conservative guess.
pub const DEFAULT_BYTES_PER_SECOND: u64 = 150_000_000;

/// Counts and samples every table in one snapshot, calling `on_update` after every step. `on_handle` receives what ends a
/// query. Blocks.
///
/// # Errors
/// As `UncountedPlan::from_snapshot`; `Source` if a table cannot be counted or sampled; the error of `on_update`.
pub fn compute_preview(
    source: &dyn Source,
    on_handle: &dyn Fn(InterruptHandle),
    profile: &Profile,
    selection: &Selection,
    clock: &dyn Clock,
    bytes_per_second: u64,
    on_update: &dyn Fn(&Preview) -> Result<()>,
) -> Result<Preview> {
    let request = ExportRequest { selection: selection.clone(), ..ExportRequest::default() };
    let mut snapshot = source.begin_snapshot(extent(selection), on_handle)?;
    let mut uncounted = UncountedPlan::of_whole_tables(&mut *snapshot, profile, &request)?;
    let mut preview = initial_preview(&uncounted, selection, clock);
    preview.blocks_writers = snapshot.blocks_writers();
    on_update(&preview)?;
    uncounted.restrict(
        &mut *snapshot,
        selection,
        Some(&mut |snapshot, planned, estimate| show_estimate(&mut preview, snapshot, planned, estimate, on_update)),
    )?;
    show_part(&mut preview, &uncounted);
    let mut counts = Vec::with_capacity(preview.tables.len());
    for (index, PlannedTable { scan, .. }) in uncounted.planned.tables.iter().enumerate() {
        let records = uncounted.count(&mut *snapshot, scan)?;
        counts.push(records);
        preview.tables[index].records = Some(records);
        preview.contains = preview.contains.take().or_else(|| contents_notice(profile, scan, records));
        on_update(&preview)?;
    }
    for (index, planned) in uncounted.planned.tables.iter().enumerate() {
        let size = estimate_table_size(&mut *snapshot, planned, counts[index], Output::default())?;
        preview.tables[index].size = Some(size);
        on_update(&preview)?;
    }
    preview.frame_bytes = measure_frame(uncounted, selection.clone(), counts, source, snapshot.isolation(), clock)?;
    preview.expected_ms = preview.total_size().map(|size| size.bytes * 1000 / bytes_per_second);
    preview.settled = true;
    Ok(preview)
}

/// Shows about how many records the part has, and of which size, while they are looked for.
fn show_estimate(
    preview: &mut Preview,
    snapshot: &mut dyn Snapshot,
    planned: &PlannedTables,
    estimate: &BTreeMap<TableName, u64>,
    on_update: &dyn Fn(&Preview) -> Result<()>,
) -> Result<()> {
    for table in &mut preview.tables {
        table.about = estimate.get(&table.name).copied();
    }
    on_update(preview)?;
    for (table, planned) in preview.tables.iter_mut().zip(&planned.tables) {
        table.size = Some(estimate_table_size(snapshot, planned, table.about.unwrap_or_default(), Output::default())?);
    }
    on_update(preview)
}

/// Leaves out the tables that are not in the part, and says what is.
fn show_part(preview: &mut Preview, restricted: &UncountedPlan) {
    if let Some(part) = &mut preview.part {
        add_counts(part, &restricted.part);
        preview.excluded.clone_from(&restricted.planned.redaction.excluded_tables);
        preview.absent = absent(restricted, &preview.drift);
        preview.absent_tables = absent_tables(restricted, &preview.drift);
        preview.contains.clone_from(&restricted.part.contains);
        preview.selected_records.clone_from(&restricted.part.selected);
        preview.tables.retain(|table| restricted.planned.tables.iter().any(|kept| kept.scan.table == table.name));
    }
}

fn initial_preview(uncounted: &UncountedPlan, selection: &Selection, clock: &dyn Clock) -> Preview {
    let profile = &uncounted.profile;
    let redaction = &uncounted.planned.redaction;
    let drift = profile.drift(&uncounted.catalog);
    let unclassified = || {
        redaction.unclassified.iter().filter_map(|name| match name {
            TableOrField::Field(field) => Some(field),
            TableOrField::Table(_) => None,
        })
    };
    let left_out = |table: &TableName| {
        let fields = redaction.removed_fields.iter().chain(unclassified());
        fields.filter(|field| field.table == *table).map(|field| field.column.clone()).collect()
    };
    let tables = uncounted.planned.tables.iter().map(|PlannedTable { scan, .. }| TablePreview {
        name: scan.table.clone(),
        left_out: left_out(&scan.table),
        records: None,
        about: None,
        size: None,
    });
    Preview {
        taken_at: rfc3339(clock.now()),
        file_name: file_name(profile, selection, clock.now(), Compression::None),
        command: format!("waybill export{}{} --output .", profile.command_line_option(), selection_options(selection)),
        tables: tables.collect(),
        planned: uncounted.planned.tables.iter().map(|table| table.scan.table.clone()).collect(),
        part: summarize(selection),
        excluded: redaction.excluded_tables.clone(),
        absent: absent(uncounted, &drift),
        absent_tables: absent_tables(uncounted, &drift),
        drift,
        guesses: profile.guesses.clone(),
        not_included: uncounted.catalog.not_included.clone(),
        ..Preview::default()
    }
}

fn absent_tables(uncounted: &UncountedPlan, drift: &Drift) -> u64 {
    (uncounted.planned.redaction.excluded_tables.len() + drift.unknown_tables().count()) as u64
}

/// Each object that stays in the database, with the reason.
fn absent(uncounted: &UncountedPlan, drift: &Drift) -> Vec<NotIncluded> {
    let absent = |object: String, reason: &str| NotIncluded { object, reason: reason.to_owned() };
    let excluded = uncounted.planned.redaction.excluded_tables.iter();
    let excluded = excluded.map(|table| absent(table.table.to_string(), &table.reason));
    let unknown = drift.unknown_tables();
    let unknown = unknown.map(|new| absent(new.field.to_string(), "unknown to the profile, so it is not exported"));
    excluded.chain(unknown).chain(uncounted.catalog.not_included.iter().cloned()).collect()
}

/// The selection as options of the command line.
fn selection_options(selection: &Selection) -> String {
    let scope = selection.scope().into_iter().map(|(kind, id)| format!(" --{} {}", kind.as_str(), shell_quote(id)));
    let filters =
        selection.filters.iter().flat_map(|(name, values)| values.iter().map(move |value| format!("{name}={value}")));
    let filters = filters.map(|filter| format!(" --filter {}", shell_quote(&filter)));
    let tables = selection.tables.iter().map(|tables| {
        let names: Vec<&str> = tables.iter().map(TableName::as_str).collect();
        format!(" --tables {}", shell_quote(&names.join(",")))
    });
    scope.chain(filters).chain(tables).collect()
}

/// Whose data the file holds, once the table of people is counted: "personal data of 104 participants".
fn contents_notice(profile: &Profile, scan: &Scan, records: u64) -> Option<String> {
    let notice = profile.notice.as_ref().filter(|notice| notice.people == scan.table)?;
    let people = text::count_of_table(records, notice.people.as_str());
    Some(format!("{} of {people}", notice.contains))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::profile::builtin::supportsignal::SampleSpec;
    use crate::server::source::sqlite::SqliteSource;
    use crate::server::support::clock::SystemClock;

    #[test]
    fn a_left_out_column_is_shown_at_its_own_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source.db");
        let tables = "CREATE TABLE audit (id, note); CREATE TABLE \"audit.users\" (id, password, phone)";
        rusqlite::Connection::open(&path).unwrap().execute_batch(tables).unwrap();
        let profile = Profile::from_toml(
            "name = \"x\"\n[tables.audit.columns]\nid = \"plain\"\n\
             [tables.\"audit.users\".columns]\nid = \"plain\"\npassword = \"secret\"\n",
        )
        .unwrap();
        let preview = compute_preview(
            &SqliteSource::new(path),
            &|_| (),
            &profile,
            &Selection::default(),
            &SystemClock,
            1,
            &|_| Ok(()),
        )
        .unwrap();
        let left_out: Vec<(&str, &[String])> =
            preview.tables.iter().map(|table| (table.name.as_str(), &table.left_out[..])).collect();
        let [own, others] = [&["note".to_owned()][..], &["password".to_owned(), "phone".to_owned()]];
        assert_eq!(left_out, [("audit", own), ("audit.users", others)]);
    }
    /// One company has two thirds of everything, the others share the rest.
    #[test]
    fn a_part_shows_about_how_many_records_it_has_before_it_knows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source.db");
        let spec =
            SampleSpec { incidents: 2000, companies: Some(20), largest_share: Some(65), ..SampleSpec::default() };
        crate::server::sample::generate(&spec.sample(), &path, "correct horse battery", false).unwrap();
        let largest = "SELECT company_id FROM incidents GROUP BY 1 ORDER BY count(*) DESC LIMIT 1";
        let company: String =
            rusqlite::Connection::open(&path).unwrap().query_row(largest, [], |row| row.get(0)).unwrap();
        let profile = Profile::built_in("supportsignal").unwrap();
        let (company, period) = (format!("company={company}"), "period=2025-01-01..2025-01-11");
        for filters in [company.clone(), period.to_owned(), format!("{company}&{period}")] {
            let selection = crate::server::selection::parse_part(&filters).unwrap();
            let shown = std::cell::RefCell::new(Vec::new());
            let note = |preview: &Preview| {
                shown.borrow_mut().push(preview.clone());
                Ok(())
            };
            let source = SqliteSource::new(path.clone());
            let exact = compute_preview(&source, &|_| (), &profile, &selection, &SystemClock, 1, &note).unwrap();
            let shown = shown.into_inner();
            let estimated = shown.iter().find(|preview| preview.total_size().is_some()).unwrap();
            assert!(estimated.tables.iter().all(|table| table.records.is_none()), "it was shown too late");
            let is_about = |about: u64, exact: u64| (exact * 7..exact * 14).contains(&(about * 10));
            let mut compared = 0;
            for table in exact.tables.iter().filter(|table| table.records > Some(200)) {
                let about = estimated.tables.iter().find(|other| other.name == table.name).unwrap().about.unwrap();
                let records = table.records.unwrap();
                assert!(is_about(about, records), "{}: about {about}, {records}", table.name);
                compared += 1;
            }
            assert!(compared > 5, "{filters}: {exact:?}");
            let [about, exact] = [estimated, &exact].map(|preview| preview.total_size().unwrap().bytes);
            assert!(is_about(about, exact), "about {about} bytes, {exact}");
        }
    }
}
