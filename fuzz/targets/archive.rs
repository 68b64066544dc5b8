//! Archives: what the verifier accepts, however it gets it, can be read entry by entry, and no entry's name leads elsewhere.

#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use waybill::seal::FileVerifier;
use waybill::server::pipeline::container::ArchiveEntries;

fuzz_target!(|file: &[u8]| {
    let is_intact = verify(&[file]);
    let (head, rest) = file.split_at(file.len() / 2);
    assert_eq!(is_intact, verify(&[head, rest]), "in one piece and in two");
    let mut entries = ArchiveEntries::new(file);
    let mut names = Vec::new();
    let end = loop {
        match entries.next_entry() {
            Ok(Some(entry)) => {
                let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\']);
                assert!(entry.name.split('/').all(is_plain), "{:?}", entry.name);
                names.push(entry.name);
                let mut content = Vec::new();
                let _ = (&mut entries).take(1 << 16).read_to_end(&mut content);
            }
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    if is_intact && file.starts_with(b"manifest.yaml\0") {
        assert!(end, "{names:?}");
        assert_eq!(names.last().map(String::as_str), Some("waybill.json"));
    }
});

fn verify(pieces: &[&[u8]]) -> bool {
    let mut verifier = FileVerifier::default();
    pieces.iter().all(|piece| verifier.feed(piece).is_ok()) && verifier.finish().is_ok()
}
