//! The seal of an archive or a folder, which says what is in it: its entries have names of their own that lead nowhere else.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use waybill::seal::archive::read_archive_seal;
use waybill::server::inspect::DocumentReader;

fuzz_target!(|file: &[u8]| {
    let Ok(seal) = read_archive_seal(file) else { return };
    let names: BTreeSet<&str> = seal.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names.len(), seal.files.len());
    assert!(names.iter().all(|name| !name.split('/').any(|part| matches!(part, "" | "." | ".."))), "{names:?}");
    assert!(DocumentReader::open(file).is_ok());
});
