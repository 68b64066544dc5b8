//! Who takes part in a thread.

use super::chat::Chat;
use super::threads::{BLOCK, reply_count};
use crate::server::support::copy_text::CopyText;

impl Chat {
    /// The author of a message with replies, and those who replied.
    pub fn write_thread_participants(&self, number: u64, rows: &mut CopyText) {
        let spot = self.spot(number);
        let replies = reply_count(&spot);
        if replies == 0 {
            return;
        }
        let mut users: Vec<u64> = (0..=replies).map(|nth| self.author(number + nth, &spot)).collect();
        users.sort_unstable();
        users.dedup();
        let at = self.message_time(number, &spot);
        for (nth, user) in (0..).zip(users) {
            let id = self.uuid("thread participant", number * BLOCK + nth);
            rows.write_row(&[&id, &self.message_id(number), &self.user_id(user), &at, &at]);
        }
    }
}
