//! A person's archive: all of theirs, nothing of anybody else's, the same for every reader, and sealed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use waybill::seal::FileVerifier;
use waybill::server::profile::builtin::carol::SampleSpec;

use super::{Archive, Carol, numbers, verify};

const CAROL: &str = "carol@sample.test";

fn small() -> SampleSpec {
    SampleSpec { users: 3, people: 12, seed: 1 }
}

#[test]
fn an_archive_has_everything_of_its_person_and_nothing_of_anybody_else() {
    for carol in [Carol::new(&small()), Carol::in_postgres(&small())] {
        let user = carol.user(CAROL);
        let archive = carol.archive(&user);
        let manifest = archive.yaml("manifest.yaml");
        assert_eq!((&manifest["formatVersion"], &manifest["appVersion"]), (&json!(1), &json!("3.1")));
        assert_eq!(manifest["missingMedia"], json!([]));
        let counts = numbers(&manifest["counts"]);
        assert_eq!(counts.len(), 20);
        for (entity, count) in &counts {
            let table = snake_case(entity);
            let found = carol.query(&format!("SELECT count(*) FROM {table} WHERE user_id = '{user}'"));
            assert_eq!(found, [count.to_string()], "{table}");
        }
        assert_eq!(counts.values().sum::<u64>(), verify(&archive.tar).unwrap().records);

        let text = archive.text();
        assert!(text.contains("of-user-0-only"));
        for foreign in ["of-user-1-only", "of-user-2-only", "secret-", "mehmet@", &user, "argon2", "192.0.2.7"] {
            // The account is named in the seal, as what was asked for.
            let without_seal = text.split("\nwaybill.json\n").next().unwrap();
            assert!(!without_seal.contains(foreign), "{foreign}");
        }
        for id in carol.query(&format!("SELECT id FROM people WHERE user_id <> '{user}'")) {
            assert!(!text.contains(&id));
        }
    }
}

/// `skillSections` becomes `skill_sections`.
fn snake_case(key: &str) -> String {
    let letters = key.chars().flat_map(|letter| {
        let underscore = letter.is_uppercase().then_some('_');
        underscore.into_iter().chain(letter.to_lowercase())
    });
    letters.collect()
}

#[test]
fn children_are_nested_under_their_record_and_texts_are_those_of_the_database() {
    for carol in [Carol::new(&small()), Carol::in_postgres(&small())] {
        let user = carol.user(CAROL);
        let archive = carol.archive(&user);
        let sections = archive.yaml("skill-sections.yaml");
        let mut names = BTreeSet::new();
        for (section, fields) in sections.as_object().unwrap() {
            for (skill, fields) in fields["skills"].as_object().unwrap() {
                let own = carol.query(&format!("SELECT section_id FROM skills WHERE id = '{skill}'"));
                assert_eq!(own, std::slice::from_ref(section));
                names.insert(fields["name"].as_str().unwrap().to_owned());
            }
        }
        let expected = carol.query(&format!("SELECT name FROM skills WHERE user_id = '{user}'"));
        assert_eq!(names, expected.into_iter().collect());
        assert!(names.contains("no") && names.contains("1e5") && names.contains("2024-01-01"));
        let years = carol
            .query(&format!("SELECT years FROM skills WHERE user_id = '{user}' AND years IS NOT NULL ORDER BY id"));
        let mut found: Vec<(String, String)> = sections
            .as_object()
            .unwrap()
            .values()
            .flat_map(|section| section["skills"].as_object().unwrap())
            .filter_map(|(id, skill)| Some((id.clone(), skill["years"].as_str()?.to_owned())))
            .collect();
        found.sort();
        assert_eq!(found.into_iter().map(|(_, years)| years).collect::<Vec<_>>(), years);

        for (id, note) in archive.yaml("notes.yaml").as_object().unwrap() {
            let to_json = if carol.url().starts_with("sqlite") { "json_quote" } else { "to_json" };
            let encoded = carol.query(&format!("SELECT {to_json}(body) FROM notes WHERE id = '{id}'"));
            assert_eq!(note["body"], serde_json::from_str::<Value>(&encoded[0]).unwrap());
        }
        for (id, project) in archive.yaml("projects.yaml").as_object().unwrap() {
            let contribution = project["contributions"].as_object().unwrap().values().next().unwrap();
            let skills = carol.query(&format!("SELECT skill_ids FROM contributions WHERE project_id = '{id}'"));
            assert_eq!(contribution["skillIds"], serde_json::from_str::<Value>(&skills[0]).unwrap());
        }
        // Records without a key of their own are a list.
        let people = archive.yaml("people.yaml");
        let tags: usize = people.as_object().unwrap().values().map(|it| it["tags"].as_array().unwrap().len()).sum();
        assert_eq!(
            tags.to_string(),
            carol.query(&format!("SELECT count(*) FROM person_tags WHERE user_id = '{user}'"))[0]
        );
    }
}

