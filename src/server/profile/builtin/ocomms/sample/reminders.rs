//! Reminders, and messages that are sent later.

use super::chat::{Chat, DAY_US, HOUR_US, canary, days_after_start, later};
use super::messages::Message;
use super::places::{GENERAL, Place};
use super::texts;
use crate::server::profile::builtin::seeded_random::index_below;
use crate::server::support::copy_text::CopyText;

/// One message of so many has a reminder.
pub const REMINDER_EVERY: u64 = 500;

impl Chat {
    pub fn write_reminder(&self, step: u64, rows: &mut CopyText) {
        let Some(number) = self.message_of_step(REMINDER_EVERY, step) else { return };
        let Message { id, spot, at } = self.message(number);
        let mut random = self.random("reminder", number);
        let status = ["pending", "fired", "snoozed", "completed", "cancelled"][index_below(step, 5)];
        let when = later(at, random.between(HOUR_US, 30 * DAY_US));
        rows.write_row(&[
            &self.uuid("reminder", number),
            &self.user_id(self.writer(spot.organization, spot.place, random.below(1 << 32))),
            &id,
            &format!("answer this {}", canary(spot.organization, "reminders-note")),
            &when,
            &status,
            &random.optional(20, |random| random.pick(&["daily", "weekdays", "weekly", "monthly"])),
            &(status == "pending").then(|| format!("reminder-{number}")),
            &(status != "pending").then_some(when),
            &(status == "snoozed").then(|| later(when, HOUR_US)),
            &(status == "completed").then(|| later(when, HOUR_US)),
            &at,
            &when,
        ]);
    }

    /// One that waits, one that was sent if there are messages, one of a direct conversation that failed.
    pub fn write_scheduled_messages(&self, organization: u64, rows: &mut CopyText) {
        let (first, length) = self.messages_of(organization, Place::Channel(GENERAL));
        let (channel, conversation) = (Place::Channel(GENERAL), Place::Conversation(0));
        let sent = (length > 0).then(|| self.message(first));
        let all = [(channel, "scheduled"), (channel, "sent"), (conversation, "failed")];
        for (nth, (place, status)) in (0..).zip(all) {
            let (channel, conversation) = self.place_ids(organization, place);
            let number = organization * 4 + nth;
            let text = texts::message(&mut self.random("scheduled", number), number);
            let sent = sent.as_ref().filter(|_| status == "sent");
            let when = sent.map_or_else(|| days_after_start(500 + nth, 0), |message| message.at);
            let failure = format!("cannot be sent {}", canary(organization, "scheduled_messages-error"));
            rows.write_row(&[
                &self.uuid("scheduled", number),
                &self.user_id(self.writer(organization, place, 0)),
                &format!("{text} {}", canary(organization, "scheduled_messages-content")),
                &channel,
                &conversation,
                &when,
                &status,
                &(status == "scheduled").then(|| format!("scheduled-{number}")),
                &sent.map(|message| message.id),
                &(status == "failed").then_some(failure),
                &sent.map(|message| message.at),
                &later(when, -DAY_US),
                &when,
            ]);
        }
    }
}
