//! Signatures and keys, and what `verify` reports about unsigned files.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;
use waybill::model::manifest::Metadata;
use waybill::model::name::TableName;
use waybill::seal::DocumentWriter;
use waybill::server::audit::{self, Filter};
use waybill::server::key_rotation;
use waybill::server::signing::{PublicKeys, SigningKey};
use waybill::server::state::StateDatabase;
use waybill::server::state::sqlite::SqliteStore;
use waybill::server::support::clock::SystemClock;
use waybill::server::support::random::SystemRandom;

use crate::harness::{CommandOutput, FailingStore, WaybillCommand, generate_sample, with_line_changed};

/// A folder with its own state and key, and a file exported from it.
fn installation() -> TempDir {
    let folder = TempDir::new().unwrap();
    let source = format!("--source=sqlite:{}", generate_sample(20, folder.path()).display());
    let ended = run(&folder, &["export", &source, "--output", "out.json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> CommandOutput {
    WaybillCommand::new(folder.path()).run(arguments)
}

fn write(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    std::fs::write(folder.path().join(name), content).unwrap();
}

fn exported_keys(folder: &TempDir) -> String {
    run(folder, &["key", "export"]).text()
}

#[test]
fn only_a_trusted_key_earns_the_word_unaltered() {
    let (home, elsewhere) = (installation(), TempDir::new().unwrap());
    let ended = run(&home, &["verify", "out.json"]);
    assert!(
        ended.text().starts_with("unaltered: ") && ended.text().contains("this installation's key"),
        "{}",
        ended.text()
    );
    let file = std::fs::read(home.path().join("out.json")).unwrap();
    write(&elsewhere, "out.json", &file);
    let ended = run(&elsewhere, &["verify", "out.json"]);
    assert_eq!(ended.code, 0);
    let said = ended.text();
    assert!(
        said.starts_with("complete: ") && said.contains("matches its seal") && said.contains("not trusted here"),
        "{said}"
    );
    assert!(!said.contains("unaltered"), "{said}");
    write(&elsewhere, "home.pem", exported_keys(&home));
    let ended = run(&elsewhere, &["verify", "out.json", "--key", "home.pem"]);
    assert!(ended.text().starts_with("unaltered: ") && ended.text().contains("a trusted key"), "{}", ended.text());
    // With `--key`, a file signed with another key is refused.
    let ended = run(&elsewhere, &["key", "export"]);
    assert!(ended.code == 1 && ended.stderr.contains("the first export creates it"), "{}", ended.stderr);
    run(&elsewhere, &["key", "rotate"]);
    write(&elsewhere, "own.pem", exported_keys(&elsewhere));
    let ended = run(&elsewhere, &["verify", "out.json", "--key", "own.pem"]);
    assert!(ended.code == 4 && ended.stderr.contains("complete, but signed with key"), "{}", ended.stderr);
    let json = run(&elsewhere, &["verify", "out.json", "--json"]).text();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["complete"].as_bool(), json["unaltered"].as_bool()), (Some(true), Some(false)));
}

