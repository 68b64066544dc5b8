//! The import page: a file is checked in the browser, planned on the server, imported, and taken back if need be.
//!
//! Flow: `ImportPage` shows the steps; `ImportTracker` keeps where the page is and sends the requests; `ChooseFile` has the file
//! checked, `PlanView` shows what would happen to the database, `Outcome` what has. It has a WebAssembly module of its own.

mod choose_file;
mod conflicts;
mod decisions;
mod import_page;
mod kept_imports;
mod outcome;
mod plan_records;
mod plan_view;
mod tracker;
mod words;

pub use import_page::ImportPage;
