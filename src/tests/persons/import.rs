//! A person's archive comes back: into the same account, or into another one; nobody else's records change.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use waybill::server::profile::builtin::carol::SampleSpec;

use super::{Archive, Carol};

const CAROL: &str = "carol@sample.test";

fn both(spec: &SampleSpec) -> [Carol; 2] {
    [Carol::new(spec), Carol::in_postgres(spec)]
}

fn small() -> SampleSpec {
    SampleSpec { users: 3, people: 12, seed: 1 }
}

/// Somebody else.
fn other(carol: &Carol) -> String {
    carol.query(&format!("SELECT id FROM users WHERE email <> '{CAROL}' ORDER BY id")).remove(0)
}

/// What an archive says, but for when it was made, by the names of its entries. Files are in the order of the database's rows.
fn documents(archive: &Archive) -> BTreeMap<String, String> {
    let is_content = |name: &str| !matches!(name, "manifest.yaml" | "waybill.json");
    let entries = archive.entries.iter().filter(|(name, _)| is_content(name));
    let text = |content: &[u8]| String::from_utf8(content.to_vec()).unwrap_or_else(|_| hex::encode(content));
    entries.map(|(name, content)| (name.clone(), text(content))).collect()
}

fn report(carol: &Carol, person: &str, mode: &str, options: &[&str]) -> Value {
    let imported = carol.import("own.tar.gz", person, mode, &[options, &["--json"]].concat());
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    serde_json::from_slice(&imported.stdout).unwrap()
}

/// Created, updated and unchanged records.
fn sums(report: &Value) -> [u64; 3] {
    let tables = report["tables"].as_array().unwrap();
    ["created", "updated", "unchanged"].map(|what| tables.iter().map(|table| table[what].as_u64().unwrap()).sum())
}

fn export(carol: &Carol, person: &str) -> Archive {
    assert_eq!(carol.export(person, "own.tar.gz").code, 0);
    Archive::read(&carol.folder.path().join("own.tar.gz"))
}

/// The tables of an archive, children before their parents.
pub const TABLES: [&str; 20] = [
    "person_tags",
    "person_relations",
    "person_dates",
    "person_notes",
    "person_contacts",
    "organization_key_people",
    "organization_links",
    "contributions",
    "positions",
    "profile_contacts",
    "skills",
    "notes",
    "projects",
    "jobs",
    "education",
    "profiles",
    "skill_sections",
    "people",
    "organizations",
    "media",
];

pub fn delete_all(carol: &Carol, person: &str) {
    carol.execute(&format!(
        "UPDATE organizations SET primary_person_id = NULL, parent_id = NULL WHERE user_id = '{person}'"
    ));
    for table in TABLES {
        carol.execute(&format!("DELETE FROM {table} WHERE user_id = '{person}'"));
    }
}

