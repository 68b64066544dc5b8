//! The temporary files of the command line, beside their destination.

use std::fs::{DirEntry, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use tempfile::{NamedTempFile, TempDir};

use crate::server::support::private_folder::is_owned_by_process_user;

/// Prefix and suffix of temporary files.
const TEMPORARY_AFFIXES: (&str, &str) = (".waybill-", ".part");
/// Cleanup spares younger files: they may not be locked yet.
const LOCK_GRACE_PERIOD: Duration = Duration::from_mins(1);

/// Creates a temporary file, removed when dropped.
///
/// # Errors
/// If the folder does not exist or cannot be written.
pub fn create(folder: &Path) -> io::Result<NamedTempFile> {
    let file = tempfile::Builder::new().prefix(TEMPORARY_AFFIXES.0).suffix(TEMPORARY_AFFIXES.1).tempfile_in(folder)?;
    // Shared lock held while writing; cleanup removes unlocked files only. Where the file system has no locks, cleanup
    // removes nothing.
    let _ = file.as_file().try_lock_shared();
    Ok(file)
}

/// Creates a temporary folder, readable by this process's user only and removed when dropped, and the lock on it.
///
/// # Errors
/// If the folder around it does not exist or cannot be written.
pub fn create_folder(parent: &Path) -> io::Result<(TempDir, File)> {
    let folder = tempfile::Builder::new()
        .prefix(TEMPORARY_AFFIXES.0)
        .suffix(TEMPORARY_AFFIXES.1)
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(parent)?;
    let lock = File::open(folder.path())?;
    let _ = lock.try_lock_shared();
    Ok((folder, lock))
}

/// Removes temporary files and folders of killed exports: they hold personal data, and nothing else removes them. What a
/// live process is writing is locked, or too new to be locked yet.
pub fn remove_stale(folder: &Path) {
    let Ok(entries) = folder.read_dir() else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if is_temporary_name(&path) && is_stale(&path).unwrap_or(false) {
            let _ = if path.is_dir() { remove_folder(&path) } else { std::fs::remove_file(&path) };
        }
    }
}

/// Removes a folder with the files that an export writes, and nothing else: a folder with anything else in it is not ours.
fn remove_folder(path: &Path) -> io::Result<()> {
    let files = path.read_dir()?.collect::<io::Result<Vec<_>>>()?;
    let is_ours = |file: &DirEntry| {
        let is_json = file.path().extension().is_some_and(|extension| extension == "json");
        is_json && file.file_type().is_ok_and(|kind| kind.is_file())
    };
    if files.iter().all(is_ours) {
        files.iter().try_for_each(|file| std::fs::remove_file(file.path()))?;
        std::fs::remove_dir(path)?;
    }
    Ok(())
}

/// Whether the name is one that Waybill gives: prefix, six letters or digits, suffix.
fn is_temporary_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let random_part = name.strip_prefix(TEMPORARY_AFFIXES.0).and_then(|rest| rest.strip_suffix(TEMPORARY_AFFIXES.1));
    random_part.is_some_and(|drawn| drawn.len() == 6 && drawn.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether the file is ours and no process writes it. Follows no symbolic link and never blocks on a pipe.
fn is_stale(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    if !(metadata.is_file() || metadata.is_dir()) || !is_owned_by_process_user(&metadata) {
        return Ok(false);
    }
    let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
    Ok(age > LOCK_GRACE_PERIOD && file.try_lock().is_ok())
}
