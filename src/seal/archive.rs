//! A tar archive of the documents of a layout, of the files that their records refer to, and of their seal, which is the last
//! entry (POSIX.1-2017, pax: ustar Interchange Format).
//!
//! Every header is what `header` makes of a name and a size. Whoever alters one bit of it makes another header.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::folder::{FolderSeal, MAX_SEAL_BYTES, SEAL_FILE, SealedFile, compare, is_plain_name, read_seal_of};
use super::{Verified, VerifyError};

/// Entries begin and end at multiples of this.
pub const BLOCK_BYTES: usize = 512;
/// What an archive begins with: the name of its first entry.
pub const ARCHIVE_OPENING: &[u8] = b"manifest.yaml\0";
/// The folder of the files that records refer to.
pub const MEDIA_FOLDER: &str = "media/";
/// The end of an archive.
pub const ARCHIVE_END: [u8; 2 * BLOCK_BYTES] = [0; 2 * BLOCK_BYTES];
/// The place of the size in a header.
const SIZE: std::ops::Range<usize> = 124..136;
const CHECKSUM: std::ops::Range<usize> = 148..156;
/// 1980-01-01T00:00:00Z: the same content gives the same bytes, and no program takes it for a mistake.
const MODIFIED_AT: u64 = 315_532_800;
/// Limits the memory that a hostile archive can take.
pub const MAX_ENTRIES: usize = 100_000;

/// The header of an entry: a file that its owner may write and all may read. Nothing for a name that is too long.
#[must_use]
pub fn header(name: &str, bytes: u64) -> Option<[u8; BLOCK_BYTES]> {
    let mut block = [0; BLOCK_BYTES];
    block.get_mut(..100)?.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(136, &format!("{MODIFIED_AT:011o}\0"));
    put(156, "0");
    put(257, "ustar\x0000");
    put(329, "0000000\0");
    put(337, "0000000\0");
    // What eleven octal digits cannot say is binary, as GNU tar writes it.
    let octal = format!("{bytes:011o}\0");
    if octal.len() == SIZE.len() {
        block[SIZE].copy_from_slice(octal.as_bytes());
    } else {
        block[SIZE.start] = 0x80;
        block[SIZE.end - 8..SIZE.end].copy_from_slice(&bytes.to_be_bytes());
    }
    block[CHECKSUM].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}

/// How many zeros follow content of this size.
#[must_use]
pub fn padding(bytes: u64) -> usize {
    let rest = usize::try_from(bytes % BLOCK_BYTES as u64).unwrap_or(0);
    if rest == 0 { 0 } else { BLOCK_BYTES - rest }
}

/// Name and size of a header that `header` has made; nothing for any other.
#[must_use]
pub fn parse_header(block: &[u8; BLOCK_BYTES]) -> Option<(String, u64)> {
    let end = block.iter().position(|byte| *byte == 0)?;
    let name = std::str::from_utf8(block.get(..end)?).ok()?;
    let size = &block[SIZE];
    let bytes = if size[0] == 0x80 {
        u64::from_be_bytes(size[4..].try_into().ok()?)
    } else {
        u64::from_str_radix(std::str::from_utf8(&size[..11]).ok()?, 8).ok()?
    };
    (header(name, bytes)? == *block).then(|| (name.to_owned(), bytes))
}

/// Checks the seal of an archive against itself, or of the folder that it was unpacked into.
///
/// # Errors
/// As `read_seal`.
pub fn read_archive_seal(bytes: &[u8]) -> Result<FolderSeal, VerifyError> {
    read_seal_of(bytes, is_entry_name)
}

/// Whether an archive may have an entry of this name.
fn is_entry_name(name: &str) -> bool {
    is_plain_name(name.strip_prefix(MEDIA_FOLDER).unwrap_or(name))
}

/// Reads an archive once, in pieces of any size.
#[derive(Clone)]
pub struct ArchiveVerifier {
    place: Place,
    header: Vec<u8>,
    current: Option<Entry>,
    found: Vec<SealedFile>,
    /// In lower case: two names that differ by case alone are one file on some systems.
    names: BTreeSet<String>,
    seal: Option<Vec<u8>>,
    bytes: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    /// So many bytes of content.
    Content(u64),
    /// So many zeros.
    Padding(usize),
    /// So many zeros, and nothing.
    End(usize),
}

#[derive(Clone)]
struct Entry {
    name: String,
    bytes: u64,
    hasher: Sha256,
}

impl Default for ArchiveVerifier {
    fn default() -> Self {
        Self {
            place: Place::Header,
            header: Vec::with_capacity(BLOCK_BYTES),
            current: None,
            found: Vec::new(),
            names: BTreeSet::new(),
            seal: None,
            bytes: 0,
        }
    }
}

