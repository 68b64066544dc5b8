//! Verifies one JSON object whose members are the documents of a layout, and whose last member is their seal.
//!
//! The members are compared with the seal byte by byte, so all that is needed of JSON is where a value ends.

use sha2::{Digest, Sha256};

use super::folder::{FolderSeal, MAX_SEAL_BYTES, SEAL_MEMBER, SealedFile, compare, read_seal};
use super::{Verified, VerifyError};

/// What the object begins with.
pub const OBJECT_OPENING: &[u8] = b"{\n\"manifest\":";
/// The longest key.
const MAX_KEY_BYTES: usize = 200;
/// No layout has more documents.
const MAX_MEMBERS: usize = 1000;

/// Reads the object once, in pieces of any size.
#[derive(Clone)]
pub struct MembersVerifier {
    place: Place,
    key: Vec<u8>,
    value: ValueScanner,
    hasher: Sha256,
    value_bytes: u64,
    found: Vec<SealedFile>,
    /// The value of the member with the seal, which is the last one.
    seal: Vec<u8>,
    has_seal: bool,
    bytes: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// These bytes, and then a key.
    Before(&'static [u8]),
    Key,
    Colon,
    Value,
    /// The newline after the object.
    End,
    Over,
}

/// Finds the end of a value.
#[derive(Clone, Copy, Default)]
struct ValueScanner {
    depth: u32,
    in_text: bool,
    is_escaped: bool,
}

impl Default for MembersVerifier {
    fn default() -> Self {
        Self {
            place: Place::Before(b"{\n\""),
            key: Vec::new(),
            value: ValueScanner::default(),
            hasher: Sha256::new(),
            value_bytes: 0,
            found: Vec::new(),
            seal: Vec::new(),
            has_seal: false,
            bytes: 0,
        }
    }
}

impl MembersVerifier {
    /// Checks the next bytes.
    ///
    /// # Errors
    /// If they are not what the writer writes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        self.bytes += bytes.len() as u64;
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match self.place {
                Place::Value => {
                    let end = self.value.find_end(rest);
                    let (value, after) = rest.split_at(end.unwrap_or(rest.len()));
                    self.take_value(value)?;
                    if end.is_some() {
                        self.end_member()?;
                    }
                    rest = after;
                    continue;
                }
                // Nothing follows the seal.
                Place::Before(b",\n\"") if self.has_seal => {
                    if byte != b'}' {
                        return Err(damaged("the object is not as it was written"));
                    }
                    self.place = Place::End;
                }
                Place::Before([expected, then @ ..]) if byte == *expected => {
                    self.place = if then.is_empty() { Place::Key } else { Place::Before(then) };
                }
                Place::Key if byte == b'"' => self.place = Place::Colon,
                Place::Key if byte.is_ascii_alphanumeric() && self.key.len() < MAX_KEY_BYTES => self.key.push(byte),
                Place::Colon if byte == b':' => self.begin_value(),
                Place::End if byte == b'\n' => self.place = Place::Over,
                _ => return Err(damaged("the object is not as it was written")),
            }
            rest = after;
        }
        Ok(())
    }

    /// Compares what was read with the seal.
    ///
    /// # Errors
    /// If the object is cut off, or is not what was sealed.
    pub fn finish(self) -> Result<Verified, VerifyError> {
        if self.place != Place::Over {
            return Err(damaged("the file is cut off: the seal is missing"));
        }
        let FolderSeal { verified, files } = read_seal(&self.seal)?;
        compare(&files, &self.found)?;
        Ok(Verified { bytes: self.bytes, ..verified })
    }

    fn key(&self) -> &str {
        // Only letters and digits of ASCII are taken.
        std::str::from_utf8(&self.key).unwrap_or_default()
    }

    fn begin_value(&mut self) {
        (self.place, self.value, self.value_bytes) = (Place::Value, ValueScanner::default(), 0);
    }

    fn take_value(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        self.value_bytes += bytes.len() as u64;
        if self.key() != SEAL_MEMBER {
            self.hasher.update(bytes);
        } else if self.value_bytes < MAX_SEAL_BYTES {
            self.seal.extend_from_slice(bytes);
        } else {
            return Err(damaged("the seal is too long"));
        }
        Ok(())
    }

    fn end_member(&mut self) -> Result<(), VerifyError> {
        let name = std::mem::take(&mut self.key);
        let sha256 = hex::encode(self.hasher.finalize_reset());
        if name == SEAL_MEMBER.as_bytes() {
            self.has_seal = true;
        } else {
            let name = String::from_utf8(name).unwrap_or_default();
            self.found.push(SealedFile { name, records: 0, bytes: self.value_bytes, sha256 });
        }
        self.place = Place::Before(b",\n\"");
        if self.found.len() > MAX_MEMBERS { Err(damaged("there are too many members")) } else { Ok(()) }
    }
}

impl ValueScanner {
    /// The number of bytes before the comma or bracket that ends the value; nothing if it goes on.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (place, byte) in bytes.iter().enumerate() {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.in_text => self.is_escaped = true,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' | b',' if self.depth == 0 => return Some(place),
                b'}' | b']' => self.depth -= 1,
                _ => {}
            }
        }
        None
    }
}

fn damaged(what: &str) -> VerifyError {
    VerifyError::DamagedDocuments { what: what.to_owned() }
}
