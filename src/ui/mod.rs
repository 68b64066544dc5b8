//! The web interface, as Leptos components: no SQL, no business rules.
//!
//! May import: `model`, `seal`, `rpc`. Flow: the server renders a page with its data; the browser hydrates
//! the same components. Code that uses browser APIs is in `browser`. It runs in effects and event handlers
//! only, which never run on the server.

mod browser;
mod components;
mod hydration;
mod page_view;
mod pages;
mod routes;
mod shell;

pub use hydration::{hydrate, hydrate_import, hydrate_own_import};
pub use pages::admin::account::RecoveryCodes;
pub use pages::admin::developer_tools::export::filters_html;
pub use pages::sign_in_context::SignInContext;
pub use routes::{Page, StaticPage};
pub use shell::{Theme, shell};
