//! The page: no SQL, no policy.
//!
//! May import: `model`, `seal`, `rpc`. Flow: the server renders a page with its numbers in it; the
//! browser brings the same components to life. What touches the browser itself is in `browser`, and
//! runs in effects and event handlers only, so that the server never reaches it.

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