#[test]
fn the_files_are_those_of_the_blob_folder_under_the_paths_that_records_and_notes_have() {
    let carol = Carol::new(&small());
    let archive = carol.archive(&carol.user(CAROL));
    let media = archive.yaml("media.yaml");
    assert_eq!(media.as_object().unwrap().len(), 4);
    for (id, medium) in media.as_object().unwrap() {
        let key = carol.query(&format!("SELECT storage_key FROM media WHERE id = '{id}'")).remove(0);
        let content = archive.file(medium["path"].as_str().unwrap());
        assert_eq!(content, std::fs::read(carol.media().join(&key)).unwrap());
        assert_eq!(medium["sha256"], hex::encode(Sha256::digest(content)));
        assert_eq!(medium.get("storageKey"), None, "a name of the server's files");
    }
    let mut in_notes = 0;
    for note in archive.yaml("notes.yaml").as_object().unwrap().values() {
        if let Some((_, rest)) = note["body"].as_str().unwrap().split_once("](media/") {
            archive.file(&format!("media/{}", rest.split(')').next().unwrap()));
            in_notes += 1;
        }
    }
    assert!(in_notes > 0);
}

#[test]
fn every_reader_of_yaml_and_tar_takes_it_for_the_same() {
    let carol = Carol::new(&small());
    let archive = carol.archive(&carol.user(CAROL));
    // PyYAML reads YAML 1.1, where `no`, `1_000` and `12:30:45` are no texts unless they are quoted.
    let script = "
import sys, io, json, tarfile, yaml
archive = tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()))
print(json.dumps({entry.name: yaml.safe_load(archive.extractfile(entry).read()) for entry in archive if entry.name.endswith('.yaml')}))
";
    let agreed: BTreeMap<String, Value> =
        serde_json::from_slice(&pipe("python3", &["-c", script], &archive.tar)).unwrap();
    let expected = archive.entries.iter().filter(|(name, _)| name.contains(".yaml"));
    let expected: BTreeMap<String, Value> = expected.map(|(name, _)| (name.clone(), archive.yaml(name))).collect();
    assert_eq!(agreed, expected);
    assert_eq!(expected.len(), 10);

    let listed = String::from_utf8(pipe("tar", &["tf", "-"], &archive.tar)).unwrap();
    let names: Vec<&str> = archive.entries.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(listed.lines().collect::<Vec<_>>(), names);
    assert_eq!((names[0], names[names.len() - 1]), ("manifest.yaml", "waybill.json"));
}

