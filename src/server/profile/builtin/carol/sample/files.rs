//! Media: their records, and the files of the blob folder.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use rusqlite::params;
use sha2::{Digest, Sha256};

use super::spec::SampleSpec;
use super::texts::owner_mark;
use super::writer::{Owner, SampleWriter, time, uuid};
use crate::server::profile::builtin::product::{SampleFile, SampleFiles};
use crate::server::profile::builtin::seeded_random::SeededRandom;

/// Sides of an image, in pixels.
const SIDE: u8 = 24;

/// How many files a user has.
pub fn files_of(people: u64) -> u64 {
    3 + people / 8
}

/// The files of all users.
pub fn sample_files(spec: &SampleSpec) -> SampleFiles {
    let (seed, each) = (spec.seed, files_of(spec.people));
    let make = move |at: u64| {
        let (user, nth) = (at / each, at % each);
        SampleFile { name: storage_key(seed, user, nth), content: content(user, nth) }
    };
    SampleFiles { count: spec.users * each, make: Box::new(make) }
}

impl SampleWriter<'_> {
    pub fn insert_media(&self, owner: Owner) -> rusqlite::Result<()> {
        (0..files_of(owner.people)).try_for_each(|nth| {
            let content = content(owner.number, nth);
            // Different files of one name, as people have them.
            let (name, kind) =
                if is_text(nth) { ("Lebenslauf — Entwurf.txt", "text/plain") } else { ("photo.png", "image/png") };
            let at = time(&mut self.random("media time", owner, nth));
            self.insert(
                "media",
                9,
                params![
                    self.id("media", owner, nth),
                    self.id("users", owner, 0),
                    name,
                    kind,
                    i64::try_from(content.len()).unwrap_or(i64::MAX),
                    hex::encode(Sha256::digest(&content)),
                    storage_key(self.spec.seed, owner.number, nth),
                    at,
                    at
                ],
            )
        })
    }
}

/// The name of a file in the blob folder.
fn storage_key(seed: u64, user: u64, nth: u64) -> String {
    uuid(&mut SeededRandom::new(seed, "storage key", (user << 32) + nth), nth)
}

fn is_text(nth: u64) -> bool {
    nth % 3 == 2
}

/// How the names of a user's n-th file ends.
pub fn extension(nth: u64) -> &'static str {
    if is_text(nth) { "txt" } else { "png" }
}

fn content(user: u64, nth: u64) -> Vec<u8> {
    if is_text(nth) {
        return format!("Draft {nth}\n\n{}\n", owner_mark(user)).into_bytes();
    }
    png([user.to_le_bytes()[0].wrapping_mul(70), nth.to_le_bytes()[0].wrapping_mul(30), 160])
}

/// A square of one colour that becomes lighter (PNG, third edition, W3C 2025: 5 Datastream structure).
fn png([red, green, blue]: [u8; 3]) -> Vec<u8> {
    let side = u32::from(SIDE).to_be_bytes();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    // Eight bits for each of red, green and blue.
    chunk(&mut file, *b"IHDR", &[&side[..], &side, &[8, 2, 0, 0, 0]].concat());
    let mut rows = Vec::new();
    for row in 0..SIDE {
        rows.push(0);
        (0..SIDE)
            .for_each(|_| rows.extend([red.saturating_add(row), green.saturating_add(row), blue.saturating_add(row)]));
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let compressed = encoder.write_all(&rows).and_then(|()| encoder.finish());
    chunk(&mut file, *b"IDAT", &compressed.unwrap_or_default());
    chunk(&mut file, *b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    file.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    file.extend(kind);
    file.extend_from_slice(data);
    file.extend(crc.sum().to_be_bytes());
}
