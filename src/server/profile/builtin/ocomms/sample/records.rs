//! The sample: its schema, and the method that writes each table.

use std::rc::Rc;

use super::chat::{Chat, hash_passwords};
use super::credentials::MAX_HOLDERS;
use super::known_users::KNOWN_USERS;
use super::spec::SampleSpec;
use super::{attachments, notifications, personal, reminders};
use crate::model::text;
use crate::server::profile::builtin::product::{CopyRecords, Records, Sample, TableRows};
use crate::server::support::copy_text::CopyText;

const POSTGRES_SCHEMA: &str = include_str!("../../../../../../migrations/ocomms/postgres/0001_ocomms.sql");

impl SampleSpec {
    /// The sample of this size and seed.
    #[must_use]
    pub fn sample(self) -> Sample {
        let organizations = text::count_with_noun(self.organizations, "organization");
        let messages = text::count_with_noun(self.messages, "message");
        Sample {
            application: "ocomms",
            summary: format!("{organizations}, {messages}, seed {}", self.seed),
            known_users: &KNOWN_USERS,
            postgres_schema: POSTGRES_SCHEMA,
            files: None,
            records: Records::Copied(Box::new(self)),
        }
    }
}

/// Writes the rows of one step.
type WriteRows = fn(&Chat, u64, &mut CopyText);
/// A table, and how many steps its rows take.
type Table = (&'static str, u64, WriteRows);

impl CopyRecords for SampleSpec {
    fn tables(&self, password: &str) -> Vec<TableRows> {
        let chat = Rc::new(Chat::new(self, hash_passwords(password, self.seed)));
        let tables = [of_users(&chat), of_organizations(&chat), of_messages(&chat)].concat();
        let to_rows = |(table, steps, write): Table| {
            let chat = chat.clone();
            TableRows { table, steps, write: Box::new(move |step, rows| write(&chat, step, rows)) }
        };
        tables.into_iter().map(to_rows).collect()
    }
}

fn of_users(chat: &Chat) -> Vec<Table> {
    let users = chat.user_count();
    let holders = users.min(MAX_HOLDERS);
    vec![
        ("users", users, Chat::write_user),
        ("accounts", users, Chat::write_accounts),
        ("profiles", users, Chat::write_profile),
        ("user_storage", users, Chat::write_user_storage),
        ("two_factor", users, Chat::write_two_factor),
        ("user_statuses", users.div_ceil(3), Chat::write_user_status),
        ("sessions", holders, Chat::write_session),
        ("verifications", holders.div_ceil(7), Chat::write_verification),
        ("password_history", holders.div_ceil(5), Chat::write_password_history),
        ("user_lockouts", holders.div_ceil(9), Chat::write_user_lockout),
        ("push_subscriptions", holders.div_ceil(4), Chat::write_push_subscription),
    ]
}

fn of_organizations(chat: &Chat) -> Vec<Table> {
    let organizations = chat.organizations;
    let writers: [(&'static str, WriteRows); 22] = [
        ("organizations", Chat::write_organization),
        ("members", Chat::write_members),
        ("invitations", Chat::write_invitations),
        ("guest_invites", Chat::write_guest_invites),
        ("workspace_join_requests", Chat::write_join_requests),
        ("user_groups", Chat::write_user_groups),
        ("user_group_members", Chat::write_user_group_members),
        ("custom_emojis", Chat::write_custom_emojis),
        ("channel_categories", Chat::write_channel_categories),
        ("channels", Chat::write_channels),
        ("channel_notes", Chat::write_channel_notes),
        ("user_category_collapse_states", Chat::write_collapse_states),
        ("channel_members", Chat::write_channel_members),
        ("guest_channel_access", Chat::write_guest_channel_access),
        ("channel_notification_settings", Chat::write_notification_settings),
        ("conversations", Chat::write_conversations),
        ("conversation_participants", Chat::write_conversation_participants),
        ("channel_read_state", Chat::write_read_states),
        ("pinned_messages", Chat::write_pinned_messages),
        ("personal_notes", Chat::write_personal_notes),
        ("user_sidebar_preferences", Chat::write_sidebar_preferences),
        ("scheduled_messages", Chat::write_scheduled_messages),
    ];
    writers.into_iter().map(|(table, write)| (table, organizations, write)).collect()
}

fn of_messages(chat: &Chat) -> Vec<Table> {
    let every = |interval| chat.steps_of_every(interval);
    vec![
        ("messages", chat.messages, Chat::write_message),
        ("reactions", chat.messages, Chat::write_reactions),
        ("thread_participants", chat.messages, Chat::write_thread_participants),
        ("notifications", every(notifications::EVERY), Chat::write_notification),
        ("file_attachments", every(attachments::FILE_EVERY), Chat::write_files),
        ("link_previews", chat.link_preview_count(), Chat::write_link_preview),
        ("message_link_previews", every(attachments::LINK_EVERY), Chat::write_message_link_previews),
        ("bookmarks", every(personal::BOOKMARK_EVERY), Chat::write_bookmarks),
        ("reminders", every(reminders::REMINDER_EVERY), Chat::write_reminder),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_rows_and_another_one_others() {
        let rows_of = |seed: u64| -> Vec<(&'static str, Vec<u8>)> {
            let spec = SampleSpec { organizations: 3, messages: 300, seed };
            let to_bytes = |rows: TableRows| {
                let mut text = CopyText::default();
                (0..rows.steps).for_each(|step| (rows.write)(step, &mut text));
                (rows.table, text.as_bytes().to_vec())
            };
            spec.tables("secret").into_iter().map(to_bytes).collect()
        };
        let (one, again, other) = (rows_of(1), rows_of(1), rows_of(2));
        assert_eq!(one.len(), 42);
        assert!(one == again);
        assert!(one.iter().all(|(table, rows)| !rows.is_empty() && !table.is_empty()));
        assert!(one != other);
    }
}