/// A seal needs no key: anybody can rewrite a file and seal it again, or sign it with their own key.
#[test]
fn a_resealed_file_is_never_called_unaltered() {
    let home = installation();
    let file = std::fs::read(home.path().join("out.json")).unwrap();
    let changed =
        String::from_utf8(with_line_changed(&file, "\"ndis_number\":", |line| line.replace('1', "2"))).unwrap();
    let (head, data) = changed.split_once(",\n\"data\":{\n").unwrap();
    let metadata: Metadata = serde_json::from_str(head.strip_prefix("{\"metadata\":\n").unwrap()).unwrap();
    let mut sealer = DocumentWriter::begin(Vec::new(), &metadata, None).unwrap();
    let mut table: Option<(TableName, u64)> = None;
    for line in data.split_inclusive('\n') {
        match &mut table {
            None if line == "},\n" => break,
            None => table = Some((line.trim_end().trim_end_matches(":[").trim_matches('"').into(), 0)),
            Some((name, records)) if line.starts_with(']') => {
                sealer.end_table(std::mem::take(name), *records).unwrap();
                table = None;
                continue;
            }
            Some((_, records)) => *records += 1,
        }
        sealer.write_table(line.as_bytes()).unwrap();
    }
    let unsigned = sealer.finish().unwrap().0;
    write(&home, "forged.json", &unsigned);
    let ended = run(&home, &["verify", "forged.json"]);
    assert!(
        ended.code == 0 && ended.text().starts_with("complete: ") && ended.text().contains("not signed"),
        "{}",
        ended.text()
    );
    write(&home, "home.pem", exported_keys(&home));
    let ended = run(&home, &["verify", "forged.json", "--key", "home.pem"]);
    assert!(ended.code == 4 && ended.stderr.contains("complete, but not signed"), "{}", ended.stderr);
    // The original file's signature is not valid for the forged one.
    let signature = String::from_utf8(file).unwrap().rsplit_once(",\"signature\":").unwrap().1.to_owned();
    let stolen = String::from_utf8(unsigned).unwrap().trim_end().strip_suffix("}}").unwrap().to_owned()
        + ",\"signature\":"
        + &signature;
    write(&home, "stolen.json", stolen);
    let ended = run(&home, &["verify", "stolen.json"]);
    assert!(
        ended.code == 4 && ended.stderr.contains("the signature was changed, or belongs to another file"),
        "{}",
        ended.stderr
    );
}

#[test]
fn files_signed_before_a_key_rotation_stay_unaltered() {
    let home = installation();
    let before = run(&home, &["key", "show"]).text();
    let rotated = run(&home, &["key", "rotate"]);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr);
    let after = run(&home, &["key", "show"]).text();
    let id = |shown: &str| shown.split_whitespace().nth(1).unwrap().to_owned();
    assert_ne!(id(&before), id(&after));
    assert!(after.contains(&format!("before   {}", id(&before))), "{after}");
    assert!(run(&home, &["verify", "out.json"]).text().starts_with("unaltered: "));
    assert_eq!(exported_keys(&home).matches("BEGIN PUBLIC KEY").count(), 2);
    write(&home, "home.pem", exported_keys(&home));
    assert_eq!(run(&home, &["verify", "out.json", "--key", "home.pem"]).code, 0);
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let home = installation();
    let path = home.path().join("state/waybill/signing-key.pem");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let source = format!("--source=sqlite:{}", home.path().join("sample.db").display());
    let ended = run(&home, &["export", &source, "--output", "again.json"]);
    assert!(ended.code == 1 && ended.stderr.contains("can be read or written by others"), "{}", ended.stderr);
    assert!(!home.path().join("again.json").exists());
    write(&home, "none.pem", "hello");
    // Whoever checks files need not be the one who signs them, but is told that the own keys were not looked at.
    let ended = run(&home, &["verify", "out.json"]);
    assert!(ended.code == 0 && ended.text().contains("not trusted here"), "{}", ended.text());
    assert!(ended.stderr.contains("this installation's keys are not used: "), "{}", ended.stderr);
    for (arguments, code, says) in [
        (&["verify", "out.json", "--key", "none.pem"][..], 2, "must hold only Ed25519 public keys"),
        (&["verify", "out.json", "--key", "missing.pem"], 1, "cannot be read"),
        (&["key", "show", "--signing-key", "none.pem"], 1, "can be read or written by others"),
        (&["key", "rotate", "--signing-key", "/proc/key.pem"], 1, "cannot be created"),
    ] {
        let ended = run(&home, arguments);
        assert!(ended.code == code && ended.stderr.contains(says), "{arguments:?}: {} {}", ended.code, ended.stderr);
    }
}

fn key_id(path: &Path) -> String {
    SigningKey::read(path).unwrap().unwrap().public_key().id()
}

