//! Waybill exports an application's whole database into one file and proves that the file is complete.
//!
//! `model` shared types · `seal` sealing and verifying a file · `rpc` server functions between page and
//! server · `ui` the pages · `verifier` verification in a web worker of the browser ·
//! `server` server-only code. `docs/architecture.md` says what may import what.
#![recursion_limit = "256"]

pub mod model;
pub mod rpc;
pub mod seal;
#[cfg(feature = "ssr")]
pub mod server;
pub mod ui;
#[cfg(feature = "verifier")]
pub mod verifier;

/// Hydrates an import page. Each of the two is a module of its own, so that no other page loads its code.
#[cfg(any(feature = "importer", feature = "own_importer"))]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate_import() {
    console_error_panic_hook::set_once();
    if cfg!(feature = "own_importer") {
        leptos::mount::hydrate_body(ui::hydrate_own_import);
    } else {
        leptos::mount::hydrate_body(ui::hydrate_import);
    }
}

/// Hydrates a page that the server rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(ui::hydrate);
}
