//! What others' users have filed about their archives, as tests by name.

use std::fs;

use sha2::{Digest, Sha256};
use waybill::server::profile::builtin::carol::SampleSpec;

use super::Carol;
use super::import::delete_all;
use super::own_import::{Console, IMPORT, export, import};

const CAROL: &str = "carol@sample.test";

fn small() -> SampleSpec {
    SampleSpec { users: 3, people: 4, seed: 1 }
}

/// What an application does when somebody deletes their account.
fn erase(carol: &Carol, user: &str) {
    delete_all(carol, user);
    for table in ["settings", "sessions", "oauth_identities", "personal_access_tokens"] {
        carol.execute(&format!("DELETE FROM {table} WHERE user_id = '{user}'"));
    }
    carol.execute(&format!("DELETE FROM users WHERE id = '{user}'"));
}

/// <https://github.com/ovumcy/ovumcy-web/issues/644>: an older backup brought erased people back.
#[test]
fn no_archive_brings_back_whoever_was_erased() {
    for carol in [Carol::new(&small()), Carol::in_postgres(&small())] {
        let user = carol.user(CAROL);
        assert_eq!(carol.export(&user, "own.tar.gz").code, 0);
        erase(&carol, &user);
        for mode in ["merge", "replace", "copy"] {
            for options in [&["--dry-run"][..], &[]] {
                let refused = carol.import("own.tar.gz", &user, mode, options);
                let says = format!(
                    "users has nobody with the id {user}: an archive has somebody's data, and never brings the account back"
                );
                assert_eq!(refused.code, 3, "{mode}: {}", refused.text());
                assert!(refused.stderr.contains(&says), "{mode}: {}", refused.stderr);
            }
        }
        assert_eq!(carol.query("SELECT count(*) FROM people WHERE user_id NOT IN (SELECT id FROM users)"), ["0"]);
    }
}

#[tokio::test]
async fn whoever_was_erased_while_signed_in_brings_nothing_back() {
    let console = Console::start_with(4, true).await;
    let (browser, user) = (console.browser(CAROL).await, console.carol.user(CAROL));
    let file = export(&browser).await;
    erase(&console.carol, &user);
    for mode in ["merge", "copy"] {
        assert_eq!(import(&browser, &file, mode, "").await.status, 401, "{mode}");
    }
    let fields = [("mode", &b"replace"[..]), ("confirm", b"replace"), ("file", &file)];
    assert_eq!(browser.send_form(IMPORT, &fields, &[]).await.status, 401);
    assert_eq!(console.carol.query("SELECT count(*) FROM people WHERE user_id NOT IN (SELECT id FROM users)"), ["0"]);
}

/// <https://github.com/obsidianmd/obsidian-importer/issues/298>, `#460`, <https://github.com/Bike4Mind/bike4mind/issues/2367>: of two
/// files with the same name, one took the place of the other.
#[test]
fn files_of_the_same_name_stay_two_in_every_mode_and_after_two_imports() {
    for carol in [Carol::new(&small()), Carol::in_postgres(&small())] {
        let user = carol.user(CAROL);
        carol.execute(&format!("UPDATE media SET file_name = 'photo.png' WHERE user_id = '{user}'"));
        assert_eq!(carol.export(&user, "own.tar.gz").code, 0);
        let contents = contents(&carol, &user);
        assert!(contents.iter().any(|content| *content != contents[0]), "two contents");
        for (mode, times) in [("merge", 1), ("merge", 1), ("replace", 1), ("copy", 2), ("copy", 3)] {
            let imported = carol.import("own.tar.gz", &user, mode, &[]);
            assert_eq!(imported.code, 0, "{mode}: {}", imported.text());
            let mut expected = vec![contents.clone(); times].concat();
            expected.sort();
            assert_eq!(self::contents(&carol, &user), expected, "{mode}");
        }
    }
}

/// The digests of a person's files, as they are in the folder and as their records say, which is the same.
fn contents(carol: &Carol, user: &str) -> Vec<String> {
    let media = format!("SELECT storage_key || ' ' || sha256 FROM media WHERE user_id = '{user}' ORDER BY sha256");
    let digests = carol.query(&media).into_iter().map(|row| {
        let (file, recorded) = row.split_once(' ').unwrap();
        let content = hex::encode(Sha256::digest(fs::read(carol.media().join(file)).unwrap()));
        assert_eq!(content, recorded, "{file}");
        content
    });
    digests.collect()
}
