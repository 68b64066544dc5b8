//! A team chat of any size, the same for the same seed, with what tests of isolation need: people of several
//! organisations, guests, people who left, texts that say whose they are.
//!
//! May import: `profile::builtin`'s `product` and `seeded_random`, `support`, `model`. Flow: `records` makes the `Sample` of a
//! `SampleSpec`, and lists the tables with the method of `Chat` that writes each. Nothing is remembered from row to row:
//! ids, authors, places and times are computed from a row's number, so that memory is the same for any size. `people` says
//! who is in an organisation, `places` where a message is; the other files write the tables of one subject.

mod accounts;
mod attachments;
mod channel_members;
mod channels;
mod chat;
mod conversations;
mod credentials;
mod groups;
mod known_users;
mod messages;
mod notifications;
mod organizations;
mod people;
mod person;
mod personal;
mod places;
mod read_states;
mod records;
mod reminders;
mod spec;
mod texts;
mod thread_participants;
mod threads;
mod users;

pub use spec::SampleSpec;
