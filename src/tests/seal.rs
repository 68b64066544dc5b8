//! The seal: the verifier rejects every file that is cut, changed or joined from others.

use std::path::PathBuf;
use std::process::Command;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use waybill::model::manifest::Metadata;
use waybill::seal::{DocumentWriter, Verified, Verifier, VerifyError};
use waybill::server::signing::{PublicKeys, SignatureStatus, SigningKey};
use waybill::server::support::random::SystemRandom;

use crate::harness::{WaybillCommand, generate_sample, parse_export, with_line_changed};

fn verify(bytes: &[u8]) -> Result<Verified, VerifyError> {
    let mut verifier = Verifier::default();
    verifier.feed(bytes)?;
    finish(verifier)
}

/// Finishes verification and checks the signature too; any key will do.
fn finish(verifier: Verifier) -> Result<Verified, VerifyError> {
    let verified = verifier.finish()?;
    match PublicKeys::default().check_signature(verified.signature.as_ref()) {
        SignatureStatus::Invalid => Err(VerifyError::InvalidSignature),
        _ => Ok(verified),
    }
}

fn export(incidents: u64) -> (TempDir, PathBuf, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let source = generate_sample(incidents, folder.path());
    let file = folder.path().join("export.json");
    let ended = WaybillCommand::new(folder.path()).run([
        "export".to_owned(),
        format!("--source=sqlite:{}", source.display()),
        format!("--output={}", file.display()),
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let bytes = std::fs::read(&file).unwrap();
    (folder, file, bytes)
}

fn metadata() -> Metadata {
    let metadata = serde_json::json!({
        "exportedAt": "2026-11-20T14:02:11Z", "exportType": "full", "version": "1.0", "filtersApplied": {},
        "recordCounts": {"a": 2, "empty": 0}, "totalRecords": 2, "exportedBy": "ä@example.test", "formatVersion": 2,
        "exportId": "x", "order": "storage", "generator": {"name": "waybill", "version": "0.1.0"},
        "source": {"name": "s", "engine": "SQLite", "engineVersion": "3", "profile": "p",
                   "snapshot": {"takenAt": "2026-11-20T14:02:11Z", "isolation": "snapshot"}},
        "audit": {"entries": 7, "hash": "ab"},
        "schema": {"a": {"columns": [{"name": "id", "type": "INTEGER", "codec": "integer", "nullable": false}]},
                   "empty": {"columns": []}}
    });
    serde_json::from_value(metadata).unwrap()
}

/// A file of two tables, the second one empty, sealed and signed with `lines` as the first table's records.
fn sealed_with(lines: &str) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let key = SigningKey::read_or_create(&folder.path().join("key.pem"), &SystemRandom).unwrap();
    let mut sealer = DocumentWriter::begin(Vec::new(), &metadata(), Some(&key)).unwrap();
    sealer.write_table(format!("\"a\":[\n{lines}").as_bytes()).unwrap();
    sealer.end_table("a".into(), 2).unwrap();
    sealer.write_table(b"\"empty\":[\n").unwrap();
    sealer.end_table("empty".into(), 0).unwrap();
    sealer.finish().unwrap().0
}

/// The smallest file with every kind of line in it.
fn tiny_file() -> Vec<u8> {
    sealed_with("{\"id\":1},\n{\"id\":2}\n")
}

/// A real export of a few incidents.
fn small_export() -> Vec<u8> {
    let (_folder, _, bytes) = export(3);
    bytes
}

/// Feeds the file byte by byte and counts the prefixes that the verifier accepts as complete.
fn count_accepted_cuts(bytes: &[u8]) -> usize {
    let mut verifier = Verifier::default();
    let mut accepted = 0;
    for byte in bytes {
        accepted += usize::from(verifier.clone().finish().is_ok());
        verifier.feed(std::slice::from_ref(byte)).unwrap();
    }
    assert!(verifier.finish().is_ok(), "the complete file was rejected");
    accepted
}

/// B07: cut at every byte.
#[test]
fn every_cut_of_a_small_file_is_rejected() {
    assert_eq!(count_accepted_cuts(&tiny_file()), 0);
    assert_eq!(count_accepted_cuts(&small_export()), 0);
}

/// B08: every bit of every byte, the seal line included.
#[test]
fn every_flipped_bit_of_a_small_file_is_rejected() {
    let mut bytes = tiny_file();
    for position in 0..bytes.len() {
        for bit in (0..8).map(|n| 1 << n) {
            bytes[position] ^= bit;
            assert!(verify(&bytes).is_err(), "bit {bit} of byte {position}");
            bytes[position] ^= bit;
        }
    }
    assert!(verify(&bytes).is_ok());
}

#[test]
fn a_thousand_random_cuts_and_flips_of_a_large_file_are_rejected() {
    let (_folder, _, mut bytes) = export(1500);
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let mut below = |end: usize| usize::try_from(dice.next_u64() % end as u64).unwrap();
    let mut positions: Vec<usize> = (0..500).map(|_| below(bytes.len())).collect();
    positions.sort_unstable();
    let mut before = Verifier::default();
    let mut fed = 0;
    for position in positions {
        before.feed(&bytes[fed..position]).unwrap();
        fed = position;
        assert!(before.clone().finish().is_err(), "cut at {position}");
        let bit = 1 << below(8);
        bytes[position] ^= bit;
        let mut flipped = before.clone();
        let verdict = flipped.feed(&bytes[position..]).and_then(|()| finish(flipped).map(drop));
        assert!(verdict.is_err(), "bit {bit} of byte {position}");
        bytes[position] ^= bit;
    }
    assert!(verify(&bytes).is_ok());
}

/// B09: records edited by hand.
#[test]
fn records_that_are_edited_removed_repeated_or_moved_are_found_and_located() {
    let bytes = small_export();
    let record = "\"q_1_0\"";
    let cases: [(&str, Vec<u8>); 4] = [
        ("edited", with_line_changed(&bytes, record, |line| line.replace("q_1_0", "q_1_9"))),
        ("removed", with_line_changed(&bytes, record, |_| String::new())),
        ("repeated", with_line_changed(&bytes, record, |line| line.repeat(2))),
        ("moved", {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            let at = lines.iter().position(|line| line.contains(record)).unwrap();
            lines.swap(at, at + 1);
            lines.concat().into_bytes()
        }),
    ];
    for (what, changed) in cases {
        let error = verify(&changed).unwrap_err().to_string();
        assert!(error.contains("clarification_"), "{what}: {error}");
    }
}

#[test]
fn joined_extended_empty_foreign_and_newer_files_are_rejected_with_their_reason() {
    let bytes = small_export();
    let says = |bytes: &[u8]| verify(bytes).unwrap_err().to_string();
    assert_eq!(says(b""), "the file is empty");
    assert!(says(&[&bytes[..], &bytes[..]].concat()).contains("more bytes after the seal"));
    assert!(says(&[&bytes[..], b"\n"].concat()).contains("more bytes after the seal"));
    for foreign in
        [&b"{}"[..], b"hello\n", b"\x1f\x8b\x08", b"PK\x03\x04", b"<!DOCTYPE html>\n", b"[\n{\"metadata\":1}\n]"]
    {
        assert!(says(foreign).contains("not a Waybill export"), "{}", says(foreign));
    }
    let older = with_line_changed(&bytes, "\"formatVersion\"", |line| line.replace('2', "1"));
    assert!(
        says(&older).starts_with("made by waybill 0.1.0 in format 1, which was never released"),
        "{}",
        says(&older)
    );
    let newer = with_line_changed(&bytes, "\"formatVersion\"", |line| line.replace('2', "3"));
    let newer = with_line_changed(&newer, "\"version\": \"0.1.0\"", |line| line.replace("0.1.0", "2.4.0"));
    assert_eq!(
        says(&newer),
        "made by waybill 2.4.0 in format 3, but this version reads format 2: upgrade Waybill first"
    );
}

/// A seal over digests alone would accept records that no count includes.
#[test]
fn a_line_that_smuggles_records_past_the_counts_is_refused_though_its_seal_is_right() {
    for smuggled in [
        "{\"id\":1}],\"users\":[{\"id\":9},\n{\"id\":2}\n",
        "{\"id\":1},{\"id\":9},\n{\"id\":2}\n",
        "{\"id\":1,\"id\":9},\n{\"id\":2}\n",
        "{\"id\":1,\"role\":\"admin\"},\n{\"id\":2}\n",
        "{},\n{\"id\":2}\n",
        "{\"id\":NaN},\n{\"id\":2}\n",
    ] {
        let error = verify(&sealed_with(smuggled)).unwrap_err().to_string();
        assert!(error.starts_with("damaged at line ") && error.contains("in table a"), "{smuggled}: {error}");
    }
    let other_text = b"{\"id\":\"\xff\"},\n{\"id\":2}\n";
    let mut file = tiny_file();
    let at = file.windows(8).position(|window| window == b"{\"id\":1}").unwrap();
    file.splice(at..at + 20, other_text.iter().copied());
    assert!(verify(&file).unwrap_err().to_string().contains("this is not UTF-8"));
}

/// Metadata that two readers would interpret differently, or whose text would look like a verdict when printed.
#[test]
fn metadata_that_contradicts_itself_is_refused_though_its_seal_is_right() {
    let honest = serde_json::to_string(&metadata()).unwrap();
    for (from, to, says) in [
        ("\"recordCounts\":{\"a\":2", "\"recordCounts\":{\"a\":2,\"a\":2", "the key a occurs twice"),
        ("\"totalRecords\":2", "\"totalRecords\":999", "not the sum of its record counts"),
        ("\"formatVersion\":2", "\"formatVersion\":4294967298", "the metadata cannot be read"),
        ("\"formatVersion\":2,", "", "the metadata cannot be read"),
        ("\"formatVersion\":2", "\"formatVersion\":2,\"formatVersion\":2", "the metadata cannot be read"),
        (
            "2026-11-20T14:02:11Z\",\"exportType",
            "2026\\nunaltered: 9 records\",\"exportType",
            "no valid format version or export time",
        ),
        (
            "[{\"name\":\"id\"",
            "[{\"name\":\"id\",\"type\":\"\",\"codec\":\"text\",\"nullable\":true},{\"name\":\"id\"",
            "or names a column twice",
        ),
        ("\"empty\":{\"primaryKey\"", "\"other\":{\"primaryKey\"", "does not describe every table"),
    ] {
        let forged = honest.replacen(from, to, 1);
        assert_ne!(forged, honest, "{from}");
        let error = verify(&resealed(&forged)).unwrap_err().to_string();
        assert!(error.contains(says), "{to}: {error}");
    }
    assert!(verify(&resealed(&honest)).is_ok(), "{}", verify(&resealed(&honest)).unwrap_err());
}

/// The tiny file with other metadata, sealed without Waybill's code: a seal needs no key.
fn resealed(metadata: &str) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let head = format!("{{\"metadata\":\n{}\n}},\n\"data\":{{\n", metadata.strip_suffix('}').unwrap());
    let (a, empty) = ("\"a\":[\n{\"id\":1},\n{\"id\":2}\n", "\"empty\":[\n");
    let digest = |text: &str| hex::encode(Sha256::digest(text));
    let frame = format!("{head}{}\n],\n{}\n]\n}},\n", digest(a), digest(empty));
    let tables = format!(
        "{{\"a\":{{\"records\":2,\"sha256\":\"{}\"}},\"empty\":{{\"records\":0,\"sha256\":\"{}\"}}}}",
        digest(a),
        digest(empty)
    );
    let seal = format!(
        "\"integrity\":{{\"complete\":true,\"totalRecords\":2,\"tables\":{tables},\"sha256\":\"{}\"}}}}\n",
        digest(&frame)
    );
    format!("{head}{a}],\n{empty}]\n}},\n{seal}").into_bytes()
}