/// What the trail of this state says about rotations.
async fn rotations(state: &StateDatabase) -> Vec<String> {
    let filter = Filter { event: Some("key_rotated".into()), ..Filter::default() };
    let entries = audit::newest(&state.for_source(None), &filter, 100).await.unwrap();
    entries.into_iter().map(|entry| entry.detail).collect()
}

#[tokio::test]
async fn a_rotation_that_cannot_be_recorded_keeps_the_old_key() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("signing-key.pem");
    let old = SigningKey::read_or_create(&path, &SystemRandom).unwrap().public_key();
    let (real, files) = SqliteStore::open(&folder.path().join("waybill.db")).await.unwrap();
    let fails = Arc::new(AtomicBool::new(true));
    let state = StateDatabase::on(Arc::new(FailingStore { real, fails: fails.clone() }), files);
    let rotate = || key_rotation::rotate(&state, &path, "cli:ops", Arc::new(SystemClock), &SystemRandom);
    let refused = rotate().await.unwrap_err().to_string();
    assert!(refused.contains("the key in force is unchanged"), "{refused}");
    assert_eq!((key_id(&path), rotations(&state).await), (old.id(), Vec::new()));
    assert_eq!(
        PublicKeys::of_installation(&path).unwrap().0,
        std::slice::from_ref(&old),
        "the key in force is no retired one"
    );
    let prepared = folder.path().join("signing-key.next.pem");
    assert_eq!(prepared.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let unrecorded = key_id(&prepared);
    fails.store(false, Ordering::SeqCst);
    let rotated = rotate().await.unwrap();
    let new = rotated.key.public_key();
    assert!(!rotated.is_resumed && new.id() != unrecorded, "a key that was never recorded came into force");
    assert_eq!(key_id(&path), new.id());
    assert_eq!(rotations(&state).await, [format!("{{\"from\":\"{}\",\"to\":\"{}\"}}", old.id(), new.id())]);
    assert_eq!(PublicKeys::of_installation(&path).unwrap().0, [new, old]);
    assert!(!prepared.exists());
}

