//! Shared types: plain data and pure rules for browser and server.
//!
//! Lives here: what is exchanged between page, server and file. May import: no other module of this crate.
//! Flow: every other module uses these types; they do no I/O themselves.

pub mod access;
pub mod artifact_name;
pub mod catalog;
pub mod change_reason;
pub mod channel;
pub mod classification;
pub mod csv;
pub mod drift;
pub mod error;
pub mod explanation;
pub mod export;
pub mod form_error;
pub mod history;
pub mod import;
pub mod import_page;
pub mod import_plan;
pub mod import_report;
pub mod import_undo;
pub mod import_update;
pub mod manifest;
pub mod name;
pub mod ordered_map;
pub mod organization;
pub mod output;
pub mod own_data;
pub mod own_import;
pub mod part_filters;
pub mod part_query;
pub mod plan_csv;
pub mod preview;
pub mod redaction;
pub mod route;
pub mod selection;
pub mod text;

pub use error::ApiError;
