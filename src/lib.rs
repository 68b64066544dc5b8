//! Waybill takes an application's data out of its database, proves that all of it is there, and puts
//! it back.
//!
//! `model` the words · `seal` the proof · `rpc` the seam between page and server · `ui` the page ·
//! `verifier` the check of a file on a thread of the browser's own ·
//! `server` everything that never reaches the browser. Arrows point from right to left.
#![recursion_limit = "256"]

pub mod model;
pub mod rpc;
pub mod seal;
#[cfg(feature = "ssr")]
pub mod server;
pub mod ui;
#[cfg(feature = "verifier")]
pub mod verifier;

/// Brings a page that the server rendered to life.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(ui::hydrate);
}
