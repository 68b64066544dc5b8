//! Imports of archives while somebody else writes to the database, or the disk is full.

use std::cell::RefCell;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use waybill::server::profile::builtin::carol::SampleSpec;

use super::{Archive, Carol};
use crate::harness::{CommandOutput, WaybillCommand};
use crate::postgres::{close_session, other_session};

const CAROL: &str = "carol@sample.test";
const MAX_WAIT: Duration = Duration::from_mins(1);

fn both() -> [Carol; 2] {
    let spec = SampleSpec { users: 3, people: 12, seed: 1 };
    [Carol::new(&spec), Carol::in_postgres(&spec)]
}

/// Everybody, Carol first.
fn users(carol: &Carol) -> Vec<String> {
    carol.query(&format!("SELECT id FROM users ORDER BY email <> '{CAROL}', id"))
}

/// Does something while somebody else has done `sql` and not committed, until `act` calls what it gets.
fn while_others_write<T>(carol: &Carol, sql: &str, act: impl FnOnce(&dyn Fn()) -> T) -> T {
    if let Some(server) = &carol.postgres {
        let begun = format!("BEGIN; LOCK TABLE people IN ROW EXCLUSIVE MODE; {sql}");
        let writer = RefCell::new(Some(other_session(server, &begun)));
        let commit = || {
            if let Some(mut writer) = writer.take() {
                writeln!(writer.stdin.as_mut().unwrap(), "COMMIT;").unwrap();
                close_session(writer);
            }
        };
        let done = act(&commit);
        commit();
        return done;
    }
    let writer = rusqlite::Connection::open(carol.database()).unwrap();
    writer.execute_batch(&format!("BEGIN IMMEDIATE; {sql}")).unwrap();
    act(&|| writer.execute_batch("COMMIT").unwrap())
}

