//! What everybody has here: their own data.

mod import;
mod own_data_page;
mod own_exports;
mod strings;

pub use import::OwnImportPage;
pub use own_data_page::OwnDataPage;
