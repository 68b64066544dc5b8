//! The export tool: the export page itself, the page of a run, history, audit trail, guide, and verifying a file.
//!
//! Flow of the export page: the server renders `ExportPage` with its data; in the browser `RunTracker` follows a run through
//! its events, and `PreviewTracker` the preview of the chosen part, until every table is counted and measured.

mod announcer;
mod audit;
mod breadcrumbs;
mod drift;
mod export_page;
mod guesses;
mod guide;
mod history;
mod part;
mod preview_header;
mod preview_tracker;
mod progress;
mod progress_figures;
mod run_page;
mod run_result;
mod run_tracker;
mod start_form;
mod stats;
mod tables;
mod verify;

pub use audit::{AuditPage, AuditQuery};
pub use export_page::ExportPage;
pub use guide::GuidePage;
pub use history::{Entries, HistoryPage};
pub use part::filters_html;
pub use run_page::RunPage;
pub use verify::VerifyPage;