/// The folders of imports with all their files.
fn folders(carol: &Carol) -> Vec<(PathBuf, usize)> {
    let Ok(folders) = std::fs::read_dir(carol.media().join("imports")) else { return Vec::new() };
    let folders = folders.map(|folder| folder.unwrap().path());
    folders.map(|folder| (folder.clone(), std::fs::read_dir(folder).map_or(0, Iterator::count))).collect()
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
fn wait_until(what: &str, is_done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_done() {
        assert!(begun.elapsed() < MAX_WAIT, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Merges an archive of which a file is missing, while somebody else has done `sql`: that is committed once the file is written, for which the
/// import does not wait.
fn merge_before_commit(carol: &Carol, user: &str, sql: &str) -> CommandOutput {
    while_others_write(carol, sql, |commit| {
        std::thread::scope(|scope| {
            let import = scope.spawn(|| carol.import("own.tar.gz", user, "merge", &[]));
            wait_until("its files are written", || folders(carol).iter().any(|(_, files)| *files > 0));
            commit();
            import.join().unwrap()
        })
    })
}

fn sums(imported: &CommandOutput) -> Value {
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    serde_json::from_slice(&imported.stdout).unwrap()
}

#[test]
fn what_is_wrong_with_an_archive_is_told_while_others_write() {
    for carol in both() {
        let user = &users(&carol)[0];
        assert_eq!(carol.export(user, "own.tar.gz").code, 0);
        let refused = while_others_write(&carol, "", |_| carol.import("own.tar.gz", "nobody", "merge", &[]));
        assert!(refused.stderr.contains("users has nobody with the id nobody"), "{}", refused.stderr);
    }
}

#[test]
fn imports_that_wait_for_others_have_written_their_files_and_none_takes_them_for_left_behind() {
    for carol in both() {
        let users = users(&carol);
        let (first, second) = (&users[0], &users[1]);
        for (user, file) in [(first, "first.tar.gz"), (second, "second.tar.gz")] {
            assert_eq!(carol.export(user, file).code, 0);
        }
        let files = |name: &str| {
            let archive = Archive::read(&carol.folder.path().join(name));
            archive.entries.iter().filter(|(name, _)| name.starts_with("media/")).count()
        };
        let expected = [files("first.tar.gz"), files("second.tar.gz")];
        assert!(expected.iter().all(|files| *files > 0), "{expected:?}");
        let import = |file: &str, user: &str| carol.import(file, user, "copy", &["--json"]);
        let imported = while_others_write(&carol, "", |release| {
            std::thread::scope(|scope| {
                let imports = [("first.tar.gz", first), ("second.tar.gz", second)]
                    .map(|(file, user)| scope.spawn(move || import(file, user)));
                wait_until("both have written their files", || {
                    let written: usize = folders(&carol).iter().map(|(_, files)| files).sum();
                    written == expected.iter().sum::<usize>()
                });
                release();
                imports.map(|import| import.join().unwrap())
            })
        });
        for imported in &imported {
            sums(imported);
        }
        let keys = carol.query("SELECT storage_key FROM media WHERE storage_key LIKE 'imports/%'");
        assert_eq!(keys.len(), expected.iter().sum::<usize>());
        assert!(keys.iter().all(|key| carol.media().join(key).is_file()), "{keys:?}");
    }
}

#[test]
fn who_takes_an_id_of_an_archive_while_it_waits_keeps_it_and_nothing_is_imported() {
    for carol in both() {
        let users = users(&carol);
        let user = &users[0];
        assert_eq!(carol.export(user, "own.tar.gz").code, 0);
        let id = carol.query(&format!("SELECT max(id) FROM education WHERE user_id = '{user}'")).remove(0);
        let row = carol.query(&format!("SELECT max(id) FROM education WHERE user_id = '{}'", users[1])).remove(0);
        carol.execute(&format!("DELETE FROM education WHERE user_id = '{user}'"));
        carol.execute(&format!("UPDATE media SET storage_key = 'gone/' || id WHERE user_id = '{user}'"));
        let taken = format!("UPDATE education SET id = '{id}' WHERE id = '{row}'");
        let refused = merge_before_commit(&carol, user, &taken);
        let says = "a record of education has an id that was taken while the file was read: import it again";
        assert!(refused.code == 3 && refused.stderr.contains(says), "{}", refused.stderr);
        assert_eq!(carol.query(&format!("SELECT user_id FROM education WHERE id = '{id}'")), [users[1].clone()]);
        assert_eq!(carol.query(&format!("SELECT count(*) FROM education WHERE user_id = '{user}'")), ["0"]);
        assert_eq!(folders(&carol), []);
        // Once that is known, the record gets another id.
        assert_eq!(carol.import("own.tar.gz", user, "merge", &[]).code, 0);
        assert_ne!(carol.query(&format!("SELECT count(*) FROM education WHERE user_id = '{user}'")), ["0"]);
    }
}

#[test]
fn an_import_that_waits_in_vain_leaves_no_file() {
    let [carol, _] = both();
    let user = &users(&carol)[0];
    assert_eq!(carol.export(user, "own.tar.gz").code, 0);
    let refused = while_others_write(&carol, "", |_| carol.import("own.tar.gz", user, "copy", &[]));
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("locked") && refused.stderr.contains("nothing was imported"), "{}", refused.stderr);
    assert_eq!(folders(&carol), []);
}

#[test]
fn an_import_whose_temporary_files_do_not_fit_says_so_and_leaves_nothing() {
    let carol = Carol::new(&SampleSpec { users: 3, people: 3_000, seed: 1 });
    let user = &users(&carol)[0];
    assert_eq!(carol.export(user, "own.tar.gz").code, 0);
    let (url, media) = (carol.url(), carol.media().display().to_string());
    let import = ["import", "own.tar.gz", "--target", &url, "--person", user, "--media", &media, "--mode", "copy"];
    let people = carol.query("SELECT count(*) FROM people");
    let refused = WaybillCommand::with_file_size_limit(1_000, carol.folder.path()).run(import);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("temporary files cannot be written"), "{}", refused.stderr);
    assert_eq!((carol.query("SELECT count(*) FROM people"), folders(&carol)), (people, Vec::new()));
}

#[test]
fn a_file_that_changes_while_an_archive_waits_is_not_brought_back() {
    for carol in both() {
        let user = &users(&carol)[0];
        assert_eq!(carol.export(user, "own.tar.gz").code, 0);
        let ids = carol.query(&format!("SELECT id FROM media WHERE user_id = '{user}' ORDER BY id"));
        // One file is written, which tells that the import waits; the other one is there.
        carol.execute(&format!("UPDATE media SET storage_key = 'gone/1' WHERE id = '{}'", ids[0]));
        let changed = format!("UPDATE media SET storage_key = 'another' WHERE id = '{}'", ids[1]);
        let refused = merge_before_commit(&carol, user, &changed);
        let says = "a file of the importer's was changed or removed while the archive was read";
        assert!(refused.code == 3 && refused.stderr.contains(says), "{}", refused.stderr);
        assert_eq!(carol.query(&format!("SELECT storage_key FROM media WHERE id = '{}'", ids[1])), ["another"]);
        assert_eq!(folders(&carol), []);
    }
}

#[test]
fn an_undo_while_an_archive_waits_takes_no_file_that_a_record_has_afterwards() {
    for carol in both() {
        let user = &users(&carol)[0];
        assert_eq!(carol.export(user, "own.tar.gz").code, 0);
        let (url, merge) = (carol.url(), |options: &[&str]| carol.import("own.tar.gz", user, "merge", options));
        carol.execute(&format!("UPDATE media SET storage_key = 'gone/' || id WHERE user_id = '{user}'"));
        let earlier: Value = sums(&merge(&["--json", "--policy", "newer"]));
        let earlier = earlier["undo"].as_str().unwrap().to_owned();
        assert!(!folders(&carol).is_empty());
        // Undone once the next one has found the files, and before it commits.
        let undone = while_others_write(&carol, "", |commit| {
            std::thread::scope(|scope| {
                let (import, undo) = (
                    scope.spawn(|| merge(&[])),
                    scope.spawn(|| carol.run(&["import", "undo", &earlier, "--target", &url])),
                );
                commit();
                (import.join().unwrap(), undo.join().unwrap())
            })
        });
        assert!(undone.0.code == 0 || undone.0.stderr.contains("import it again"), "{}", undone.0.stderr);
        let keys = carol.query("SELECT storage_key FROM media WHERE storage_key NOT LIKE 'gone/%'");
        assert!(keys.iter().all(|key| carol.media().join(key).is_file()), "{keys:?} {}", undone.1.stderr);
    }
}
