//! A realistic incident-reporting database of any size, the same for the same seed.
//!
//! May import: `profile::builtin`'s `product` and `seeded_random`, `support`, `model`. Flow: `records` makes the `Sample` of a
//! `SampleSpec`, and a `SampleWriter` whose methods insert the tables, one file for each subject.

mod ai_runs;
mod analysis;
mod companies;
mod credentials;
mod incidents;
mod known_users;
mod participants;
mod prompts;
mod questions;
mod records;
mod spec;
mod texts;
mod users;
mod writer;

pub use spec::SampleSpec;
