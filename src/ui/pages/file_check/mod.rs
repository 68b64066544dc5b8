//! Checking an exported file in the browser, for the pages that take one: it is read in a Web Worker and not uploaded.
//!
//! Flow: `DropZone` hands over the chosen file; `FileChecker` has it checked and keeps the state; `CheckResult` shows it.

mod checker;
mod drop_zone;
mod result;
mod valid_file;

pub use checker::{CheckState, FileChecker, SignatureStatus};
pub use drop_zone::DropZone;
pub use result::CheckResult;
