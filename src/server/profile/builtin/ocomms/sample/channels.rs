//! Channels, their categories and notes.

use super::chat::{Chat, DAY_US, canary, later, pair};
use super::places::{ARCHIVE, CHANNELS, LEADS};
use super::texts;
use crate::server::support::copy_text::CopyText;

const CATEGORIES: [&str; 2] = ["Everyone", "Projects"];

impl Chat {
    pub fn write_channel_categories(&self, organization: u64, rows: &mut CopyText) {
        let at = self.organization_time(organization);
        for (nth, name) in (0..).zip(CATEGORIES) {
            rows.write_row(&[
                &self.category_id(organization, nth),
                &self.organization_id(organization),
                &format!("{name} {}", canary(organization, "channel_categories-name")),
                &nth,
                &self.user_id(self.home_user(organization, 1)),
                &at,
                &at,
            ]);
        }
    }

    fn category_id(&self, organization: u64, nth: u64) -> uuid::Uuid {
        self.uuid("category", organization * CATEGORIES.len() as u64 + nth)
    }

    pub fn write_channels(&self, organization: u64, rows: &mut CopyText) {
        let creation = self.organization_time(organization);
        for (nth, (slug, is_private)) in (0..).zip(CHANNELS) {
            let of = |column: &str| canary(organization, &format!("channels-{column}"));
            let owner = self.user_id(self.home_user(organization, 0));
            let archived = (nth == ARCHIVE).then(|| later(creation, 699 * DAY_US));
            rows.write_row(&[
                &self.channel_id(organization, nth),
                &self.organization_id(organization),
                &format!("{slug} {}", of("name")),
                &slug,
                &(nth != LEADS).then(|| format!("What is {slug} for? {}", of("description"))),
                &(nth == 0).then(|| format!("💬 today {}", of("topic"))),
                &is_private,
                &owner,
                &creation,
                &archived.unwrap_or(creation),
                &archived.is_some(),
                &archived,
                &archived.map(|_| &owner),
                &(nth < 3).then(|| self.category_id(organization, nth % 2)),
                &nth,
            ]);
        }
    }

    /// Of the first two channels.
    pub fn write_channel_notes(&self, organization: u64, rows: &mut CopyText) {
        for channel in 0..2 {
            let mut random = self.random("channel note", organization * 2 + channel);
            let text = texts::message(&mut random, organization * 9 + 4);
            let at = self.organization_time(organization);
            rows.write_row(&[
                &self.uuid("channel note", organization * 2 + channel),
                &self.channel_id(organization, channel),
                &format!("# Notes\n\n{text}\n{}", canary(organization, "channel_notes-content")),
                &(1 + random.below(20)),
                &self.user_id(self.home_user(organization, 7)),
                &at,
                &later(at, random.between(0, 300 * DAY_US)),
            ]);
        }
    }

    /// Of every fifth member.
    pub fn write_collapse_states(&self, organization: u64, rows: &mut CopyText) {
        for person in self.members(organization).step_by(5) {
            rows.write_row(&[
                &self.uuid("collapse", pair(organization, person.user)),
                &self.user_id(person.user),
                &self.category_id(organization, 0),
                &(person.user % 2 == 0),
                &self.organization_time(organization),
            ]);
        }
    }
}
