//! Archives that somebody has made by hand, sealed and all: what they say is read as strictly as what they hide.

use std::io::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};
use waybill::model::manifest::{Contents, Metadata};
use waybill::server::pipeline::container::{ArchiveWriter, PartsWriter};
use waybill::server::profile::builtin::carol::SampleSpec;
use waybill::server::signing::SigningKey;
use waybill::server::support::random::SystemRandom;

use super::{Archive, Carol};

const CAROL: &str = "carol@sample.test";
const MEHMET: &str = "mehmet@sample.test";

struct Attack {
    carol: Carol,
    archive: Archive,
    metadata: Metadata,
}

impl Attack {
    fn new() -> Self {
        let carol = Carol::new(&SampleSpec { users: 3, people: 6, seed: 1 });
        let archive = carol.archive(&carol.user(CAROL));
        let seal: Value = serde_json::from_slice(archive.file("waybill.json")).unwrap();
        let mut metadata: Metadata = serde_json::from_value(seal["metadata"].clone()).unwrap();
        let Contents { record_counts, total_records, schema, .. } = metadata.contents.take().unwrap();
        (metadata.record_counts, metadata.total_records, metadata.schema) = (record_counts, total_records, schema);
        Self { carol, archive, metadata }
    }

    /// The archive, with another text in one of its entries.
    fn with(&self, name: &str, from: &str, to: &str) -> Vec<(String, Vec<u8>)> {
        let mut entries = self.archive.entries.clone();
        let entry = &mut entries.iter_mut().find(|(entry, _)| entry == name).unwrap().1;
        let text = String::from_utf8(entry.clone()).unwrap();
        assert!(text.contains(from), "{name} has no {from}: {text}");
        *entry = text.replacen(from, to, 1).into_bytes();
        entries
    }

    /// The archive, with another content and type of one of its files.
    fn with_file(&self, id: &str, record: &Value, content_type: &str, content: &[u8]) -> Vec<(String, Vec<u8>)> {
        let digest = record["sha256"].as_str().unwrap();
        let mut entries = self.with("media.yaml", digest, &hex::encode(Sha256::digest(content)));
        let yaml = &mut entries.iter_mut().find(|(name, _)| name == "media.yaml").unwrap().1;
        let text = String::from_utf8(yaml.clone()).unwrap();
        let (before, own) = text.split_once(&format!("\"{id}\":")).unwrap();
        let size = |bytes: &dyn std::fmt::Display| format!("sizeBytes: {bytes}");
        let own = own.replacen("image/png", content_type, 1);
        let own = own.replacen(&size(&record["sizeBytes"]), &size(&content.len()), 1);
        *yaml = format!("{before}\"{id}\":{own}").into_bytes();
        let path = record["path"].as_str().unwrap();
        entries.iter_mut().find(|(name, _)| name == path).unwrap().1 = content.to_vec();
        entries
    }

    /// Seals the entries, and imports them as somebody else's.
    fn import(&self, entries: &[(String, Vec<u8>)], metadata: &Metadata, mode: &str) -> crate::harness::CommandOutput {
        let path = self.carol.folder.path().join("attack.tar.gz");
        let mut archive = ArchiveWriter::new(std::fs::File::create(&path).unwrap()).unwrap();
        for (name, content) in entries.iter().filter(|(name, _)| name != "waybill.json") {
            if name.starts_with("media/") {
                archive.add_file(name, content.len() as u64, &mut &content[..]).unwrap();
            } else {
                archive.begin(name).unwrap();
                archive.write_all(content).unwrap();
                archive.end(0).unwrap();
            }
        }
        // A key that nobody here knows.
        let key = self.carol.folder.path().join("attacker.pem");
        archive.finish(metadata, "carol", &SigningKey::read_or_create(&key, &SystemRandom).unwrap()).unwrap();
        let person = self.carol.user(MEHMET);
        self.carol.import("attack.tar.gz", &person, mode, &["--accept-unsigned"])
    }

    fn state(&self) -> Vec<String> {
        let tables = ["people", "notes", "jobs", "media", "organizations"];
        tables
            .iter()
            .flat_map(|table| self.carol.query(&format!("SELECT user_id || ' ' || id FROM {table} ORDER BY 1")))
            .collect()
    }

