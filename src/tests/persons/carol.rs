//! Carol's profile and sample.

use waybill::model::export::DriftPolicy;
use waybill::model::manifest::RecordOrder;
use waybill::server::profile::Profile;
use waybill::server::profile::builtin::carol::SampleSpec;

use super::Carol;

#[test]
fn every_column_of_carol_is_classified_and_exactly_the_credentials_are_left_out() {
    let spec = SampleSpec { people: 3, ..SampleSpec::default() };
    for carol in [Carol::new(&spec), Carol::in_postgres(&spec)] {
        let catalog = carol.source().open_snapshot().unwrap().catalog().unwrap();
        assert_eq!(catalog.tables.len(), 26);
        let profile = Profile::built_in("carol").unwrap();
        assert_eq!(profile.drift(&catalog).lines(), Vec::<String>::new());
        assert_eq!(profile.columns_with_raised_class(&catalog), Vec::new());
        assert_eq!(profile.owners_without_reference(&catalog.tables), Vec::new());
        assert_eq!(profile.missing_auth_columns(&catalog), Vec::new());
        assert_eq!(Profile::detect_built_in(&catalog).unwrap().name, "carol");

        let planned = profile.plan_tables(&catalog, RecordOrder::Storage, DriftPolicy::Report).unwrap();
        let mut removed: Vec<String> = planned.redaction.removed_fields.iter().map(ToString::to_string).collect();
        removed.sort();
        let expected = [
            "oauth_identities.access_token",
            "oauth_identities.refresh_token",
            "personal_access_tokens.token_hash",
            "sessions.token_hash",
            "users.password_hash",
        ];
        assert_eq!(removed, expected);
        assert_eq!(planned.redaction.excluded_tables, Vec::new());
    }
}

#[test]
fn a_sample_is_the_same_for_the_same_seed_on_both_engines_and_says_where_its_files_are() {
    let spec = SampleSpec { users: 4, people: 5, seed: 7 };
    let (sqlite, postgres) = (Carol::new(&spec), Carol::in_postgres(&spec));
    for table in ["people", "notes", "media", "skills"] {
        let ids = format!("SELECT id FROM {table} ORDER BY id");
        assert_eq!(sqlite.query(&ids), postgres.query(&ids), "{table}");
    }
    assert_eq!(sqlite.query("SELECT count(*) FROM users"), ["4"]);
    for key in sqlite.query("SELECT storage_key FROM media") {
        assert!(sqlite.media().join(key).is_file());
    }

    let made = sqlite.run(&["sample", "--application", "carol", "--output", "new.db", "--people", "1"]);
    assert!(made.code == 0 && made.text().contains("files in  new.db.media"), "{}{}", made.text(), made.stderr);
    let again = sqlite.run(&["sample", "--application", "carol", "--output", "other.db", "--media", "new.db.media"]);
    assert!(again.code != 0 && again.stderr.contains("new.db.media, exists"), "{}", again.stderr);
    for (arguments, says) in [
        (&["--application", "ocomms", "--output", "x.db", "--media", "m"][..], "have no files"),
        (&["--application", "carol", "--output", "postgres://localhost/x"], "--media FOLDER"),
        (
            &["--application", "carol", "--output", "x.db", "--incidents", "1"],
            "--incidents belongs to samples of supportsignal",
        ),
    ] {
        let refused = sqlite.run(&[&["sample"], arguments].concat());
        assert!(refused.code != 0 && refused.stderr.contains(says), "{arguments:?}: {}", refused.stderr);
    }
}
