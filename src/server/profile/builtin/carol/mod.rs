//! Carol, a person's own record of their career and of the people whom they know.
//!
//! May import: `profile::builtin`'s `product` and `seeded_random`, `support`, `model`.

mod sample;

use super::product::Product;
pub use sample::SampleSpec;

pub const PRODUCT: Product = Product {
    name: "carol",
    profile: include_str!("profile.toml"),
    guide: include_str!("guide.md"),
    layout: Some(include_str!("layout.toml")),
};
