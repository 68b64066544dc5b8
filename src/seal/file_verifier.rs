//! Verifies a file of any kind: a document, or an object or an archive with the documents of a layout.

use super::archive::{ARCHIVE_OPENING, ArchiveVerifier};
use super::document::Verifier;
use super::hash::{Digester, Sha256Digester};
use super::members::{MembersVerifier, OBJECT_OPENING};
use super::{Verified, VerifyError};

/// Reads a file once, in pieces of any size, and finds out what it is.
pub enum FileVerifier<D = Sha256Digester> {
    /// The bytes so far may be the beginning of any.
    Undecided(Vec<u8>, Box<Verifier<D>>),
    Document(Box<Verifier<D>>),
    Members(Box<MembersVerifier>),
    Archive(Box<ArchiveVerifier>),
}

impl Default for FileVerifier {
    fn default() -> Self {
        Self::with_digester(Sha256Digester::default())
    }
}

impl<D: Digester> FileVerifier<D> {
    /// Creates a verifier that hashes a document with `digester`.
    pub fn with_digester(digester: D) -> Self {
        Self::Undecided(Vec::new(), Box::new(Verifier::with_digester(digester)))
    }

    /// Checks the next bytes of the file.
    ///
    /// # Errors
    /// The first error found; the rest of the file need not be read.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        match self {
            Self::Document(document) => document.feed(bytes),
            Self::Members(members) => members.feed(bytes),
            Self::Archive(archive) => archive.feed(bytes),
            Self::Undecided(head, _) => {
                head.extend_from_slice(bytes);
                let may_become = |opening: &[u8]| head.len() < opening.len() && opening.starts_with(head);
                if may_become(OBJECT_OPENING) || may_become(ARCHIVE_OPENING) {
                    return Ok(());
                }
                self.decide()
            }
        }
    }

    fn decide(&mut self) -> Result<(), VerifyError> {
        let members = Self::Members(Box::default());
        let Self::Undecided(head, document) = std::mem::replace(self, members) else { return Ok(()) };
        if head.starts_with(ARCHIVE_OPENING) {
            *self = Self::Archive(Box::default());
        } else if !head.starts_with(OBJECT_OPENING) {
            *self = Self::Document(document);
        }
        self.feed(&head)
    }

    /// Checks that the bytes fed are a complete file with the right seal.
    ///
    /// # Errors
    /// The error, when the file is empty or cut off, or its seal is not the expected one; `FolderSealAlone` for a seal without
    /// its files.
    pub fn finish(mut self) -> Result<Verified, VerifyError> {
        if matches!(self, Self::Undecided(..)) {
            self.decide()?;
        }
        match self {
            Self::Members(members) => members.finish(),
            Self::Archive(archive) => archive.finish(),
            Self::Document(document) | Self::Undecided(_, document) => {
                let verified = document.finish()?;
                if verified.metadata.contents.is_some() { Err(VerifyError::FolderSealAlone) } else { Ok(verified) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_short_to_be_anything_is_told_as_before() {
        assert_eq!(FileVerifier::default().finish(), Err(VerifyError::Empty));
        for short in ["{", "{\n\"man", "x"] {
            let mut check = FileVerifier::default();
            let fed = check.feed(short.as_bytes());
            assert!(fed.and_then(|()| check.finish().map(drop)).is_err(), "{short}");
        }
    }
}
