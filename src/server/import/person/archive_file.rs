//! Checks an archive before anything of it is used: its size, its seal, and who has signed it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::super::check_file::{CheckedFile, FileReader, check_signature};
use super::super::{Error, Result};
use crate::model::manifest::{Contents, Metadata};
use crate::model::text;
use crate::seal::archive::{MAX_ENTRIES, read_archive_seal};
use crate::seal::decompress::CorruptStream;
use crate::seal::folder::{SEAL_FILE, SealedFile};
use crate::seal::{FileVerifier, Verified, VerifyError};
use crate::server::inspect::DocumentReader;
use crate::server::pipeline::container::ArchiveEntries;
use crate::server::pipeline::decompress::Decompressor;
use crate::server::signing::PublicKeys;

const CHUNK_BYTES: usize = 256 << 10;
/// What is smaller may be compressed as well as it is.
const FREE_BYTES: u64 = 8 << 20;

/// What an archive may take.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLimits {
    pub entries: usize,
    /// Once it is unpacked.
    pub bytes: u64,
    /// How many times larger than the file the unpacked archive may be.
    pub ratio: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { entries: MAX_ENTRIES, bytes: 10 << 30, ratio: 100 }
    }
}

/// An archive whose seal is right.
#[derive(Debug)]
pub struct CheckedArchive {
    pub file: CheckedFile,
    pub metadata: Metadata,
    pub contents: Contents,
    /// Its entries, by their names.
    pub entries: BTreeMap<String, SealedFile>,
}

impl CheckedArchive {
    /// Calls `visit` with each entry, in their order, until it returns false. What is read of an entry is compared with the seal.
    ///
    /// # Errors
    /// `Changed` if the file is not what was checked any more; the error of `visit`.
    pub fn for_each_entry(&self, mut visit: impl FnMut(&str, &mut dyn Read) -> Result<bool>) -> Result<()> {
        let mut entries = ArchiveEntries::new(self.file.content()?);
        while let Some(entry) = entries.next_entry().map_err(|_| Error::Changed)? {
            let Some(sealed) = self.entries.get(&entry.name) else { continue };
            let mut content = HashedContent { content: &mut entries, hasher: Sha256::new(), bytes: 0 };
            let goes_on = visit(&entry.name, &mut content)?;
            let is_whole = content.bytes == sealed.bytes;
            if entry.bytes != sealed.bytes || is_whole && hex::encode(content.hasher.finalize()) != sealed.sha256 {
                return Err(Error::Changed);
            }
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    /// The value of the filter that has made it a person's.
    pub fn person(&self) -> Option<&str> {
        let ids = self.metadata.filters_applied.get("person")?;
        ids.first().filter(|_| ids.len() == 1).map(String::as_str)
    }
}

struct HashedContent<'c, R> {
    content: &'c mut R,
    hasher: Sha256,
    bytes: u64,
}

impl<R: Read> Read for HashedContent<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Blocks.
///
/// # Errors
/// `Read` if the file cannot be read, `NotIntact` if it is not whole, `InvalidArchive` if it is no archive, or too large; `NotTrusted`
/// if no trusted key has signed it, unless that is accepted.
pub fn check_archive(
    mut file: File,
    limits: ArchiveLimits,
    trusted: &PublicKeys,
    accept_unsigned: bool,
) -> Result<CheckedArchive> {
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(Error::InvalidArchive(
            "it is a folder: choose the archive itself, as it was exported (.tar.gz)".to_owned(),
        ));
    }
    if !kind.is_file() {
        return Err(Error::NotAFile);
    }
    file.rewind()?;
    let verified = verify(file.try_clone()?, limits)?;
    if verified.metadata.contents.is_none() {
        return Err(not_an_archive());
    }
    let signed_by = check_signature(&verified, trusted, accept_unsigned)?;
    let file = CheckedFile::new(verified, signed_by, Arc::new(file));
    let seal = read_seal(&file)?;
    let sealed = read_archive_seal(&seal)?;
    if sealed.verified.sha256 != file.verified.sha256 {
        return Err(Error::Changed);
    }
    if sealed.files.len() > limits.entries {
        return Err(too_large(&format!("more than {} entries", text::count(limits.entries as u64))));
    }
    let metadata = DocumentReader::open(&seal[..])?.metadata;
    let contents = metadata.contents.clone().ok_or_else(not_an_archive)?;
    let entries = sealed.files.into_iter().map(|file| (file.name.clone(), file)).collect();
    Ok(CheckedArchive { file, metadata, contents, entries })
}

fn not_an_archive() -> Error {
    Error::InvalidArchive("it is no person's archive: an export of a database is imported without a person".to_owned())
}

fn too_large(what: &str) -> Error {
    Error::InvalidArchive(format!("it has {what}, which is more than is taken"))
}

/// Reads the whole archive once. What is too large is not read to its end.
fn verify(file: File, limits: ArchiveLimits) -> Result<Verified> {
    let corrupt = |error: io::Error| {
        if CorruptStream::is_cause_of(&error) {
            Error::NotIntact(VerifyError::CorruptStream { what: error.to_string() })
        } else {
            Error::Read(error)
        }
    };
    let mut content = Decompressor::new(file).map_err(corrupt)?;
    let (mut verifier, mut buffer, mut bytes) = (FileVerifier::default(), vec![0; CHUNK_BYTES], 0);
    loop {
        let read = content.read(&mut buffer).map_err(corrupt)?;
        if read == 0 {
            return Ok(verifier.finish()?);
        }
        bytes += read as u64;
        if bytes > limits.bytes {
            return Err(too_large(&format!("more than {} once it is unpacked", text::bytes(limits.bytes))));
        }
        if bytes > FREE_BYTES && bytes / limits.ratio > content.bytes_read() {
            return Err(too_large(&format!("{} times its size once it is unpacked", text::count(limits.ratio))));
        }
        verifier.feed(&buffer[..read])?;
        if !matches!(verifier, FileVerifier::Archive(_) | FileVerifier::Undecided(..)) {
            return Err(not_an_archive());
        }
    }
}

/// The last entry.
fn read_seal(file: &CheckedFile) -> Result<Vec<u8>> {
    let content: Decompressor<FileReader> = file.content()?;
    let mut entries = ArchiveEntries::new(content);
    while let Some(entry) = entries.next_entry().map_err(|_| Error::Changed)? {
        if entry.name == SEAL_FILE {
            let mut seal = Vec::new();
            entries.read_to_end(&mut seal)?;
            return Ok(seal);
        }
    }
    Err(Error::Changed)
}
