//! What is for one person alone: bookmarks, notes, the sidebar.

use super::attachments::FILE_EVERY;
use super::chat::{Chat, DAY_US, HOUR_US, canary, later, pair};
use super::messages::Message;
use super::texts;
use crate::server::support::copy_text::CopyText;

/// One message of so many is bookmarked, and so is its file: each of them has one.
pub const BOOKMARK_EVERY: u64 = FILE_EVERY * 4;

impl Chat {
    pub fn write_bookmarks(&self, step: u64, rows: &mut CopyText) {
        let Some(number) = self.message_of_step(BOOKMARK_EVERY, step) else { return };
        let Message { id, spot, at } = self.message(number);
        let user = self.user_id(self.writer(spot.organization, spot.place, step));
        let file = self.file_id(number);
        for (nth, kind) in (0..).zip(["message", "file"]) {
            rows.write_row(&[
                &self.uuid("bookmark", number * 2 + nth),
                &user,
                &kind,
                &(nth == 0).then_some(id),
                &(nth == 1).then_some(file),
                &format!("read later {}", canary(spot.organization, "bookmarks-note")),
                &later(at, HOUR_US),
            ]);
        }
    }

    /// Of every third member.
    pub fn write_personal_notes(&self, organization: u64, rows: &mut CopyText) {
        for person in self.members(organization).step_by(3) {
            let mut random = self.random("personal note", pair(organization, person.user));
            let text = texts::message(&mut random, person.user);
            let at = self.organization_time(organization);
            rows.write_row(&[
                &self.uuid("personal note", pair(organization, person.user)),
                &self.user_id(person.user),
                &self.organization_id(organization),
                &format!("{text}\n{}", canary(organization, "personal_notes-content")),
                &(1 + random.below(9)),
                &at,
                &later(at, random.between(0, 300 * DAY_US)),
            ]);
        }
    }

    /// Of every second member.
    pub fn write_sidebar_preferences(&self, organization: u64, rows: &mut CopyText) {
        for person in self.members(organization).step_by(2) {
            let note = canary(organization, "user_sidebar_preferences-preferences");
            let at = self.organization_time(organization);
            rows.write_row(&[
                &self.uuid("sidebar", pair(organization, person.user)),
                &self.user_id(person.user),
                &self.organization_id(organization),
                &format!("{{\"width\": 280.50, \"order\": [3, 1, 2], \"filter\": \"{note}\"}}"),
                &at,
                &at,
            ]);
        }
    }
}
