//! Groups of users, and the emoji of an organisation.

use super::chat::{Chat, canary};
use crate::server::support::copy_text::CopyText;

const GROUPS: [&str; 2] = ["design", "on-call"];

impl Chat {
    pub fn write_user_groups(&self, organization: u64, rows: &mut CopyText) {
        let at = self.organization_time(organization);
        for (nth, handle) in (0..).zip(GROUPS) {
            rows.write_row(&[
                &self.uuid("group", organization * 2 + nth),
                &self.organization_id(organization),
                &format!("{handle} {}", canary(organization, "user_groups-name")),
                &handle,
                &(nth == 0).then(|| canary(organization, "user_groups-description")),
                &self.user_id(self.home_user(organization, 1)),
                &at,
                &at,
            ]);
        }
    }

    pub fn write_user_group_members(&self, organization: u64, rows: &mut CopyText) {
        for group in 0..GROUPS.len() as u64 {
            for nth in 5..8 {
                let (id, group_id) = (organization * 16 + group * 8 + nth, organization * 2 + group);
                let user = self.user_id(self.home_user(organization, nth));
                let at = self.organization_time(organization);
                rows.write_row(&[&self.uuid("group member", id), &self.uuid("group", group_id), &user, &at]);
            }
        }
    }

    pub fn write_custom_emojis(&self, organization: u64, rows: &mut CopyText) {
        for nth in 0..2 {
            let file = format!("{}.gif", self.text_id("emoji file", organization * 2 + nth));
            rows.write_row(&[
                &self.uuid("emoji", organization * 2 + nth),
                &self.organization_id(organization),
                &format!("party-{nth}-{}", canary(organization, "custom_emojis-name")),
                &file,
                &format!("emojis/{file}"),
                &"image/gif",
                &(20_000 + nth),
                &(nth == 0),
                &self.user_id(self.home_user(organization, 7)),
                &self.organization_time(organization),
            ]);
        }
    }
}
