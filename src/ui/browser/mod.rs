//! Wrappers of browser APIs. Called from effects and event handlers, never while rendering.
//!
//! May import: `model`, `seal`. Flow: each file wraps one browser API in small functions.

mod clipboard;
mod download;
mod file_check;
mod import_request;
mod location;
mod own_import;
mod part_form;
mod plan_file;
mod run_events;
mod signature;

pub use clipboard::copy_to_clipboard;
pub use download::{request_cancellation, start_download};
pub use file_check::{check_file, dropped_file, picked_file};
pub use import_request::{RequestUpdate, keep_file, post, request_import, request_plan};
pub use location::{current_url, take_query};
pub use own_import::{FormUpdate, send_form};
pub use part_form::{field_name, focus, form_query, linked_part, reload_on_navigation, replace_regions, show_address};
pub use plan_file::{FoundChanges, find_changes, plan_head, save_changes, save_plan};
pub use run_events::follow_run;
pub use signature::verify_signature;
