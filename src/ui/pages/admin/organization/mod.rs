//! What owners of organisations can do.

mod export_page;
mod summary;

pub use export_page::OrganizationExportPage;
