//! Direct conversations of two people, and of a group.

use super::chat::{Chat, canary};
use super::places::CONVERSATIONS;
use crate::server::support::copy_text::CopyText;

impl Chat {
    pub fn write_conversations(&self, organization: u64, rows: &mut CopyText) {
        let at = self.organization_time(organization);
        for nth in 0..CONVERSATIONS {
            let participants = self.participants(organization, nth);
            let is_group = participants.len() > 2;
            rows.write_row(&[
                &self.conversation_id(organization, nth),
                &self.organization_id(organization),
                &is_group,
                &is_group.then(|| format!("Lunch 🍜 {}", canary(organization, "conversations-name"))),
                &participants.first().map(|user| self.user_id(*user)),
                &at,
                &at,
            ]);
        }
    }

    pub fn write_conversation_participants(&self, organization: u64, rows: &mut CopyText) {
        for conversation in 0..CONVERSATIONS {
            for (nth, user) in (0..).zip(self.participants(organization, conversation)) {
                let id = (organization * CONVERSATIONS + conversation) * 8 + nth;
                let at = self.organization_time(organization);
                let of = self.conversation_id(organization, conversation);
                rows.write_row(&[&self.uuid("participant", id), &of, &self.user_id(user), &at]);
            }
        }
    }
}
