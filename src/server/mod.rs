//! Server code, which is never compiled for the browser.
//!
//! Entry points (`http`, `cli`, `worker`) translate and decide nothing; `app` assembles; use cases (`export`,
//! `import`, `history`) authorise, act and audit; parts do one thing each and know nothing of users; `rows` and
//! `support` are the lowest layer. Imports only point down; `src/tests/architecture/` enforces it.

pub mod api_error;
pub mod app;
pub mod artifact;
pub mod audit;
pub mod binding;
pub mod cli;
pub mod export;
pub mod guide;
pub mod history;
pub mod http;
pub mod identity;
pub mod import;
pub mod inspect;
pub mod jobs;
pub mod key_rotation;
pub mod layout;
pub mod pipeline;
pub mod profile;
pub mod profiles;
pub mod readiness;
pub mod rows;
pub mod rpc_context;
pub mod sample;
pub mod selection;
pub mod signing;
pub mod source;
pub mod state;
pub mod subset;
pub mod support;
pub mod worker;