/// As after a power cut between the commit and the rename.
#[tokio::test]
async fn a_rotation_that_was_interrupted_after_its_entry_is_finished() {
    let home = installation();
    let path = home.path().join("state/waybill/signing-key.pem");
    let (old_file, old) = (std::fs::read(&path).unwrap(), key_id(&path));
    assert_eq!(run(&home, &["key", "rotate"]).code, 0);
    let new = key_id(&path);
    std::fs::rename(&path, path.with_extension("next.pem")).unwrap();
    write(&home, "state/waybill/signing-key.pem", old_file);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let shown = run(&home, &["key", "show"]).text();
    assert!(shown.contains(&format!("key      {old}")) && shown.contains(&format!("next     {new}; ")), "{shown}");
    assert!(!shown.contains("before"), "{shown}");
    let finished = run(&home, &["key", "rotate"]);
    assert!(finished.code == 0 && finished.text().contains(&new), "{}", finished.stderr);
    let shown = run(&home, &["key", "show"]).text();
    assert!(shown.contains(&format!("before   {old}")) && !shown.contains("next"), "{shown}");
    let state = StateDatabase::open(&home.path().join("state/waybill/waybill.db")).await.unwrap();
    assert_eq!(rotations(&state).await.len(), 1, "one rotation, one entry");
    assert!(run(&home, &["verify", "out.json"]).text().starts_with("unaltered: "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotations_at_once_are_recorded_one_after_another() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("signing-key.pem");
    let first = SigningKey::read_or_create(&path, &SystemRandom).unwrap().public_key();
    let state = StateDatabase::open(&folder.path().join("waybill.db")).await.unwrap();
    for _ in 0..5 {
        let rotate = || key_rotation::rotate(&state, &path, "cli:ops", Arc::new(SystemClock), &SystemRandom);
        let outcomes =
            futures::future::join_all((0..6).map(|_| tokio::spawn(rotate_owned(state.clone(), path.clone())))).await;
        let refused = outcomes.into_iter().filter_map(|outcome| outcome.unwrap().err());
        refused.for_each(|error| assert!(error.to_string().contains("another rotation"), "{error}"));
        rotate().await.unwrap();
    }
    let mut in_force = first.id();
    for detail in rotations(&state).await.iter().rev() {
        let detail: serde_json::Value = serde_json::from_str(detail).unwrap();
        assert_eq!(detail["from"], in_force, "a key was lost");
        in_force = detail["to"].as_str().unwrap().to_owned();
    }
    assert_eq!(key_id(&path), in_force);
    let known = PublicKeys::of_installation(&path).unwrap().0;
    assert_eq!(known.len(), rotations(&state).await.len() + 1);
}

async fn rotate_owned(state: StateDatabase, path: PathBuf) -> Result<(), key_rotation::Error> {
    key_rotation::rotate(&state, &path, "cli:ops", Arc::new(SystemClock), &SystemRandom).await.map(drop)
}

#[test]
fn a_key_that_an_interrupted_rotation_exposed_is_not_used() {
    let home = installation();
    let next = home.path().join("state/waybill/signing-key.next.pem");
    std::fs::copy(home.path().join("state/waybill/signing-key.pem"), &next).unwrap();
    std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = run(&home, &["key", "rotate"]);
    assert!(
        refused.code == 1 && refused.stderr.contains("delete it, then run `waybill key rotate`"),
        "{}",
        refused.stderr
    );
    std::fs::remove_file(&next).unwrap();
    assert_eq!(run(&home, &["key", "rotate"]).code, 0);
}

/// A rotation would otherwise write a list without the keys that it could not read.
#[test]
fn retired_keys_that_cannot_be_read_are_not_forgotten() {
    let home = installation();
    let before = run(&home, &["key", "show"]).text();
    let retired = home.path().join("state/waybill/signing-key.retired.pem");
    std::os::unix::fs::symlink(&retired, &retired).unwrap();
    for command in ["show", "rotate"] {
        let ended = run(&home, &["key", command]);
        assert!(ended.code == 1 && ended.stderr.contains("retired.pem cannot be read"), "{}", ended.stderr);
    }
    std::fs::remove_file(&retired).unwrap();
    assert_eq!(run(&home, &["key", "show"]).text(), before);
}

/// An independent implementation: OpenSSL verifies a signature with the exported key, and generates a key that
/// Waybill accepts.
#[test]
fn openssl_agrees_with_keys_and_signatures() {
    let home = installation();
    write(&home, "key.pem", exported_keys(&home));
    let file = std::fs::read_to_string(home.path().join("out.json")).unwrap();
    let (seal, signature) = file[file.rfind("\"integrity\":").unwrap()..].split_once(",\"signature\":").unwrap();
    write(&home, "message", format!("waybill document seal 2\n{seal}"));
    let signature: serde_json::Value = serde_json::from_str(signature.trim_end().strip_suffix("}}").unwrap()).unwrap();
    write(&home, "signature.txt", signature["ed25519"].as_str().unwrap());
    let checked = "openssl base64 -d -A -in signature.txt -out signature && \
        openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in message -sigfile signature && \
        openssl genpkey -algorithm ed25519 -out made.pem && chmod 600 made.pem";
    openssl(home.path(), checked);
    let source = format!("--source=sqlite:{}", home.path().join("sample.db").display());
    let ended = run(&home, &["export", &source, "--output", "again.json", "--signing-key", "made.pem"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(run(&home, &["verify", "again.json"]).text().starts_with("complete: "));
    assert!(run(&home, &["verify", "again.json", "--signing-key", "made.pem"]).text().starts_with("unaltered: "));
}

fn openssl(folder: &Path, script: &str) {
    let output = Command::new("bash").args(["-c", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
