//! A file that was checked: a document, or a person's archive.

use std::fs::File;

use super::Result;
use super::check_file::{CheckedFile, check_file};
use super::person::{ArchiveLimits, CheckedArchive, check_archive};
use crate::server::signing::PublicKeys;

/// What is imported.
#[derive(Debug)]
pub enum ImportFile {
    Document(Box<CheckedFile>),
    Archive(Box<CheckedArchive>),
}

impl ImportFile {
    /// Checks an archive, which is what a person's data come from, or a document. Blocks.
    ///
    /// # Errors
    /// As `check_archive`, or as `check_file`.
    pub fn check(file: File, is_archive: bool, trusted: &PublicKeys, accept_unsigned: bool) -> Result<Self> {
        if is_archive {
            let archive = check_archive(file, ArchiveLimits::default(), trusted, accept_unsigned)?;
            return Ok(Self::Archive(Box::new(archive)));
        }
        Ok(Self::Document(Box::new(check_file(file, trusted, accept_unsigned)?)))
    }

    pub fn checked(&self) -> &CheckedFile {
        match self {
            Self::Document(file) => file,
            Self::Archive(archive) => &archive.file,
        }
    }
}
