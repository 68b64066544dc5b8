//! Leptos server functions: the page calls them, the server runs them.
//!
//! May import: `model`; in bodies only `server::rpc_context`. Flow: each body calls one use case; the
//! context finds the caller and reduces errors to what a client may know.
//!
//! Besides the errors that each function documents, any of them can return `Overloaded`, `Unavailable` or `Internal`,
//! because it looks up the caller first.

mod error;
pub mod export;
pub mod history;
pub mod import;
pub mod json;
pub mod organization;
pub mod own_data;
pub mod session;
