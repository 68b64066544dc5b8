//! How far people have read.

use uuid::Uuid;

use super::chat::{Chat, days_after_start, pair};
use super::places::{CHANNELS, CONVERSATIONS, GENERAL, Place, RANDOM};
use crate::server::support::copy_text::CopyText;

impl Chat {
    /// Of members in two channels, and of all participants of direct conversations.
    pub fn write_read_states(&self, organization: u64, rows: &mut CopyText) {
        for channel in [GENERAL, RANDOM] {
            for person in self.members(organization) {
                if self.is_in_channel(organization, channel, person) {
                    let id = pair(organization * CHANNELS.len() as u64 + channel, person.user);
                    let place = Place::Channel(channel);
                    self.write_read_state(self.uuid("channel read", id), organization, place, person.user, rows);
                }
            }
        }
        for conversation in 0..CONVERSATIONS {
            for user in self.participants(organization, conversation) {
                let id = pair(organization * CONVERSATIONS + conversation, user);
                let place = Place::Conversation(conversation);
                self.write_read_state(self.uuid("conversation read", id), organization, place, user, rows);
            }
        }
    }

    fn write_read_state(&self, id: Uuid, organization: u64, place: Place, user: u64, rows: &mut CopyText) {
        let (_, length) = self.messages_of(organization, place);
        let (channel, conversation) = self.place_ids(organization, place);
        let read = self.random("read", pair(organization, user)).below(length + 1);
        let unread = (user % 6 == 5 && read > 0).then(|| read - 1);
        rows.write_row(&[&id, &self.user_id(user), &channel, &conversation, &read, &unread, &days_after_start(499, 0)]);
    }
}