#[test]
fn what_was_lost_comes_back_with_its_ids_and_files_and_nothing_else_changes() {
    for carol in both(&small()) {
        let (user, other) = (carol.user(CAROL), other(&carol));
        let (before, of_other) = (export(&carol, &user), documents(&carol.archive(&other)));
        let all =
            before.yaml("manifest.yaml")["counts"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        let settings = carol.query("SELECT count(*) FROM settings");
        delete_all(&carol, &user);
        assert_eq!(sums(&report(&carol, &user, "merge", &["--dry-run"])), [all, 0, 0]);
        assert_eq!(carol.query(&format!("SELECT count(*) FROM people WHERE user_id = '{user}'")), ["0"]);
        assert!(!carol.media().join("imports").exists(), "a dry run writes no file");

        assert_eq!(sums(&report(&carol, &user, "merge", &[])), [all, 0, 0]);
        let after = documents(&carol.archive(&user));
        for (name, text) in documents(&before) {
            assert_eq!(after.get(&name), Some(&text), "{name}");
        }
        assert_eq!(documents(&carol.archive(&other)), of_other);
        assert_eq!(carol.query("SELECT count(*) FROM settings"), settings);
        let files = std::fs::read_dir(carol.media().join("imports")).unwrap().count();
        assert_eq!(files, 1, "the folder of one import");

        assert_eq!(sums(&report(&carol, &user, "merge", &[])), [0, 0, all], "twice is once");
        assert_eq!(std::fs::read_dir(carol.media().join("imports")).unwrap().count(), 1);
    }
}

#[test]
fn a_merge_updates_what_is_older_and_leaves_what_was_changed_since() {
    for carol in both(&small()) {
        let user = carol.user(CAROL);
        let people = carol.query(&format!("SELECT id FROM people WHERE user_id = '{user}' ORDER BY id"));
        let name = |id: &str| carol.query(&format!("SELECT given_name FROM people WHERE id = '{id}'")).remove(0);
        let (older, newer) = (&people[0], &people[1]);
        let before = name(older);
        export(&carol, &user);
        carol.execute(&format!("UPDATE people SET given_name = 'changed' WHERE id IN ('{older}', '{newer}')"));
        carol.execute(&format!("UPDATE people SET updated_at = '2999-01-01T00:00:00Z' WHERE id = '{newer}'"));
        let merged = report(&carol, &user, "merge", &[]);
        assert_eq!(sums(&merged)[..2], [0, 1]);
        assert_eq!((name(older), name(newer)), (before, "changed".to_owned()));
        assert!(
            merged["notes"].to_string().contains("1 record of people changed here since the file was made"),
            "{merged}"
        );
    }
}

#[test]
fn somebody_elses_archive_becomes_the_importers_and_tells_nothing_about_its_owner() {
    for carol in both(&small()) {
        let (user, other) = (carol.user(CAROL), other(&carol));
        let own = export(&carol, &user);
        delete_all(&carol, &other);
        let there = carol.import("own.tar.gz", &other, "merge", &["--dry-run"]);
        assert_eq!(documents(&carol.archive(&user)), documents(&own), "its owner's records are as they were");
        // The same archive, once none of its ids is anybody's.
        delete_all(&carol, &user);
        let gone = carol.import("own.tar.gz", &other, "merge", &["--dry-run"]);
        let without_time =
            |text: String| text.lines().filter(|line| !line.contains(" s")).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!((there.code, without_time(there.text())), (gone.code, without_time(gone.text())));

        let created = sums(&report(&carol, &other, "merge", &[]));
        let theirs = carol.archive(&other);
        let text = theirs.text();
        for (id, _) in own.yaml("people.yaml").as_object().unwrap() {
            assert!(!text.contains(id), "no id of the archive is used");
        }
        for (name, lines) in without_ids(&own) {
            assert_eq!(without_ids(&theirs)[&name], lines, "{name}");
        }
        assert_eq!(sums(&report(&carol, &other, "merge", &[])), [0, 0, created[0]], "twice is once");
    }
}

/// The documents, in which each id is the number of the first place where it stands.
fn without_ids(archive: &Archive) -> BTreeMap<String, Vec<String>> {
    let mut known = BTreeSet::new();
    for (_, content) in &archive.entries {
        known.extend(ids(&String::from_utf8_lossy(content)));
    }
    let documents = documents(archive).into_iter().filter(|(name, _)| name.contains(".yaml"));
    let lines = documents.map(|(name, content)| {
        let mut text = content;
        for id in ids(&text) {
            text = text.replace(&id, "ID");
        }
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        (name, lines)
    });
    lines.collect()
}

fn ids(text: &str) -> BTreeSet<String> {
    let is_id = |word: &str| word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4;
    let words = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    words.filter(|word| is_id(word)).map(str::to_owned).collect()
}

#[test]
fn copies_are_new_every_time_and_refer_to_each_other_only() {
    for carol in both(&small()) {
        let (user, other) = (carol.user(CAROL), other(&carol));
        let (before, of_other) = (export(&carol, &user), documents(&carol.archive(&other)));
        let people =
            |carol: &Carol| carol.query(&format!("SELECT id FROM people WHERE user_id = '{user}' ORDER BY id"));
        let first = people(&carol);
        for times in 2..=3 {
            let map = format!("ids-{times}.csv");
            let copied = report(&carol, &user, "copy", &["--id-map", &map]);
            assert_eq!(people(&carol).len(), first.len() * times);
            assert_eq!(sums(&copied)[1], 0);
            let map = std::fs::read_to_string(carol.folder.path().join(map)).unwrap();
            assert!(map.starts_with("table,archive_id,new_id\n"));
            assert_eq!(map.matches("\npeople,").count(), first.len());
        }
        // A profile is there once; names that a person can have once have a number.
        assert_eq!(carol.query(&format!("SELECT count(*) FROM profiles WHERE user_id = '{user}'")), ["1"]);
        let named =
            carol.query(&format!("SELECT count(*) FROM organizations WHERE user_id = '{user}' AND name LIKE '% (3)'"));
        let organizations = before.yaml("organizations.yaml").as_object().unwrap().len();
        assert_eq!(named, [organizations.to_string()]);

        let after = carol.archive(&user);
        let (old, all) = (ids(&before.text()), after.yaml("people.yaml"));
        let of_first = |id: &str| first.iter().any(|first| first == id);
        for (id, person) in all.as_object().unwrap().iter().filter(|(id, _)| !of_first(id)) {
            for referred in ids(&person.to_string()) {
                assert!(!old.contains(&referred), "{id} is a copy and refers to {referred}");
            }
        }
        let notes = after.yaml("notes.yaml");
        let copies: Vec<&Value> =
            notes.as_object().unwrap().iter().filter(|(id, _)| !old.contains(*id)).map(|(_, note)| note).collect();
        assert!(copies.iter().any(|note| note["body"].as_str().unwrap().contains("media/")));
        for note in copies {
            assert!(ids(&note.to_string()).is_disjoint(&old), "{note}");
        }
        for project in after.yaml("projects.yaml").as_object().unwrap().values() {
            let contributions = project["contributions"].as_object().unwrap();
            let skills = after.yaml("skill-sections.yaml").to_string();
            for id in contributions.values().flat_map(|it| it["skillIds"].as_array().unwrap()) {
                assert!(skills.contains(id.as_str().unwrap()), "{id}");
            }
        }
        let media = |archive: &Archive| archive.entries.iter().filter(|(name, _)| name.starts_with("media/")).count();
        assert_eq!(media(&after), 3 * media(&before));
        assert_eq!(documents(&carol.archive(&other)), of_other);
    }
}

#[test]
fn after_an_undo_all_is_as_it_was_and_the_files_are_gone_with_the_next_import() {
    for carol in both(&small()) {
        let user = carol.user(CAROL);
        let before = export(&carol, &user);
        carol.execute(&format!("UPDATE people SET nickname = 'changed' WHERE user_id = '{user}'"));
        carol.execute(&format!("DELETE FROM notes WHERE user_id = '{user}'"));
        let changed = documents(&carol.archive(&user));
        for mode in ["merge", "copy"] {
            let id = report(&carol, &user, mode, &[])["undo"].as_str().unwrap().to_owned();
            assert_ne!(documents(&carol.archive(&user)), changed, "{mode}");
            let undone = carol.run(&["import", "undo", &id, "--target", &carol.url()]);
            assert_eq!(undone.code, 0, "{}", undone.stderr);
            assert_eq!(documents(&carol.archive(&user)), changed, "{mode}");
        }
        // A merge needs no new file here; the files of the copy are nobody's any more.
        report(&carol, &user, "merge", &[]);
        assert_eq!(documents(&carol.archive(&user)), documents(&before));
        let left: Vec<_> =
            std::fs::read_dir(carol.media().join("imports")).map_or_else(|_| Vec::new(), Iterator::collect);
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Changes what somebody has in every way: something is new, changed, moved, and gone.
fn change(carol: &Carol, user: &str) {
    let of_user = |sql: &str| carol.execute(&sql.replace("USER", &format!("'{user}'")));
    of_user("UPDATE people SET nickname = 'changed', updated_at = '2999-01-01T00:00:00Z' WHERE user_id = USER");
    of_user("DELETE FROM person_notes WHERE user_id = USER");
    of_user("DELETE FROM notes WHERE user_id = USER");
    of_user("DELETE FROM organization_links WHERE user_id = USER");
    let organization =
        carol.query(&format!("SELECT id FROM organizations WHERE user_id = '{user}' ORDER BY id"))[0].clone();
    // One that has the name of another one, which has a new one now: both are in the archive under their ids.
    of_user(&format!("UPDATE organizations SET name = name || ' (old)' WHERE id = '{organization}'"));
    of_user(
        "INSERT INTO organizations (id, user_id, name, created_at, updated_at)
         VALUES ('01990000-0000-7000-8000-000000000001', USER, 'Only here', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')",
    );
    of_user("UPDATE people SET organization_id = '01990000-0000-7000-8000-000000000001' WHERE user_id = USER");
    of_user(
        "INSERT INTO notes (id, user_id, body, pinned, created_at, updated_at) VALUES
         ('01990000-0000-7000-8000-000000000002', USER, 'Only here', FALSE, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')",
    );
}

#[test]
fn a_replacement_leaves_what_the_archive_has_and_its_undo_what_was_there_before() {
    for carol in both(&small()) {
        let (user, other) = (carol.user(CAROL), other(&carol));
        let (before, of_other) = (export(&carol, &user), documents(&carol.archive(&other)));
        let settings = carol.query("SELECT count(*) FROM settings");
        change(&carol, &user);
        let changed = documents(&carol.archive(&user));

        let planned = report(&carol, &user, "replace", &["--dry-run"]);
        assert_eq!(documents(&carol.archive(&user)), changed, "a dry run writes nothing");
        let removed: u64 =
            planned["tables"].as_array().unwrap().iter().map(|table| table["removed"].as_u64().unwrap()).sum();
        assert_eq!(removed, 2, "{planned}");
        let plan = planned["plan"].as_str().unwrap();
        let done = report(&carol, &user, "replace", &["--plan", plan]);
        assert_eq!(done["tables"], planned["tables"]);
        let replaced = documents(&carol.archive(&user));
        for (name, text) in documents(&before) {
            assert_eq!(replaced.get(&name), Some(&text), "{name}");
        }
        assert_eq!(documents(&carol.archive(&other)), of_other);
        assert_eq!(carol.query("SELECT count(*) FROM settings"), settings);
        assert_eq!(sums(&report(&carol, &user, "replace", &["--dry-run"]))[..2], [0, 0], "twice is once");

        let id = done["undo"].as_str().unwrap();
        let undo = |options: &[&str]| carol.run(&[&["import", "undo", id, "--target", &carol.url()], options].concat());
        let planned = undo(&["--dry-run"]);
        assert!(planned.text().contains("2 brought back"), "{} {}", planned.text(), planned.stderr);
        let undone = undo(&[]);
        assert_eq!(undone.code, 0, "{}", undone.stderr);
        let after = documents(&carol.archive(&user));
        for (name, text) in &changed {
            assert_eq!(after.get(name), Some(text), "{name}");
        }
    }
}

#[test]
fn a_replacement_that_would_reach_what_the_archive_does_not_carry_is_refused() {
    for carol in both(&small()) {
        let user = carol.user(CAROL);
        export(&carol, &user);
        change(&carol, &user);
        carol.execute(
            "CREATE TABLE favourites (id TEXT PRIMARY KEY NOT NULL, organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE)",
        );
        carol.execute("INSERT INTO favourites VALUES ('1', '01990000-0000-7000-8000-000000000001')");
        let all = "SELECT name FROM organizations UNION ALL SELECT body FROM notes ORDER BY 1";
        let before = carol.query(all);
        for options in [&["--dry-run"][..], &[]] {
            let refused = carol.import("own.tar.gz", &user, "replace", options);
            assert!(refused.code == 3 && refused.stderr.contains("favourites"), "{} {}", refused.code, refused.stderr);
        }
        assert_eq!(carol.query(all), before);
        assert_eq!(carol.query("SELECT count(*) FROM favourites"), ["1"]);
    }
}

#[test]
fn what_was_used_again_since_stays_when_a_replacement_is_undone() {
    for carol in both(&small()) {
        let user = carol.user(CAROL);
        export(&carol, &user);
        change(&carol, &user);
        let id = report(&carol, &user, "replace", &[])["undo"].as_str().unwrap().to_owned();
        carol.execute(&format!(
            "INSERT INTO notes (id, user_id, body, pinned, created_at, updated_at) VALUES
             ('01990000-0000-7000-8000-000000000002', '{user}', 'Again', FALSE, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')"
        ));
        let undo =
            |options: &[&str]| carol.run(&[&["import", "undo", &id, "--target", &carol.url()], options].concat());
        let refused = undo(&[]);
        assert!(
            refused.code == 3 && refused.stderr.contains("notes (1 record changed or removed"),
            "{}",
            refused.stderr
        );
        let undone = undo(&["--keep-changed"]);
        assert_eq!(undone.code, 0, "{}", undone.stderr);
        assert_eq!(carol.query("SELECT body FROM notes WHERE id = '01990000-0000-7000-8000-000000000002'"), ["Again"]);
        assert_eq!(carol.query("SELECT count(*) FROM organizations WHERE name = 'Only here'"), ["1"]);
    }
}

#[test]
fn files_of_an_import_that_was_killed_go_with_the_next_one_and_nothing_else_does() {
    for carol in both(&small()) {
        let user = carol.user(CAROL);
        export(&carol, &user);
        let imports = carol.media().join("imports");
        let killed = imports.join("01990000000070008000000000000001");
        std::fs::create_dir_all(&killed).unwrap();
        let (orphan, odd) = (killed.join("01990000-0000-7000-8000-00000000000a"), killed.join("notes.txt"));
        let (others, elsewhere) = (imports.join("of the application"), carol.media().join("other"));
        for file in [&orphan, &odd, &others, &elsewhere] {
            std::fs::write(file, "x").unwrap();
        }
        report(&carol, &user, "merge", &["--dry-run"]);
        assert!(orphan.exists(), "a dry run removes nothing");
        report(&carol, &user, "merge", &[]);
        assert!(!orphan.exists());
        assert!([&odd, &others, &elsewhere].iter().all(|file| file.exists()), "what is not ours stays");
    }
}

#[test]
fn a_folder_of_files_that_is_a_link_is_refused() {
    let carol = Carol::new(&small());
    let user = carol.user(CAROL);
    export(&carol, &user);
    std::os::unix::fs::symlink(carol.media(), carol.folder.path().join("link")).unwrap();
    let url = carol.url();
    let refused =
        carol.run(&["import", "own.tar.gz", "--target", &url, "--person", &user, "--media", "link", "--mode", "merge"]);
    assert!(refused.code == 2 && refused.stderr.contains("--media link"), "{} {}", refused.code, refused.stderr);
}

#[test]
fn what_cannot_be_is_refused_in_words_before_anything_is_read() {
    let carol = Carol::new(&small());
    let user = carol.user(CAROL);
    export(&carol, &user);
    for (options, code, says) in [
        (&["--person", &user][..], 2, "choose --mode merge, replace or copy"),
        (&["--mode", "copy"], 4, "a person's archive is, for the person that --person ID names"),
        (&["--mode", "merge"], 4, "for the person that --person ID names"),
        (&["--mode", "merge", "--person", "nobody"], 3, "users has nobody with the id nobody"),
        (&["--mode", "merge", "--person", &user, "--media", "nowhere"], 2, "--media nowhere"),
        (&["--mode", "merge", "--person", &user, "--table", "people"], 2, "cannot be used with"),
    ] {
        let (url, file) = (carol.url(), "own.tar.gz");
        let refused = carol.run(&[&["import", file, "--target", &url], options].concat());
        assert!(
            refused.code == code && refused.stderr.contains(says),
            "{options:?}: {} {}",
            refused.code,
            refused.stderr
        );
    }
}