impl ArchiveVerifier {
    /// Checks the next bytes.
    ///
    /// # Errors
    /// If they are not what the writer writes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        self.bytes += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match self.place {
                Place::Header => {
                    let taken = rest.len().min(BLOCK_BYTES - self.header.len());
                    self.header.extend_from_slice(&rest[..taken]);
                    if self.header.len() == BLOCK_BYTES {
                        self.take_header()?;
                    }
                    taken
                }
                Place::Content(left) => {
                    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    self.take_content(&rest[..taken])?;
                    self.place = Place::Content(left - taken as u64);
                    taken
                }
                Place::Padding(left) | Place::End(left) => {
                    let taken = left.min(rest.len());
                    if taken == 0 || rest[..taken].iter().any(|byte| *byte != 0) {
                        return Err(damaged("the archive is not as it was written"));
                    }
                    let left = left - taken;
                    self.place =
                        if matches!(self.place, Place::End(_)) { Place::End(left) } else { Place::Padding(left) };
                    taken
                }
            };
            rest = &rest[taken..];
            self.advance();
        }
        Ok(())
    }

    /// Goes on where an entry or its padding has ended.
    fn advance(&mut self) {
        if self.place == Place::Content(0)
            && let Some(Entry { name, bytes, hasher }) = self.current.take()
        {
            if name != SEAL_FILE {
                let sha256 = hex::encode(hasher.finalize());
                self.found.push(SealedFile { name, records: 0, bytes, sha256 });
            }
            self.place = Place::Padding(padding(bytes));
        }
        if self.place == Place::Padding(0) {
            self.place = if self.seal.is_some() { Place::End(ARCHIVE_END.len()) } else { Place::Header };
        }
    }

    fn take_header(&mut self) -> Result<(), VerifyError> {
        let block = std::mem::replace(&mut self.header, Vec::with_capacity(BLOCK_BYTES));
        let parsed = <&[u8; BLOCK_BYTES]>::try_from(block.as_slice()).ok().and_then(parse_header);
        let Some((name, bytes)) = parsed else {
            let is_end = block.iter().all(|byte| *byte == 0);
            let what = if is_end { "the seal is missing" } else { "an entry of the archive is not as it was written" };
            return Err(damaged(what));
        };
        if name == SEAL_FILE {
            if bytes > MAX_SEAL_BYTES {
                return Err(damaged("the seal is too long"));
            }
            self.seal = Some(Vec::new());
        } else if !is_entry_name(&name) || !self.names.insert(name.to_ascii_lowercase()) {
            return Err(damaged("the archive has an entry twice, or one that does not belong there"));
        } else if self.names.len() > MAX_ENTRIES {
            return Err(damaged("the archive has more entries than this program reads"));
        }
        self.place = Place::Content(bytes);
        self.current = Some(Entry { name, bytes, hasher: Sha256::new() });
        Ok(())
    }

    fn take_content(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        match (&mut self.seal, &mut self.current) {
            (Some(seal), _) => seal.extend_from_slice(bytes),
            (None, Some(entry)) => entry.hasher.update(bytes),
            (None, None) => return Err(damaged("the archive is not as it was written")),
        }
        Ok(())
    }

    /// Compares what was read with the seal.
    ///
    /// # Errors
    /// If the archive is cut off, or is not what was sealed.
    pub fn finish(self) -> Result<Verified, VerifyError> {
        let (Place::End(0), Some(seal)) = (self.place, &self.seal) else {
            return Err(damaged("the file is cut off: the seal or what follows it is missing"));
        };
        let FolderSeal { verified, files } = read_archive_seal(seal)?;
        compare(&files, &self.found)?;
        Ok(Verified { bytes: self.bytes, ..verified })
    }
}

fn damaged(what: &str) -> VerifyError {
    VerifyError::DamagedDocuments { what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_name_and_size_and_nothing_else() {
        for bytes in [0, 1, 8 << 30, u64::MAX] {
            let block = header("media/a.png", bytes).unwrap();
            assert_eq!(parse_header(&block), Some(("media/a.png".to_owned(), bytes)));
            for at in 0..BLOCK_BYTES {
                let mut altered = block;
                altered[at] ^= 1;
                assert_ne!(parse_header(&altered), Some(("media/a.png".to_owned(), bytes)), "byte {at}");
            }
        }
        assert!(header(&"a".repeat(100), 0).is_some() && header(&"a".repeat(101), 0).is_none());
    }

    #[test]
    fn two_entries_that_are_one_file_on_some_systems_are_refused() {
        let mut verifier = ArchiveVerifier::default();
        verifier.feed(&header("media/a.png", 0).unwrap()).unwrap();
        assert!(verifier.clone().feed(&header("media/b.png", 0).unwrap()).is_ok());
        assert!(verifier.feed(&header("media/A.png", 0).unwrap()).unwrap_err().to_string().contains("an entry twice"));
    }

    #[test]
    fn an_archive_has_no_entry_of_another_folder() {
        for name in ["manifest.yaml", "media/0190.png"] {
            assert!(is_entry_name(name), "{name}");
        }
        for name in ["../a", "/a", "media/../a", "media/", "media/a/b", "other/a", "waybill.json", ".a", ""] {
            assert!(!is_entry_name(name), "{name}");
        }
    }
}
