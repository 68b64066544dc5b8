//! Every column of the sample is classified, and every credential is secret.

use rusqlite::Connection;
use tempfile::TempDir;
use waybill::model::export::DriftPolicy;
use waybill::model::manifest::RecordOrder;
use waybill::server::profile::Profile;
use waybill::server::profile::builtin::supportsignal;
use waybill::server::rows::Catalog;
use waybill::server::source::Source;
use waybill::server::source::sqlite::SqliteSource;

use crate::harness::generate_sample;

fn catalog(folder: &TempDir) -> Catalog {
    let source = SqliteSource::new(generate_sample(50, folder.path()));
    source.open_snapshot().unwrap().catalog().unwrap()
}

#[test]
fn every_column_of_the_sample_is_classified_and_no_classified_column_is_missing() {
    let folder = TempDir::new().unwrap();
    let catalog = catalog(&folder);
    let profile = Profile::built_in("supportsignal").unwrap();
    assert_eq!(profile.drift(&catalog).lines(), Vec::<String>::new());
    assert_eq!(catalog.tables.len(), 23);
}

#[test]
fn exactly_the_credential_columns_are_left_out() {
    let folder = TempDir::new().unwrap();
    let selection = Profile::built_in("supportsignal")
        .unwrap()
        .plan_tables(&catalog(&folder), RecordOrder::Storage, DriftPolicy::Report)
        .unwrap();
    let mut removed: Vec<String> = selection.redaction.removed_fields.iter().map(ToString::to_string).collect();
    removed.sort();
    let expected = [
        "accounts.access_token",
        "accounts.id_token",
        "accounts.refresh_token",
        "impersonation_sessions.original_session_token",
        "impersonation_sessions.session_token",
        "password_reset_tokens.token",
        "sessions.sessionToken",
        "user_invitations.invitation_token",
        "users.password",
    ];
    assert_eq!(removed, expected);
    assert_eq!(selection.redaction.excluded_tables[0].table, "debug_logs");
}

#[test]
fn a_column_unknown_to_the_profile_is_left_out_and_reported() {
    let folder = TempDir::new().unwrap();
    let path = generate_sample(50, folder.path());
    let sql = "ALTER TABLE users ADD COLUMN two_factor_secret TEXT; CREATE TABLE api_keys (id TEXT, key TEXT)";
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let catalog = SqliteSource::new(&path).open_snapshot().unwrap().catalog().unwrap();
    let selection = Profile::built_in("supportsignal")
        .unwrap()
        .plan_tables(&catalog, RecordOrder::Storage, DriftPolicy::Report)
        .unwrap();
    let mut unclassified: Vec<String> = selection.redaction.unclassified.iter().map(ToString::to_string).collect();
    unclassified.sort();
    assert_eq!(unclassified, ["api_keys", "users.two_factor_secret"]);
    assert!(!selection.tables.iter().any(|planned| planned.scan.table == "api_keys"));
    let users = &selection.tables.iter().find(|planned| planned.scan.table == "users").unwrap().scan;
    assert!(!users.columns.iter().any(|column| column.name == "two_factor_secret"));
}

#[test]
fn a_sample_can_have_one_company_that_is_larger_than_the_others() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("skewed.db");
    let spec = supportsignal::SampleSpec {
        incidents: 400,
        participants: 100,
        companies: Some(8),
        largest_share: Some(65),
        ..Default::default()
    };
    waybill::server::sample::generate(&spec.sample(), &path, crate::harness::PASSWORD, false).unwrap();
    let connection = Connection::open(&path).unwrap();
    let counts = |table: &str| -> Vec<i64> {
        let sql = format!("SELECT count(*) FROM {table} GROUP BY company_id ORDER BY count(*) DESC");
        connection.prepare(&sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(counts("participants"), [65, 5, 5, 5, 5, 5, 5, 5]);
    assert!((220..=300).contains(&counts("incidents")[0]), "{:?}", counts("incidents"));
    assert_eq!(counts("sites"), [2; 8]);
}

#[test]
fn the_sample_satisfies_its_constraints_and_is_the_same_for_the_same_seed() {
    let folder = TempDir::new().unwrap();
    let path = generate_sample(50, folder.path());
    let connection = Connection::open(&path).unwrap();
    let broken: i64 = connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |r| r.get(0)).unwrap();
    assert_eq!(broken, 0);
    let check: String = connection.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
    assert_eq!(check, "ok");
    let roles: i64 = connection.query_row("SELECT count(DISTINCT role) FROM users", [], |r| r.get(0)).unwrap();
    assert_eq!(roles, 5);

    let spec = supportsignal::SampleSpec { incidents: 50, participants: 10, ..Default::default() };
    let again = folder.path().join("again.db");
    waybill::server::sample::generate(&spec.sample(), &again, crate::harness::PASSWORD, false).unwrap();
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&again).unwrap(), "the same seed gave other bytes");
}
