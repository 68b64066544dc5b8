//! Handlers of forms, which work the same with and without JavaScript: each answers with a redirect or a page.
//!
//! May import: `pages`, `problem`, `security` and `state` of `http`, `identity`, `rpc_context`, `ui`, `model`. Flow: a
//! handler reads the form, calls one use case of `identity`, and shows its error as a `FormError`.

pub mod account;
mod form_error;
pub mod set_up;
pub mod sign_in;
pub mod sign_out;
pub mod theme;