fn pipe(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn the_same_data_gives_the_same_bytes_but_for_the_time() {
    let carol = Carol::new(&small());
    let user = carol.user(CAROL);
    let [first, second] = [carol.archive(&user), carol.archive(&user)];
    for ((name, one), (_, other)) in first.entries.iter().zip(&second.entries) {
        if !matches!(name.as_str(), "manifest.yaml" | "waybill.json") {
            assert_eq!(one, other, "{name}");
        }
    }
}

#[test]
fn a_cut_or_altered_archive_is_refused() {
    let carol = Carol::new(&SampleSpec { users: 3, people: 2, seed: 1 });
    let user = carol.user(CAROL);
    let Archive { tar, .. } = carol.archive(&user);
    let sealed = verify(&tar).unwrap();
    for cut in (0..tar.len()).step_by(97) {
        assert!(verify(&tar[..cut]).is_err(), "cut at {cut}");
    }
    for at in (0..tar.len()).step_by(41) {
        let mut altered = tar.clone();
        altered[at] ^= 1;
        // The signature is compared with the key by whoever has one.
        assert!(verify(&altered).map_or(true, |found| found.signature != sealed.signature), "byte {at}");
    }
    assert!(verify(&[&tar[..], &[0]].concat()).is_err(), "one more byte");
    assert!(verify(&[&tar[..], &tar[..]].concat()).is_err(), "twice");

    // Whole entries: left out, twice, and in another order.
    let starts = entry_starts(&tar);
    let entry = |nth: usize| &tar[starts[nth]..starts[nth + 1]];
    let rest = |from: usize| &tar[starts[from]..];
    for (what, archive) in [
        ("left out", [entry(0), rest(2)].concat()),
        ("twice", [entry(0), entry(1), rest(1)].concat()),
        ("swapped", [entry(0), entry(2), entry(1), rest(3)].concat()),
        ("without a seal", [&tar[..starts[starts.len() - 2]], &[0; 1024]].concat()),
    ] {
        assert!(verify(&archive).is_err(), "{what}");
    }

    // The same on the command line, where it is compressed.
    carol.export(&user, "whole.tar.gz");
    let path = carol.folder.path().join("whole.tar.gz");
    let whole = std::fs::read(&path).unwrap();
    let said = carol.run(&["verify", "whole.tar.gz"]);
    assert!(said.code == 0 && said.text().starts_with("unaltered: "), "{}{}", said.text(), said.stderr);
    for cut in [1, 20, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        assert_eq!(carol.run(&["verify", "whole.tar.gz"]).code, 4, "cut at {cut}");
    }
}

#[test]
fn an_archive_is_verified_in_pieces_of_any_size_and_nothing_random_passes_for_it() {
    let carol = Carol::new(&SampleSpec { users: 3, people: 1, seed: 1 });
    let Archive { tar, .. } = carol.archive(&carol.user(CAROL));
    let whole = verify(&tar).unwrap();
    let mut runner = TestRunner::new(Config { cases: 60, ..Config::default() });
    let pieces = (1..2_000_usize, 1..2_000_usize);
    runner
        .run(&pieces, |(one, other)| {
            let mut verifier = FileVerifier::default();
            let (mut rest, mut sizes) = (&tar[..], [one, other].into_iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(sizes.next().unwrap_or(1).min(rest.len()));
                verifier.feed(piece).unwrap();
                rest = after;
            }
            prop_assert_eq!(verifier.finish().unwrap(), whole.clone());
            Ok(())
        })
        .unwrap();
    // Whole blocks that are moved, repeated, emptied or random.
    let blocks = tar.len() / 512;
    let changes = (0..blocks, 0..blocks, 0..4_u8, any::<[u8; 32]>());
    runner
        .run(&changes, |(from, to, kind, bytes)| {
            let mut altered = tar.clone();
            let block = tar[from * 512..(from + 1) * 512].to_vec();
            let place = to * 512..(to + 1) * 512;
            match kind {
                0 => altered[place].copy_from_slice(&block),
                1 => drop(altered.splice(place.start..place.start, block)),
                2 => altered[place].fill(0),
                _ => altered[place].copy_from_slice(&bytes.repeat(16)),
            }
            if altered != tar {
                let found = verify(&altered);
                prop_assert!(found.is_err() || found.unwrap().signature != whole.signature);
            }
            Ok(())
        })
        .unwrap();
}

/// Where each entry begins, and where the last one ends.
fn entry_starts(tar: &[u8]) -> Vec<usize> {
    let mut archive = tar::Archive::new(tar);
    let mut starts: Vec<usize> = Vec::new();
    let mut end = 0;
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        starts.push(usize::try_from(entry.raw_header_position()).unwrap());
        let size = usize::try_from(entry.size()).unwrap();
        end = usize::try_from(entry.raw_file_position()).unwrap() + size.next_multiple_of(512);
    }
    starts.push(end);
    starts
}

