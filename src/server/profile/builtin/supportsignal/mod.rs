//! `SupportSignal`, an incident-reporting application.
//!
//! May import: `profile::builtin`'s `product` and `seeded_random`, `support`.

mod sample;

use super::product::{Product, SampleData};

pub const PRODUCT: Product = Product {
    name: "supportsignal",
    profile: include_str!("profile.toml"),
    guide: include_str!("guide.md"),
    sample: SampleData {
        sqlite_schema: include_str!("../../../../../migrations/supportsignal/sqlite/0001_supportsignal.sql"),
        postgres_schema: include_str!("../../../../../migrations/supportsignal/postgres/0001_supportsignal.sql"),
        known_users: &sample::KNOWN_USERS,
        insert_records: sample::insert_records,
    },
};
