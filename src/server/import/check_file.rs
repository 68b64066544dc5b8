//! Checks a file before anything of it is used: its seal, and who has signed it.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::{Error, Result};
use crate::seal::{Verified, VerifyError};
use crate::server::pipeline::decompress::Decompressor;
use crate::server::pipeline::verify_content;
use crate::server::signing::{PublicKeys, SignatureStatus};

/// A file whose seal is right. It stays open: another file of its name is another file.
#[derive(Debug)]
pub struct CheckedFile {
    pub verified: Verified,
    /// The id of the trusted key that has signed it.
    pub signed_by: Option<String>,
    /// What the file is known by: the digest of its seal, or of the seal of the archive that it was made of.
    pub sha256: String,
    file: Arc<File>,
}

impl CheckedFile {
    pub fn new(verified: Verified, signed_by: Option<String>, file: Arc<File>) -> Self {
        Self { sha256: verified.sha256.clone(), verified, signed_by, file }
    }

    /// The file's content, from its beginning.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn content(&self) -> Result<Decompressor<FileReader>> {
        Ok(Decompressor::new(FileReader { file: self.file.clone(), offset: 0 })?)
    }
}

/// Reads a file from its beginning, whoever reads it meanwhile: descriptors of the same open file share one place in it.
#[derive(Debug)]
pub struct FileReader {
    file: Arc<File>,
    offset: u64,
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Blocks.
///
/// # Errors
/// `Read` if the file cannot be read, `NotIntact` if it is not whole, `Layout` if it holds other documents; `NotTrusted` if no
/// trusted key has signed it, unless that is accepted.
pub fn check_file(mut file: File, trusted: &PublicKeys, accept_unsigned: bool) -> Result<CheckedFile> {
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(Error::Layout);
    }
    if !kind.is_file() {
        return Err(Error::NotAFile);
    }
    file.rewind()?;
    let verified = verify_content(file.try_clone()?, |_| ())??;
    if verified.metadata.contents.is_some() {
        return Err(Error::Layout);
    }
    if verified.metadata.import_plan.is_some() {
        return Err(Error::IsPlan);
    }
    let signed_by = check_signature(&verified, trusted, accept_unsigned)?;
    Ok(CheckedFile::new(verified, signed_by, Arc::new(file)))
}

/// Returns the id of the trusted key that has signed a file, if one has.
///
/// # Errors
/// `NotIntact` for a wrong signature; `NotTrusted` if no trusted key has signed it, unless that is accepted.
pub fn check_signature(verified: &Verified, trusted: &PublicKeys, accept_unsigned: bool) -> Result<Option<String>> {
    let untrusted = match trusted.check_signature(verified.signature.as_ref()) {
        SignatureStatus::Trusted(key) => return Ok(Some(key.id())),
        SignatureStatus::Invalid => return Err(VerifyError::InvalidSignature.into()),
        SignatureStatus::Untrusted(key) => format!("signed with key {}, which is not trusted here", key.id()),
        SignatureStatus::Unsigned => "not signed".to_owned(),
    };
    if accept_unsigned { Ok(None) } else { Err(Error::NotTrusted(untrusted)) }
}
