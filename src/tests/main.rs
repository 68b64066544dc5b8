//! Scenario tests: each test name states what a user sees, on the real server with a real database.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::format_collect,
    clippy::similar_names,
    reason = "a test fails by panicking; the rest reads better in sentences"
)]

mod accounts;
mod architecture;
mod audit;
mod both_engines;
mod built_in_profile;
mod chosen_parts;
mod command_line;
mod derived_columns;
mod downloads;
mod exports;
mod faults;
mod guesses;
mod harness;
mod hostile_source;
mod import_page;
mod imports;
mod inspect;
mod jobs;
mod killed;
mod look_alikes;
mod lossless;
mod ocomms;
mod organizations;
mod other_stores;
mod overload;
mod owners;
mod persons;
mod postgres;
mod postgres_client;
mod postgres_waits;
mod previews;
mod profiles;
mod pseudonyms;
mod random_steps;
mod rebind;
mod references_by_kind;
mod references_within_values;
mod routes;
mod scopes;
mod seal;
mod second_factor;
mod segments;
mod sign_in;
mod signing;
mod source_choices;
mod source_contract;
mod sources;
mod state;
mod store_contract;
mod table_owners;
mod upgrade;
