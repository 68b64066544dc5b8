//! Users and what each has one of.

use super::chat::{Chat, DAY_US, days_after_start, later, user_canary};
use super::known_users::{KNOWN_USERS, TWO_FACTOR};
use super::texts;
use crate::server::support::copy_text::{CopyText, Timestamp};

impl Chat {
    pub fn has_second_factor(user: u64) -> bool {
        user == TWO_FACTOR || user % 10 == 9
    }

    pub fn user_time(&self, user: u64) -> Timestamp {
        days_after_start(0, self.random("user time", user).between(-300 * DAY_US, 0))
    }

    pub fn user_email(user: u64) -> String {
        let known = usize::try_from(user).ok().and_then(|user| KNOWN_USERS.get(user));
        known.map_or_else(|| format!("person-{user}@example.org"), |known| known.email.to_owned())
    }

    pub fn write_user(&self, user: u64, rows: &mut CopyText) {
        let mut random = self.random("user name", user);
        let known = usize::try_from(user).ok().and_then(|user| KNOWN_USERS.get(user));
        let name = known.map_or_else(|| texts::full_name(&mut random), |known| known.name.to_owned());
        let image = random.optional(20, |random| format!("https://images.example.org/{}.jpg", random.random_id(12)));
        let at = self.user_time(user);
        let has_second_factor = match user % 3 {
            _ if Self::has_second_factor(user) => Some(true),
            0 => Some(false),
            _ => None,
        };
        rows.write_row(&[
            &self.user_id(user),
            &name,
            &Self::user_email(user),
            &(user % 20 != 19),
            &image,
            &at,
            &later(at, random.between(0, 90 * DAY_US)),
            &has_second_factor,
        ]);
    }

    pub fn write_profile(&self, user: u64, rows: &mut CopyText) {
        let mut random = self.random("profile", user);
        let display_name = random.optional(60, |random| random.pick(&texts::GIVEN_NAMES));
        let avatar = random.optional(30, |random| format!("avatars/{}.webp", random.random_id(20)));
        let bio = format!("{} {}", texts::message(&mut random, user), user_canary(user, "profiles-bio"));
        let at = self.user_time(user);
        rows.write_row(&[
            &self.uuid("profile", user),
            &self.user_id(user),
            &display_name,
            &avatar,
            &(user % 4 != 1).then_some(bio),
            &at,
            &later(at, DAY_US),
        ]);
    }

    pub fn write_user_storage(&self, user: u64, rows: &mut CopyText) {
        let bytes = self.random("storage", user).below(1 << 34);
        rows.write_row(&[&self.user_id(user), &bytes, &(10_u64 << 30), &self.user_time(user)]);
    }

    /// Every third user has a status.
    pub fn write_user_status(&self, nth: u64, rows: &mut CopyText) {
        let user = nth * 3;
        let mut random = self.random("status", user);
        let at = days_after_start(400, random.between(0, 90 * DAY_US));
        let text = format!(
            "{} {}",
            random.pick(&["On holiday", "Im Gespräch", "🤒 sick"]),
            user_canary(user, "user_statuses-text")
        );
        let expires = random.optional(50, |_| later(at, DAY_US));
        rows.write_row(&[
            &self.uuid("status", user),
            &self.user_id(user),
            &random.optional(80, |random| random.pick(&texts::EMOJIS)),
            &text,
            &expires,
            &random.chance(20),
            &expires.map(|_| format!("status-{user}")),
            &at,
            &at,
        ]);
    }
}
