//! Everything that never reaches the browser.
//!
//! Doors (`http`, `cli`, `worker`) translate and decide nothing; `app` assembles; use cases (`export`,
//! `history`) tell the story; parts do one thing each and know nothing of users; `rows` and `support`
//! are the floor. Arrows only point down; `src/tests/architecture.rs` holds them to it.

pub mod answer;
pub mod app;
pub mod artifact;
pub mod audit;
pub mod binding;
pub mod classification;
pub mod cli;
pub mod context;
pub mod export;
pub mod guide;
pub mod history;
pub mod http;
pub mod identity;
pub mod inspect;
pub mod pipeline;
pub mod profile;
pub mod readiness;
pub mod rows;
pub mod sample;
pub mod signing;
pub mod source;
pub mod state;
pub mod support;
pub mod worker;