    fn refused(&self, entries: &[(String, Vec<u8>)], code: i32, says: &str) {
        let before = self.state();
        for mode in ["merge", "replace", "copy"] {
            let refused = self.import(entries, &self.metadata, mode);
            assert!(
                refused.code == code && refused.stderr.contains(says),
                "{mode}: {} {}, not {says}",
                refused.code,
                refused.stderr
            );
        }
        assert_eq!(self.state(), before);
        assert!(!self.carol.media().join("imports").exists(), "no file is left");
    }
}

#[test]
fn an_archive_that_somebody_has_sealed_is_read_and_becomes_the_importers() {
    let attack = Attack::new();
    let imported = attack.import(&attack.archive.entries, &attack.metadata, "merge");
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let path = attack.carol.folder.path().join("attack.tar.gz");
    let refused = attack.carol.import(path.to_str().unwrap(), &attack.carol.user(MEHMET), "merge", &[]);
    assert!(refused.code == 3 && refused.stderr.contains("--accept-unsigned"), "{}", refused.stderr);
}

#[test]
fn owners_and_references_of_an_archive_reach_nothing_of_anybody_else() {
    let attack = Attack::new();
    let user = attack.carol.user(CAROL);
    // A column that archives do not have is a key that is not known.
    let owned = attack.with("notes.yaml", "  pinned:", &format!("  userId: \"{user}\"\n  pinned:"));
    let count = format!("SELECT count(*) FROM notes WHERE user_id = '{user}'");
    let before = attack.carol.query(&count);
    let imported = attack.import(&owned, &attack.metadata, "merge");
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert!(imported.text().contains("notes.\"userId\" is not known here"), "{}", imported.text());
    assert_eq!(attack.carol.query(&count), before);

    // Somebody else's organisation, and one that nobody has: told alike.
    let attack = Attack::new();
    let theirs =
        attack.carol.query(&format!("SELECT id FROM organizations WHERE user_id = '{user}' ORDER BY id"))[0].clone();
    let job = attack.archive.yaml("jobs.yaml");
    let job = job.as_object().unwrap().values().find_map(|job| job["organizationId"].as_str()).unwrap().to_owned();
    let mut metadata = attack.metadata.clone();
    let without = |entries: Vec<(String, Vec<u8>)>| -> Vec<(String, Vec<u8>)> {
        entries
            .into_iter()
            .map(|(name, content)| {
                let empty = name == "organizations.yaml";
                (name, if empty { b"{}\n".to_vec() } else { content })
            })
            .collect()
    };
    let tables = ["organizations", "organization_links", "organization_key_people"];
    metadata.record_counts = metadata
        .record_counts
        .iter()
        .map(|(name, count)| (name.clone(), if tables.contains(&name.as_str()) { 0 } else { *count }))
        .collect();
    let words = [theirs.as_str(), "01990000-0000-7000-8000-00000000dead"].map(|id| {
        let entries = without(attack.with("jobs.yaml", &job, id));
        let refused = attack.import(&entries, &metadata, "merge");
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        refused.stderr.clone()
    });
    assert_eq!(words[0], words[1]);
    assert!(words[0].contains("references lead to records that are not there"), "{}", words[0]);
}

#[test]
fn files_that_are_not_what_their_records_say_are_refused_by_name() {
    let attack = Attack::new();
    let media = attack.archive.yaml("media.yaml");
    let (id, record) =
        media.as_object().unwrap().iter().find(|(_, record)| record["contentType"] == "image/png").unwrap();
    let path = record["path"].as_str().unwrap();
    attack.refused(&attack.with("media.yaml", path, "../../etc/passwd"), 3, "media.yaml, line");
    attack.refused(&attack.with("media.yaml", path, "media/other.png"), 3, "names a file that is not its own");
    let digest = record["sha256"].as_str().unwrap();
    attack.refused(&attack.with("media.yaml", digest, &"0".repeat(64)), 3, "is not the file that its record describes");
    let disguised = attack.with_file(id, record, "image/png", b"<html><script>alert(1)</script>");
    attack.refused(&disguised, 3, &format!("{path} is not what its type says"));
    // What a browser could run is kept as something to save.
    for content_type in ["image/svg+xml", "text/html", "text/plain, text/html", "text/xsl"] {
        let attack = Attack::new();
        let entries = attack.with_file(id, record, content_type, b"x<script>alert(1)</script>");
        let imported = attack.import(&entries, &attack.metadata, "merge");
        assert_eq!(imported.code, 0, "{}", imported.stderr);
        let own = attack.carol.user(MEHMET);
        let types = format!(
            "SELECT DISTINCT content_type FROM media WHERE user_id = '{own}' AND storage_key LIKE 'imports/%' ORDER BY 1"
        );
        let types = attack.carol.query(&types);
        assert!(types.contains(&"application/octet-stream".to_owned()), "{types:?}");
        assert!(!types.iter().any(|kept| kept == content_type), "{types:?}");
    }
    attack.refused(
        &attack.with("media.yaml", "contentType: \"image/png\"", "contentType: {\"$text\": \"text/html\"}"),
        3,
        "content_type is no text",
    );
}

