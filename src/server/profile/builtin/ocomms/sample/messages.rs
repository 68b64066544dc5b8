//! Messages, the reactions to them, and pinned ones.

use uuid::Uuid;

use super::chat::{Chat, DAY_US, HOUR_US, SECOND_US, canary, later};
use super::places::{GENERAL, Place, RANDOM, Spot};
use super::texts;
use super::threads::{parent_position, reply_count};
use crate::server::profile::builtin::seeded_random::index_below;
use crate::server::support::copy_text::{CopyText, Timestamp};

/// What the rows that refer to a message need to know of it.
pub struct Message {
    pub id: Uuid,
    pub spot: Spot,
    pub at: Timestamp,
}

impl Chat {
    pub fn message(&self, number: u64) -> Message {
        let spot = self.spot(number);
        Message { id: self.message_id(number), at: self.message_time(number, &spot), spot }
    }

    pub fn author(&self, number: u64, spot: &Spot) -> u64 {
        self.writer(spot.organization, spot.place, self.random("author", number).below(1 << 32))
    }

    /// Every fiftieth is deleted: its text is still there.
    pub fn write_message(&self, number: u64, rows: &mut CopyText) {
        let Message { id, spot, at } = self.message(number);
        let mut random = self.random("text", number);
        let text = texts::message(&mut random, number);
        let content = format!("{text} {}", canary(spot.organization, "messages-content"));
        let (channel, conversation) = self.place_ids(spot.organization, spot.place);
        let parent = parent_position(&spot).map(|position| self.message_id(spot.first + position));
        let deleted = (number % 50 == 7).then(|| later(at, HOUR_US));
        let edited = random.optional(5, |random| later(at, random.between(SECOND_US, HOUR_US)));
        rows.write_row(&[
            &id,
            &content,
            &self.user_id(self.author(number, &spot)),
            &channel,
            &conversation,
            &parent,
            &reply_count(&spot),
            &(spot.position + 1),
            &deleted,
            &at,
            &deleted.or(edited).unwrap_or(at),
        ]);
    }

    /// A quarter of the messages have one to three.
    pub fn write_reactions(&self, number: u64, rows: &mut CopyText) {
        let mut random = self.random("reaction", number);
        if !random.chance(25) {
            return;
        }
        let Message { id, spot, at } = self.message(number);
        let (first, emoji) = (random.below(1 << 32), random.below(8));
        for nth in 0..=random.below(3) {
            let user = self.writer(spot.organization, spot.place, first + nth);
            let emoji = texts::EMOJIS[index_below(emoji + nth, texts::EMOJIS.len())];
            let at = later(at, random.between(SECOND_US, DAY_US));
            rows.write_row(&[&self.uuid("reaction", number * 4 + nth), &id, &self.user_id(user), &emoji, &at]);
        }
    }

    /// Two messages in each of two channels. In the very first channel, a message of another organisation is pinned, too:
    /// channel and message do not agree whose the pin is.
    pub fn write_pinned_messages(&self, organization: u64, rows: &mut CopyText) {
        for channel in [GENERAL, RANDOM] {
            let (first, length) = self.messages_of(organization, Place::Channel(channel));
            for position in [0, 3].into_iter().filter(|position| *position < length) {
                self.write_pin(organization, channel, first + position, rows);
            }
        }
        let (foreign, length) = self.messages_of(1, Place::Channel(GENERAL));
        if organization == 0 && self.organizations > 1 && length > 0 {
            self.write_pin(organization, GENERAL, foreign, rows);
        }
    }

    fn write_pin(&self, organization: u64, channel: u64, number: u64, rows: &mut CopyText) {
        let message = self.message(number);
        rows.write_row(&[
            &self.uuid("pin", number * 2 + u64::from(message.spot.organization != organization)),
            &message.id,
            &self.channel_id(organization, channel),
            &self.user_id(self.home_user(organization, 0)),
            &later(message.at, HOUR_US),
        ]);
    }
}
