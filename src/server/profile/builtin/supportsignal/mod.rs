//! `SupportSignal`, an incident-reporting application.
//!
//! May import: `profile::builtin`'s `product` and `seeded_random`, `support`.

mod sample;

use super::product::Product;
pub use sample::SampleSpec;

pub const PRODUCT: Product = Product {
    name: "supportsignal",
    profile: include_str!("profile.toml"),
    guide: include_str!("guide.md"),
    layout: None,
};
