//! What people are told of.

use super::chat::{Chat, DAY_US, SECOND_US, canary, later};
use super::messages::Message;
use super::places::Place;
use crate::server::support::copy_text::CopyText;

/// One message of so many notifies somebody.
pub const EVERY: u64 = 10;

impl Chat {
    pub fn write_notification(&self, step: u64, rows: &mut CopyText) {
        let Some(number) = self.message_of_step(EVERY, step) else { return };
        let Message { id, spot, at } = self.message(number);
        let mut random = self.random("notification", number);
        let recipient = self.writer(spot.organization, spot.place, random.below(1 << 32));
        let (channel, conversation) = self.place_ids(spot.organization, spot.place);
        let kind = match spot.place {
            Place::Channel(_) => random.pick(&["mention", "thread_reply", "channel"]),
            Place::Conversation(_) => "direct_message",
        };
        rows.write_row(&[
            &self.uuid("notification", number),
            &self.user_id(recipient),
            &kind,
            &id,
            &channel,
            &conversation,
            &self.user_id(self.author(number, &spot)),
            &format!("wrote to you: “…” {}", canary(spot.organization, "notifications-content")),
            &random.optional(70, |random| later(at, random.between(SECOND_US, DAY_US))),
            &later(at, SECOND_US),
        ]);
    }
}
