//! Documents: what the verifier accepts, however it gets it, is read to its end, with as many records as its seal says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waybill::seal::{FileVerifier, Verified};
use waybill::server::inspect::{DataEvent, DocumentReader, Error};

fuzz_target!(|file: &[u8]| {
    let verified = verify(&[file]);
    let (head, rest) = file.split_at(file.len() / 2);
    assert_eq!(verified.is_some(), verify(&[head, rest]).is_some(), "in one piece and in two");
    let records = read(file);
    if let Some(verified) = verified.filter(|verified| verified.metadata.contents.is_none()) {
        assert_eq!(records.ok(), Some(verified.metadata.total_records));
    }
});

fn verify(pieces: &[&[u8]]) -> Option<Verified> {
    let mut verifier = FileVerifier::default();
    pieces.iter().try_for_each(|piece| verifier.feed(piece)).ok()?;
    verifier.finish().ok()
}

fn read(file: &[u8]) -> Result<u64, Error> {
    let mut records = 0;
    DocumentReader::open(file)?.for_each_event(|event, _| {
        records += u64::from(matches!(event, DataEvent::Record(_)));
        Ok::<(), Error>(())
    })?;
    Ok(records)
}
