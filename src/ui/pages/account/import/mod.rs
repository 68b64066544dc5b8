//! A person's archive comes back: checked in the browser, previewed on the server, imported, and taken back if need be.
//!
//! Flow: `OwnImportPage` shows the steps; `OwnImportTracker` keeps where the page is and sends the requests; `PreviewView` shows what each
//! mode would do, `Outcome` what has become of it. It has a WebAssembly module of its own.

mod import_page;
mod kept_imports;
mod outcome;
mod preview_view;
mod tracker;
mod words;

pub use import_page::OwnImportPage;
