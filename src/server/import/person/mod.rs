//! A person's archive, as a document of records that become theirs.
//!
//! Nothing that the archive says about whose its records are counts: they become the importer's. `archive_file` checks the
//! archive; `archive_import` reads it twice: to find out which of its ids are whose, and to write the document. For that,
//! `record_conversion` gives each record its ids, references, names and file.

mod archive_file;
mod archive_import;
mod content_type;
mod known_ids;
mod media;
mod natural_keys;
mod own_names;
mod record_conversion;
mod table_shape;

pub use archive_file::{ArchiveLimits, CheckedArchive, check_archive};
pub use archive_import::{ArchiveImport, Converted, remove_orphaned_media};
