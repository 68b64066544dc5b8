//! The REST endpoints, one folder per version of their addresses, and those whose address a product has set.

mod import_session;
pub mod organization;
pub mod own_data;
pub mod own_import;
pub mod v1;
