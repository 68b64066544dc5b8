//! The secrets that an export must leave out: every kind of credential with which its holder can sign in as somebody else.

use super::chat::{Chat, DAY_US, HOUR_US, days_after_start, later};
use super::texts;
use crate::server::profile::builtin::seeded_random::SeededRandom;
use crate::server::support::copy_text::CopyText;

/// Users with sessions, verifications and push subscriptions.
pub const MAX_HOLDERS: u64 = 10_000;

impl Chat {
    pub fn write_session(&self, user: u64, rows: &mut CopyText) {
        let mut random = self.random("session", user);
        let at = days_after_start(495, random.between(0, 5 * DAY_US));
        let address = format!("203.0.113.{}", random.below(255));
        rows.write_row(&[
            &self.text_id("session", user),
            &self.user_id(user),
            &secret("session", &mut random),
            &later(at, 7 * DAY_US),
            &random.optional(90, |_| address),
            &random.optional(90, |_| texts::BROWSER),
            &at,
            &at,
        ]);
    }

    /// In better-auth, the identifier of a password reset holds its token.
    pub fn write_verification(&self, nth: u64, rows: &mut CopyText) {
        let mut random = self.random("verification", nth);
        let at = days_after_start(499, random.between(0, DAY_US));
        let user = nth * 7;
        let (identifier, value) = if nth.is_multiple_of(2) {
            (format!("reset-password:{}", secret("reset", &mut random)), self.user_id(user))
        } else {
            (Self::user_email(user), secret("verification", &mut random))
        };
        let id = self.text_id("verification", nth);
        rows.write_row(&[&id, &identifier, &value, &later(at, HOUR_US), &at, &at]);
    }

    /// Those whose `two_factor_enabled` is true.
    pub fn write_two_factor(&self, user: u64, rows: &mut CopyText) {
        if !Self::has_second_factor(user) {
            return;
        }
        let mut random = self.random("two factor", user);
        let (seed, codes) = (secret("totp", &mut random), secret("backup-codes", &mut random));
        rows.write_row(&[&self.text_id("two factor", user), &seed, &codes, &self.user_id(user)]);
    }

    /// Every fifth user.
    pub fn write_password_history(&self, nth: u64, rows: &mut CopyText) {
        let user = nth * 5;
        let (id, at) = (self.uuid("former password", user), self.user_time(user));
        rows.write_row(&[&id, &self.user_id(user), &self.password_hash(user), &at]);
    }

    /// Every ninth user.
    pub fn write_user_lockout(&self, nth: u64, rows: &mut CopyText) {
        let user = nth * 9;
        let mut random = self.random("lockout", user);
        let at = days_after_start(480, random.between(0, 20 * DAY_US));
        let locked = random.optional(30, |_| later(at, HOUR_US));
        let failed = random.below(6);
        rows.write_row(&[&self.user_id(user), &failed, &at, &locked, &u64::from(locked.is_some()), &at]);
    }

    /// Every fourth user.
    pub fn write_push_subscription(&self, nth: u64, rows: &mut CopyText) {
        let user = nth * 4;
        let mut random = self.random("push", user);
        let endpoint = format!("https://push.example.org/{}", secret("endpoint", &mut random));
        let (key, auth) = (secret("p256dh", &mut random), secret("push-auth", &mut random));
        let (id, at) = (self.uuid("push", user), self.user_time(user));
        rows.write_row(&[&id, &self.user_id(user), &endpoint, &key, &auth, &texts::BROWSER, &at]);
    }
}

/// Every secret of the sample begins with this word, so that a test finds it in an export.
pub fn secret(kind: &str, random: &mut SeededRandom) -> String {
    format!("secret-{kind}-{}", random.random_id(40))
}