#[test]
fn the_version_of_the_application_is_what_the_database_says() {
    let carol = Carol::new(&SampleSpec { users: 3, people: 0, seed: 1 });
    let (url, user, media) = (carol.url(), carol.user(CAROL), carol.media().display().to_string());
    let version = |more: &[&str]| {
        let asked = ["export", "--source", &url, "--profile", "carol", "--person", &user, "--layout", "carol"];
        let ended = carol.run(&[&asked[..], &["--media", &media, "--output", "-"], more].concat());
        Archive::of(&ended.stdout).yaml("manifest.yaml")["appVersion"].as_str().unwrap().to_owned()
    };
    assert_eq!(version(&[]), "unknown");
    assert_eq!(version(&["--app-version", "no"]), "no");
}

#[test]
fn a_missing_file_is_a_gap_that_is_told_and_links_are_not_followed() {
    let carol = Carol::new(&small());
    let user = carol.user(CAROL);
    let keys = carol.query(&format!("SELECT storage_key FROM media WHERE user_id = '{user}' ORDER BY id"));
    let ids = carol.query(&format!("SELECT id FROM media WHERE user_id = '{user}' ORDER BY id"));
    let file = |nth: usize| carol.media().join(&keys[nth]);
    std::fs::remove_file(file(0)).unwrap();
    std::fs::write(file(1), "another one").unwrap();
    std::fs::rename(file(2), carol.folder.path().join("moved")).unwrap();
    symlink(carol.folder.path().join("moved"), file(2)).unwrap();
    carol.execute(&format!("UPDATE media SET storage_key = '../people.db' WHERE id = '{}'", ids[3]));

    let ended = carol.export(&user, "gaps.tar.gz");
    assert_eq!(ended.code, 6, "{}", ended.stderr);
    assert!(ended.stderr.contains("complete, with 4 gaps"), "{}", ended.stderr);
    let archive = Archive::read(&carol.folder.path().join("gaps.tar.gz"));
    verify(&archive.tar).unwrap();
    assert_eq!(ended.stderr.matches("photo.png").count(), 3, "by the names that people know: {}", ended.stderr);
    let reasons = ["missing", "not the file that its record describes", "not readable", "not readable"];
    let missing = archive.yaml("manifest.yaml")["missingMedia"].clone();
    let said: Vec<(&str, &str)> = missing
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["id"].as_str().unwrap(), it["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(said, ids.iter().map(String::as_str).zip(reasons).collect::<Vec<_>>());
    assert!(archive.entries.iter().all(|(name, _)| !name.starts_with("media/")));
    assert!(!archive.text().contains("SQLite format 3"));
    let said = carol.run(&["verify", "gaps.tar.gz"]);
    assert!(said.code == 0 && said.text().contains(", without 4 files that could not be exported"), "{}", said.text());
}

#[test]
fn media_whose_ids_name_nothing_are_gaps_and_no_entry_is_there_twice() {
    let carol = Carol::new(&small());
    let user = carol.user(CAROL);
    carol.execute(&format!(
        "PRAGMA foreign_keys = OFF; UPDATE media SET id = CAST(id AS BLOB) WHERE user_id = '{user}';
         UPDATE profiles SET photo_media_id = NULL; UPDATE organizations SET logo_media_id = NULL;
         UPDATE projects SET cover_media_id = NULL; UPDATE people SET photo_media_id = NULL"
    ));
    let ended = carol.export(&user, "blobs.tar.gz");
    assert!(ended.code == 6 && ended.stderr.contains("with 4 gaps"), "{}", ended.stderr);
    assert_eq!(carol.run(&["verify", "blobs.tar.gz"]).code, 0);
}

#[test]
fn an_archive_that_was_unpacked_is_verified_as_a_folder() {
    let carol = Carol::new(&small());
    assert_eq!(carol.export(&carol.user(CAROL), "whole.tar.gz").code, 0);
    let folder = carol.folder.path().join("unpacked");
    std::fs::create_dir(&folder).unwrap();
    let archive = std::fs::read(carol.folder.path().join("whole.tar.gz")).unwrap();
    pipe("tar", &["xzf", "-", "-C", folder.to_str().unwrap()], &archive);
    let verify = || carol.run(&["verify", "unpacked"]);
    let said = verify();
    assert!(said.code == 0 && said.text().starts_with("unaltered: "), "{}{}", said.text(), said.stderr);
    std::fs::write(folder.join("media/more.png"), "x").unwrap();
    assert!(verify().stderr.contains("media/more.png is not listed in the seal"));
    std::fs::remove_file(folder.join("media/more.png")).unwrap();
    let medium = std::fs::read_dir(folder.join("media")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&medium, "other").unwrap();
    assert_eq!(verify().code, 4);
}

#[test]
fn whoever_opens_an_archive_is_told_what_it_is() {
    let carol = Carol::new(&small());
    let archive = carol.archive(&carol.user(CAROL));
    let readme = std::str::from_utf8(archive.file("README.txt")).unwrap();
    // Each key that leads to another record is explained.
    for (name, content) in archive.entries.iter().filter(|(name, _)| name.contains(".yaml")) {
        let text = std::str::from_utf8(content).unwrap();
        let keys = text.lines().filter_map(|line| line.trim_start().split_once(':')).map(|(key, _)| key);
        for key in keys.filter(|key| key.ends_with("Id") || key.ends_with("Ids")) {
            assert!(readme.contains(key), "{key} of {name}");
        }
    }
}

#[test]
fn no_profile_lets_anything_of_others_into_a_persons_export() {
    let carol = Carol::new(&small());
    let (user, other) = (carol.user(CAROL), carol.user("mehmet@sample.test"));
    let victim = carol.query(&format!("SELECT id FROM people WHERE user_id = '{other}' ORDER BY id")).remove(0);
    // What people can write themselves: a reference to a record of somebody else.
    carol.execute(&format!("UPDATE people SET introduced_by_id = '{victim}' WHERE user_id = '{user}'"));
    carol.execute(&format!("UPDATE people SET given_name = 'VICTIM' WHERE id = '{victim}'"));
    carol.execute("ALTER TABLE users ADD COLUMN manager_id TEXT REFERENCES users (id)");
    carol.execute(&format!("UPDATE users SET manager_id = '{user}' WHERE id = '{other}'"));
    let built_in = include_str!("../../server/profile/builtin/carol/profile.toml");
    let widened = |from: &str, to: &str| {
        assert!(built_in.contains(from), "{from}");
        built_in.replace(from, to).replace("password_hash = {", "manager_id = \"plain\"\npassword_hash = {")
    };
    let (users, people) = ("[tables.users]\n", "[tables.people]\n");
    let notes = "[tables.notes]\nowned_by = [\"user_id\"]\n";
    for (what, profile) in [
        ("as it is", widened(users, users)),
        ("owned accounts", widened(users, &format!("{users}owned_by = [\"manager_id\"]\n"))),
        ("shared", widened(people, &format!("{people}shared = \"people.introduced_by_id\"\n"))),
        (
            "a stub",
            widened("default = \"null\"\n", "default = \"null\"\n\"people.introduced_by_id\" = \"stub(given_name)\"\n"),
        ),
        ("whole", widened(notes, "[tables.notes]\nwhole = true\n")),
    ] {
        std::fs::write(carol.folder.path().join("wide.toml"), profile).unwrap();
        let url = carol.url();
        let asked = ["--profile", "wide.toml", "--person", &user, "--force", "--output", "out.json"];
        let ended = carol.run(&[&["export", "--source", &url], &asked[..]].concat());
        assert_eq!(ended.code, 0, "{what}: {}", ended.stderr);
        let text = std::fs::read_to_string(carol.folder.path().join("out.json")).unwrap();
        assert!(text.contains("of-user-0-only"), "{what}");
        for foreign in ["VICTIM", "of-user-1-only", &victim, &other] {
            assert!(!text.contains(foreign), "{what}: {foreign}");
        }
    }
}

#[test]
fn what_cannot_be_an_archive_is_refused_in_words() {
    let carol = Carol::new(&SampleSpec { users: 3, people: 0, seed: 1 });
    let (url, user) = (carol.url(), carol.user(CAROL));
    let media = carol.media().display().to_string();
    symlink(carol.media(), carol.folder.path().join("link")).unwrap();
    let run = |more: &[&str]| {
        let named = if more.contains(&"--layout") { "x.tar.gz" } else { "x.json" };
        let output: &[&str] = if more.contains(&"--output") { &[] } else { &["--output", named] };
        carol.run(&[&["export", "--source", &url, "--profile", "carol"], output, more].concat())
    };
    for (arguments, says) in [
        (&["--layout", "carol"][..], "one person: add --person ID"),
        (&["--layout", "carol", "--person", "nobody", "--media", &media], "no person has the id `nobody`"),
        (&["--layout", "carol", "--person", &user], "name their folder with --media"),
        (&["--layout", "carol", "--person", &user, "--media", "none"], "none: the folder"),
        (&["--layout", "carol", "--person", &user, "--media", "link"], "no link to one"),
        (
            &["--person", &user, "--output", "x.tar.gz"],
            "one JSON document: end its name with .json, .json.gz or .json.zst",
        ),
        (&["--person", &user, "--organization", "x"], "cannot be used with"),
        (&["--person", ""], "--person needs the id of a person"),
        (&["--person", " "], "--person needs the id of a person"),
        (&["--organization", "x"], "add [scopes.organization]"),
        (
            &["--layout", "carol", "--person", &user, "--media", &media, "--output", "x.zip"],
            "ends with .tar.gz or .tgz",
        ),
        (
            &["--layout", "carol", "--person", &user, "--media", &media, "--output", "x.json"],
            "ends with .tar.gz or .tgz",
        ),
        (&["--layout", "carol", "--person", &user, "--media", &media, "--app-version", ""], "a value is required"),
        (
            &["--person", &user, "--tables", "sessions"],
            "sessions is never in a person's export: private to this installation",
        ),
    ] {
        let refused = run(arguments);
        assert!(refused.code != 0 && refused.stderr.contains(says), "{arguments:?}: {}", refused.stderr);
        let made = ["x.tar.gz", "x.json"].map(|name| carol.folder.path().join(name).exists());
        assert_eq!(made, [false; 2], "{arguments:?}");
    }
    // An account without anything has an archive, too.
    let archive = carol.archive(&user);
    assert_eq!(archive.file("people.yaml"), b"{}\n");
}

#[test]
fn a_record_that_is_partly_somebody_elses_stays_home() {
    for carol in [Carol::new(&small()), Carol::in_postgres(&small())] {
        let (user, other) = (carol.user(CAROL), carol.user("mehmet@sample.test"));
        // A contact of one's own at a person of somebody else's, and a reference to one.
        let theirs = carol.query(&format!("SELECT id FROM people WHERE user_id = '{other}' ORDER BY id")).remove(0);
        carol.execute(&format!(
            "INSERT INTO person_contacts VALUES ('x', '{user}', '{theirs}', 'email', 'a@b', '2026-01-01', '2026-01-01');
             UPDATE people SET introduced_by_id = '{theirs}' WHERE user_id = '{user}'"
        ));
        let archive = carol.archive(&user);
        assert!(!archive.text().contains(&theirs));
        let people = archive.yaml("people.yaml");
        assert!(people.as_object().unwrap().values().all(|person| person["introducedById"].is_null()));
    }
}
