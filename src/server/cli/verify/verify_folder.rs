//! Reads a folder and checks it against its seal.

use std::collections::BTreeSet;
use std::fs::{DirEntry, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::seal::archive::{MEDIA_FOLDER, read_archive_seal};
use crate::seal::folder::{FolderSeal, MAX_SEAL_BYTES, SEAL_FILE, SealedFile};
use crate::seal::{Verified, VerifyError};
use crate::server::cli::exit::{CliError, Exit};

/// Verifies a folder: its seal, each file that it lists, and that there are no others. The outer error: it cannot be read;
/// the inner one: it is not intact.
pub fn verify_folder(folder: &Path) -> Result<Result<Verified, VerifyError>, CliError> {
    let read_error = |path: &Path, error: &io::Error| {
        CliError::new(Exit::Failure, format!("{} cannot be read: {error}", path.display()))
    };
    let seal_path = folder.join(SEAL_FILE);
    if seal_path.symlink_metadata().is_ok_and(|seal| !seal.is_file()) {
        return Ok(Err(damaged("the seal is no file")));
    }
    let seal = match open(&seal_path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Err(damaged("the seal is missing"))),
        opened => opened.map_err(|error| read_error(&seal_path, &error))?,
    };
    let mut bytes = Vec::new();
    seal.take(MAX_SEAL_BYTES).read_to_end(&mut bytes).map_err(|error| read_error(&seal_path, &error))?;
    let FolderSeal { verified, files } = match read_archive_seal(&bytes) {
        Ok(seal) => seal,
        Err(error) => return Ok(Err(error)),
    };
    let mut total = bytes.len() as u64;
    for file in &files {
        let path = folder.join(&file.name);
        match check_file(&path, file) {
            Ok(None) => total += file.bytes,
            Ok(Some(error)) => return Ok(Err(error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Err(damaged(&format!("{} is missing", file.name))));
            }
            Err(error) => return Err(read_error(&path, &error)),
        }
    }
    let found = unlisted(folder, &files).map_err(|error| read_error(folder, &error))?;
    Ok(match found {
        Some(name) => Err(damaged(&format!("{name} is not listed in the seal"))),
        None => Ok(Verified { bytes: total, ..verified }),
    })
}

/// Follows no symbolic link and never blocks on a pipe.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
}

/// What is wrong with a file, if anything is.
fn check_file(path: &Path, sealed: &SealedFile) -> io::Result<Option<VerifyError>> {
    if !path.symlink_metadata()?.is_file() {
        return Ok(Some(damaged(&format!("{} is no file", sealed.name))));
    }
    let file = open(path)?;
    if file.metadata()?.len() != sealed.bytes {
        return Ok(Some(damaged(&format!("{} has another length than the seal says", sealed.name))));
    }
    // One that grows meanwhile is not read without end.
    let mut file = file.take(sealed.bytes);
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    let is_same = hex::encode(hasher.finalize()) == sealed.sha256;
    Ok((!is_same).then(|| VerifyError::DigestMismatch { place: format!("in {}", sealed.name) }))
}

/// A name in the folder that the seal does not list.
fn unlisted(folder: &Path, files: &[SealedFile]) -> io::Result<Option<String>> {
    let listed: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).chain([SEAL_FILE]).collect();
    let mut found = names_in(folder, "")?;
    if listed.iter().any(|name| name.starts_with(MEDIA_FOLDER))
        && folder.join(MEDIA_FOLDER).symlink_metadata()?.is_dir()
    {
        found.retain(|name| name != MEDIA_FOLDER.trim_end_matches('/'));
        found.extend(names_in(&folder.join(MEDIA_FOLDER), MEDIA_FOLDER)?);
    }
    for name in found {
        if !listed.contains(name.as_str()) {
            return Ok(Some(crate::model::text::one_line(&name)));
        }
    }
    Ok(None)
}

fn names_in(folder: &Path, before: &str) -> io::Result<Vec<String>> {
    let name = |entry: io::Result<DirEntry>| Ok(format!("{before}{}", entry?.file_name().to_string_lossy()));
    folder.read_dir()?.map(name).collect()
}

fn damaged(what: &str) -> VerifyError {
    VerifyError::DamagedDocuments { what: what.to_owned() }
}
