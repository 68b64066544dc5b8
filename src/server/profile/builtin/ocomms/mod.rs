//! `OComms`, a team chat for several organisations, on PostgreSQL.
//!
//! May import: `profile::builtin`'s `product` and `seeded_random`, `support`, `model`.

mod sample;

use super::product::Product;
pub use sample::SampleSpec;

pub const PRODUCT: Product = Product {
    name: "ocomms",
    profile: include_str!("profile.toml"),
    guide: include_str!("guide.md"),
    layout: Some(include_str!("layout.toml")),
};