#[test]
fn values_that_say_their_own_type_do_not_pass_for_others() {
    let attack = Attack::new();
    let user = attack.carol.user(CAROL);
    let theirs =
        attack.carol.query(&format!("SELECT id FROM organizations WHERE user_id = '{user}' ORDER BY id"))[0].clone();
    let person = attack.archive.yaml("people.yaml");
    let organization =
        person.as_object().unwrap().values().find_map(|person| person["organizationId"].as_str()).unwrap().to_owned();
    for tag in ["$text", "$bytes", "$blob", "$int"] {
        let disguised = format!("organizationId: {{\"{tag}\": \"{theirs}\"}}");
        let entries = attack.with("people.yaml", &format!("organizationId: \"{organization}\""), &disguised);
        attack.refused(&entries, 3, "organization_id is not written as a reference is");
    }
    let entries = attack.with("projects.yaml", "skillIds: [", "skillIds: {\"$text\": \"[]\"}\n      x: [");
    attack.refused(&entries, 3, "skill_ids is not written as a reference is");
    // A seal that says other types and keys than the database has.
    for (table, column, codec) in
        [("jobs", "organization_id", "dynamic"), ("contributions", "skill_ids", "text"), ("notes", "id", "native")]
    {
        let mut schema = serde_json::to_value(&attack.metadata.schema).unwrap();
        let columns = schema[table]["columns"].as_array_mut().unwrap();
        columns.iter_mut().find(|one| one["name"] == column).unwrap()["codec"] = codec.into();
        let metadata = Metadata { schema: serde_json::from_value(schema).unwrap(), ..attack.metadata.clone() };
        let refused = attack.import(&attack.archive.entries, &metadata, "merge");
        assert!(
            refused.code == 3 && refused.stderr.contains(&format!("{table}.{column} is no")),
            "{} {}",
            refused.code,
            refused.stderr
        );
    }
    let mut schema = serde_json::to_value(&attack.metadata.schema).unwrap();
    schema["notes"]["primaryKey"] = serde_json::json!([]);
    let metadata = Metadata { schema: serde_json::from_value(schema).unwrap(), ..attack.metadata.clone() };
    let imported = attack.import(&attack.archive.entries, &metadata, "merge");
    assert_eq!(imported.code, 0, "what the seal says of keys counts for nothing: {}", imported.stderr);
}

#[test]
fn documents_that_no_waybill_writes_are_refused_with_file_and_line() {
    let attack = Attack::new();
    let people = attack.archive.yaml("people.yaml");
    let ids: Vec<&String> = people.as_object().unwrap().keys().collect();
    for (entries, code, says) in [
        (attack.with("people.yaml", "givenName: \"", "givenName: &a \""), 4, "people.yaml: line"),
        (attack.with("people.yaml", "givenName: ", "givenName: !!python/object "), 4, "people.yaml: line"),
        (
            attack.with("people.yaml", &format!("\"{}\":", ids[1]), &format!("\"{}\":", ids[0])),
            3,
            "has the key of an earlier one in the file",
        ),
        (attack.with("people.yaml", "  givenName:", "  nickName:"), 4, "the record has no givenName"),
        (
            attack.with("people.yaml", "  givenName:", "  givenName: \"x\"\n  givenName:"),
            4,
            "\"givenName\" is there twice",
        ),
        (attack.with("notes.yaml", "  pinned: ", "  pinned: [[[[\"x\"]]]] "), 4, "notes.yaml: line"),
        (attack.with("notes.yaml", "  pinned: false", "  pinned: \"no\""), 4, ""),
        (attack.with("profiles.yaml", "\"", "---\n\""), 4, "profiles.yaml: line 1"),
    ] {
        attack.refused(&entries, code, says);
    }
    // What the seal promises, and what is there.
    let mut entries = attack.archive.entries.clone();
    entries.iter_mut().find(|(name, _)| name == "notes.yaml").unwrap().1 = b"{}\n".to_vec();
    attack.refused(&entries, 4, "its seal promises");
    entries.retain(|(name, _)| name != "notes.yaml");
    attack.refused(&entries, 4, "notes.yaml is missing");
}

