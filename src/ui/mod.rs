//! The web interface, as Leptos components: no SQL, no business rules.
//!
//! May import: `model`, `seal`, `rpc`. Flow: the server renders a page with its data; the browser hydrates
//! the same components. Code that uses browser APIs is in `browser`. It runs in effects and event handlers
//! only, which never run on the server.

mod app;
mod browser;
mod components;
mod hydration;
mod pages;
mod shell;

pub use app::{ADDRESSES, Page, StaticPage};
pub use hydration::hydrate;
pub use pages::admin::account::RecoveryCodes;
pub use pages::login::FirstVisit;
pub use shell::{Theme, shell};