#[test]
fn the_place_of_the_damage_is_named() {
    let bytes = small_export();
    let cut_at = bytes.len() / 2;
    let error = verify(&bytes[..cut_at]).unwrap_err().to_string();
    assert!(error.starts_with("cut off at line ") && error.contains("in table"), "{error}");
    let text = String::from_utf8(bytes).unwrap();
    let unsealed = &text[..text.rfind("\"integrity\"").unwrap()];
    let error = verify(unsealed.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("the seal is missing"), "{error}");
}

#[test]
fn chunk_sizes_do_not_change_the_result() {
    let bytes = small_export();
    let whole = verify(&bytes).unwrap();
    for size in [1, 2, 3, 7, 100, 4096, 1 << 20] {
        let mut verifier = Verifier::default();
        bytes.chunks(size).for_each(|piece| verifier.feed(piece).unwrap());
        assert_eq!(verifier.finish().unwrap(), whole, "pieces of {size}");
    }
}

/// An independent reader: Python's JSON parser, with its own digests and counts.
#[test]
fn a_python_reader_agrees_with_the_seal() {
    let (_folder, file, _) = export(50);
    let script = r#"
import hashlib, json, sys
raw = open(sys.argv[1], "rb").read()
whole = json.loads(raw)
frame, table = hashlib.sha256(), None
for line in raw.splitlines(keepends=True):
    if line.startswith(b'"integrity":'):
        break
    if line.endswith(b'":[\n') and line.startswith(b'"'):
        name, table = json.loads(line[:-3]), hashlib.sha256()
    if table and line in (b"]\n", b"],\n"):
        assert table.hexdigest() == whole["integrity"]["tables"][name]["sha256"]
        frame.update(table.hexdigest().encode() + b"\n")
        table = None
    (table or frame).update(line)
assert frame.hexdigest() == whole["integrity"]["sha256"]
for table, records in whole["data"].items():
    assert len(records) == whole["metadata"]["recordCounts"][table] == whole["integrity"]["tables"][table]["records"]
assert sum(map(len, whole["data"].values())) == whole["metadata"]["totalRecords"]
assert list(whole["data"]) == list(whole["metadata"]["recordCounts"]) == list(whole["metadata"]["schema"])
for table, records in whole["data"].items():
    names = [column["name"] for column in whole["metadata"]["schema"][table]["columns"]]
    assert all(list(record) == names for record in records)
print("agreed")
"#;
    let output = Command::new("python3").args(["-c", script]).arg(&file).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "agreed", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn two_exports_of_the_same_data_in_key_order_differ_only_in_metadata_and_seal() {
    let folder = TempDir::new().unwrap();
    let sample_path = generate_sample(50, folder.path());
    let source = format!("--source=sqlite:{}", sample_path.display());
    let run = |arguments: [&str; 6]| WaybillCommand::new(folder.path()).run(arguments);
    let bodies: Vec<String> = ["a.json", "b.json"]
        .map(|name| {
            let ended = run(["export", &source, "--order", "key", "--output", name]);
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
            let (start, end) = (text.find("\n\"data\":{").unwrap(), text.rfind("\"integrity\"").unwrap());
            text[start..end].to_owned()
        })
        .into();
    assert_eq!(bodies[0], bodies[1]);
    let digests = |name: &str| {
        let export = parse_export(&std::fs::read(folder.path().join(name)).unwrap());
        export.integrity["tables"].clone()
    };
    assert_eq!(digests("a.json"), digests("b.json"), "equal tables have equal digests");
    let connection = rusqlite::Connection::open(sample_path).unwrap();
    connection.execute_batch("UPDATE sites SET name = 'another' WHERE rowid = 1").unwrap();
    assert_eq!(run(["export", &source, "--order", "key", "--output", "c.json"]).code, 0);
    let (before, after) = (digests("a.json"), digests("c.json"));
    let other = before.as_object().unwrap().iter().filter(|(table, digest)| after[table] != **digest);
    assert_eq!(other.map(|(table, _)| table).collect::<Vec<_>>(), ["sites"]);
    let ids: Vec<&str> = bodies[0].lines().filter(|line| line.contains("\"ndis_number\"")).collect();
    assert!(ids.len() > 5 && ids.is_sorted(), "participants come in key order");
}
