//! Masked and pseudonymised columns of a whole export.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::profiles::read_export_file;
use crate::harness::{Postgres, WaybillCommand, generate_sample};

/// Writes the sample's profile with other treatments to `treated.toml`.
fn write_supportsignal_profile(folder: &Path, treatments: &str) {
    let text = include_str!("../server/profile/builtin/supportsignal/profile.toml");
    std::fs::write(
        folder.join("treated.toml"),
        text.replace("[roles]", &format!("[treatments]\n{treatments}\n\n[roles]")),
    )
    .unwrap();
}

#[test]
fn pseudonyms_keep_every_join_and_cannot_be_linked_between_two_exports() {
    let folder = TempDir::new().unwrap();
    let source = format!("sqlite:{}", generate_sample(30, folder.path()).display());
    write_supportsignal_profile(
        folder.path(),
        "plain = \"pseudonymise\"\npersonal = \"pseudonymise\"\nsensitive = \"mask\"",
    );
    let export = |name: &str| {
        let arguments = ["export", "--source", &source, "--profile", "treated.toml", "--output", name];
        let ended = WaybillCommand::new(folder.path()).run(arguments);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        read_export_file(folder.path(), name)
    };
    let (first, second) = (export("first.json"), export("second.json"));
    let plain = WaybillCommand::new(folder.path()).run(["export", "--source", &source, "--output", "plain.json"]);
    assert_eq!(plain.code, 0);
    let original = read_export_file(folder.path(), "plain.json");
    let values = |export: &crate::harness::ParsedExport, table: &str, column: &str| -> Vec<String> {
        export.data[table].iter().map(|row| row[column].as_str().unwrap_or_default().to_owned()).collect()
    };
    // Every reference resolves, and to the same record as before.
    let positions = |ids: &[String]| -> BTreeMap<String, usize> { ids.iter().cloned().zip(0..).collect() };
    for (child, column, parent) in [
        ("incidents", "participant_id", "participants"),
        ("incident_narratives", "incident_id", "incidents"),
        ("sites", "company_id", "companies"),
    ] {
        let (new, old) = (positions(&values(&first, parent, "id")), positions(&values(&original, parent, "id")));
        assert_eq!(new.len(), old.len(), "{parent}: two records got one id");
        for (new_id, old_id) in values(&first, child, column).iter().zip(&values(&original, child, column)) {
            assert_eq!(new.get(new_id), old.get(old_id), "{child}.{column}");
        }
    }
    for (table, column) in [("users", "email"), ("users", "id"), ("users", "name"), ("participants", "contact_phone")] {
        let [one, two, real] = [&first, &second, &original].map(|export| {
            values(export, table, column).into_iter().filter(|value| !value.is_empty()).collect::<BTreeSet<_>>()
        });
        assert!(one.is_disjoint(&two) && one.is_disjoint(&real), "{table}.{column}");
    }
    assert!(values(&first, "users", "email").iter().all(|email| email.ends_with("@pseudonym.invalid")));
    let births = values(&first, "participants", "date_of_birth");
    assert!(births.iter().all(|birth| birth.is_empty() || birth.len() <= 10), "{births:?}");
    let treated = first.metadata["redaction"]["treated"].as_array().unwrap();
    assert!(treated.contains(&serde_json::json!({"field": "users.email", "treatment": "pseudonymise"})));
    assert!(treated.contains(&serde_json::json!({"field": "participants.care_notes", "treatment": "mask"})));
    let text = std::fs::read_to_string(folder.path().join("first.json")).unwrap();
    assert!(!text.to_lowercase().contains("anonymi"));
    for secret in values(&original, "participants", "care_notes").iter().filter(|text| text.len() > 20) {
        assert!(!text.contains(secret.as_str()), "{secret}");
    }
}

#[test]
fn a_treated_postgresql_export_still_fits_its_types() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    let schema = "CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE people (id integer PRIMARY KEY, code varchar(6) UNIQUE, mail varchar(40), born date, seen timestamptz, pay numeric(9,2),
            score real, is_on boolean, mood mood, tags text[], key uuid, body jsonb, raw bytea, small smallint);";
    server.sql(schema);
    server.sql("INSERT INTO people SELECT n, 'c' || n, 'p' || n || '@example.org', date '1980-01-01' + n, now(), n * 1.25, n / 3.0, true, 'ok', '{a,b}',
        gen_random_uuid(), jsonb_build_object('name', 'n' || n, 'age', n), decode(md5(n::text), 'hex'), n FROM generate_series(1, 200) n");
    for treatment in ["mask", "pseudonymise"] {
        let drafted = WaybillCommand::new(folder.path()).run(["profile", "init", "--source", &server.url()]);
        let text = drafted.text().replace("\"secret\"", "\"personal\"").replace("\"plain\"", "\"personal\"");
        let text = text.replacen("\n\n", &format!("\n[treatments]\npersonal = \"{treatment}\"\n\n"), 2).replacen(
            &format!("\n[treatments]\npersonal = \"{treatment}\"\n"),
            "",
            1,
        );
        std::fs::write(folder.path().join("p.toml"), &text).unwrap();
        let arguments = ["export", "--source", &server.url(), "--profile", "p.toml", "--output", "out.json", "--force"];
        let ended = WaybillCommand::new(folder.path()).run(arguments);
        assert_eq!(ended.code, 0, "{}\n{text}", ended.stderr);
        let export = read_export_file(folder.path(), "out.json");
        // Types that cannot be masked or pseudonymised are left out.
        for column in ["is_on", "mood", "tags"] {
            assert!(
                export.metadata["redaction"]["removedFields"]
                    .as_array()
                    .unwrap()
                    .contains(&format!("people.{column}").into()),
                "{column}"
            );
        }
        server.sql("DROP TABLE IF EXISTS again; CREATE TABLE again (LIKE people)");
        let mut sql = String::new();
        for row in &export.data["people"] {
            let row = row.as_object().unwrap();
            let cell = |(name, value): (&String, &Value)| match value {
                Value::Null => "NULL".to_owned(),
                Value::String(text) if name == "raw" => format!("decode('{text}', 'base64')"),
                Value::String(text) => format!("'{}'", text.replace('\'', "''")),
                other => format!("'{}'", other.to_string().replace('\'', "''")),
            };
            let names: Vec<&str> = row.keys().map(String::as_str).collect();
            let cells: Vec<String> = row.iter().map(cell).collect();
            let _ = writeln!(sql, "INSERT INTO again ({}) VALUES ({});", names.join(", "), cells.join(", "));
        }
        server.sql("ALTER TABLE again ALTER id DROP NOT NULL");
        server.sql(&sql);
        if treatment == "pseudonymise" {
            assert_eq!(server.sql("SELECT count(DISTINCT id) FROM again"), "200", "keys stay unique");
        }
        assert_eq!(server.sql("SELECT count(*) FROM again a JOIN people p ON a.mail = p.mail"), "0");
    }
}