#[test]
fn a_file_that_unpacks_to_a_hundred_times_its_size_is_not_read_to_its_end() {
    let attack = Attack::new();
    let mut entries = attack.archive.entries.clone();
    let media = entries.iter().position(|(name, _)| name.starts_with("media/")).unwrap();
    entries[media].1 = vec![0; 64 << 20];
    attack.refused(&entries, 4, "100 times its size");
}

#[test]
fn an_id_that_somebody_else_has_now_is_given_another_one_and_nobody_is_told() {
    let attack = Attack::new();
    let (user, other) = (attack.carol.user(CAROL), attack.carol.user(MEHMET));
    assert_eq!(attack.carol.export(&user, "own.tar.gz").code, 0);
    let note = attack.carol.query(&format!("SELECT id FROM notes WHERE user_id = '{user}' ORDER BY id"))[0].clone();
    let merge = || {
        let merged = attack.carol.import("own.tar.gz", &user, "merge", &["--dry-run"]);
        let is_about_time = |line: &&str| !line.starts_with("plan");
        merged.text().lines().filter(is_about_time).map(str::to_owned).collect::<Vec<_>>()
    };
    attack.carol.execute(&format!("DELETE FROM notes WHERE id = '{note}'"));
    let free = merge();
    attack.carol.execute(&format!(
        "INSERT INTO notes (id, user_id, body, pinned, created_at, updated_at) VALUES ('{note}', '{other}', 'theirs', 0, '2026', '2026')"
    ));
    assert_eq!(merge(), free);
    let merged = attack.carol.import("own.tar.gz", &user, "merge", &[]);
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert_eq!(
        attack.carol.query(&format!("SELECT body || user_id FROM notes WHERE id = '{note}'")),
        [format!("theirs{other}")]
    );
    let again = attack.carol.import("own.tar.gz", &user, "merge", &[]);
    assert!(again.text().starts_with("nothing changed"), "{}", again.text());
}

/// Of restores that deleted what the file did not have (<https://github.com/nextcloud/user_migration/issues/61>, <https://github.com/laurent22/joplin/issues/723>).
#[test]
fn a_replacement_by_an_archive_of_some_tables_leaves_the_others_as_they_are() {
    let attack = Attack::new();
    let other = attack.carol.user(MEHMET);
    let carried = ["skill_sections", "skills", "education", "notes"];
    let is_carried =
        |name: &str| matches!(name, "manifest.yaml" | "skill-sections.yaml" | "education.yaml" | "notes.yaml");
    let entries: Vec<_> = attack.archive.entries.iter().filter(|(name, _)| is_carried(name)).cloned().collect();
    let keep = |table: &waybill::model::name::TableName| carried.contains(&table.as_str());
    let mut metadata = attack.metadata.clone();
    metadata.schema = metadata.schema.iter().filter(|(table, _)| keep(table)).cloned().collect();
    metadata.record_counts = metadata.record_counts.iter().filter(|(table, _)| keep(table)).cloned().collect();
    metadata.total_records = metadata.record_counts.iter().map(|(_, count)| count).sum();
    // What a note is about may be in none of these.
    let entries: Vec<_> = entries
        .into_iter()
        .map(|(name, content)| (name.clone(), if name == "notes.yaml" { b"{}\n".to_vec() } else { content }))
        .collect();
    let notes = metadata.record_counts.iter().find(|(table, _)| table.as_str() == "notes").unwrap().1;
    metadata.total_records -= notes;
    metadata.record_counts = metadata
        .record_counts
        .iter()
        .map(|(table, count)| (table.clone(), if table.as_str() == "notes" { 0 } else { *count }))
        .collect();
    let all =
        |table: &str| attack.carol.query(&format!("SELECT id FROM {table} WHERE user_id = '{other}' ORDER BY id"));
    let untouched = ["people", "jobs", "organizations", "media", "profiles"];
    let before = untouched.map(all);
    let replaced = attack.import(&entries, &metadata, "replace");
    let emptied = replaced.stderr.contains("organization_id") || replaced.text().contains("organization_id");
    assert!(replaced.code == 0 && emptied, "{} {}", replaced.text(), replaced.stderr);
    assert_eq!(untouched.map(all), before);
    assert!(all("notes").is_empty(), "the archive has the table, and nothing in it");
}
