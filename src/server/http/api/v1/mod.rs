//! `/api/v1/exports/{id}/…`: the file of an export, its progress, its cancellation. `/api/v1/imports`: plans, imports, undoes.
//!
//! May import: `security`, `problem` and `state` of `http`, `app` and what it offers, `rpc_context`, `model`.

pub mod events;
pub mod export_file;
pub mod imports;
mod range;
