//! The records of some people, the same for the same seed, with what archives must keep: texts that YAML takes for something
//! else, references in circles, in JSON and by type, files, and texts that say whose they are.
//!
//! May import: `profile::builtin`'s `product` and `seeded_random`, `support`, `model`. Flow: `records` makes the `Sample` of a
//! `SampleSpec`, and a `SampleWriter` whose methods insert the tables, one file for each subject.

mod accounts;
mod career;
mod files;
mod known_users;
mod network;
mod notes;
mod records;
mod spec;
mod texts;
mod writer;

pub use spec::SampleSpec;
