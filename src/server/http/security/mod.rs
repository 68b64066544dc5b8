//! What guards every request: host and origin, security headers, the session behind a cookie.
//!
//! May import: the parts of `http` that answer (`problem`, `state`), `identity`, `rpc_context`, `model`. Flow:
//! `headers` and `authentication` are layers of the router; `cookies`, `client_address` and `public_url` are what they and
//! the handlers of forms read a request with.

pub mod authentication;
pub mod client_address;
pub mod cookies;
pub mod headers;
pub mod public_url;
