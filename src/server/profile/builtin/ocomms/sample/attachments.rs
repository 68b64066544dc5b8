//! Files, and previews of links.

use uuid::Uuid;

use super::chat::{Chat, DAY_US, canary, days_after_start, later};
use super::messages::Message;
use crate::server::profile::builtin::seeded_random::index_below;
use crate::server::support::copy_text::CopyText;

/// One message of so many has a file.
pub const FILE_EVERY: u64 = 50;
/// One message of so many has links.
pub const LINK_EVERY: u64 = 100;
/// Previews that messages of all organisations share.
const SHARED_PREVIEWS: u64 = 5;
/// Previews of each organisation.
const OWN_PREVIEWS: u64 = 3;

impl Chat {
    /// The file of a message that has one.
    pub fn file_id(&self, number: u64) -> Uuid {
        self.uuid("file", number * 2)
    }

    /// A file of a message, and for every tenth also one that was uploaded and never sent.
    pub fn write_files(&self, step: u64, rows: &mut CopyText) {
        let Some(number) = self.message_of_step(FILE_EVERY, step) else { return };
        let message = self.message(number);
        self.write_file(number, self.file_id(number), &message, Some(message.id), rows);
        if step.is_multiple_of(10) {
            self.write_file(number, self.uuid("file", number * 2 + 1), &message, None, rows);
        }
    }

    fn write_file(&self, number: u64, id: Uuid, message: &Message, of: Option<Uuid>, rows: &mut CopyText) {
        let organization = message.spot.organization;
        let (kind, suffix) = [("image/png", "png"), ("application/pdf", "pdf")][index_below(number / FILE_EVERY, 2)];
        let file = format!("{id}.{suffix}");
        rows.write_row(&[
            &id,
            &of,
            &file,
            &format!("Übersicht “{}”.{suffix}", canary(organization, "file_attachments-original_name")),
            &kind,
            &self.random("file", number).below(20 << 20),
            &format!("uploads/{}/{file}", canary(organization, "file_attachments-path")),
            &(suffix == "png"),
            &self.user_id(self.author(number, &message.spot)),
            &message.at,
        ]);
    }

    pub fn link_preview_count(&self) -> u64 {
        SHARED_PREVIEWS + self.organizations * OWN_PREVIEWS
    }

    /// Shared ones come first, and belong to nobody.
    pub fn write_link_preview(&self, nth: u64, rows: &mut CopyText) {
        let owner = nth.checked_sub(SHARED_PREVIEWS).map(|nth| nth / OWN_PREVIEWS);
        let of = |column: &str| owner.map(|of| canary(of, &format!("link_previews-{column}"))).unwrap_or_default();
        let at = days_after_start(0, nth.cast_signed());
        rows.write_row(&[
            &self.uuid("link preview", nth),
            &format!("https://example.org/articles/{nth}?{}", of("url")),
            &format!("Article {nth} & <more> {}", of("title")),
            &(nth % 3 != 2).then(|| format!("It is about something. {}", of("description"))),
            &nth.is_multiple_of(2).then(|| format!("https://example.org/images/{nth}.jpg")),
            &"Example",
            &at,
            &later(at, 600 * DAY_US),
        ]);
    }

    /// Two links: an own one and a shared one.
    pub fn write_message_link_previews(&self, step: u64, rows: &mut CopyText) {
        let Some(number) = self.message_of_step(LINK_EVERY, step) else { return };
        let organization = self.spot(number).organization;
        let own = SHARED_PREVIEWS + organization * OWN_PREVIEWS + step % OWN_PREVIEWS;
        for (position, preview) in (0..).zip([own, step % SHARED_PREVIEWS]) {
            rows.write_row(&[
                &self.uuid("message link", number * 2 + position),
                &self.message_id(number),
                &self.uuid("link preview", preview),
                &position,
                &(step % 7 == 3),
            ]);
        }
    }
}
