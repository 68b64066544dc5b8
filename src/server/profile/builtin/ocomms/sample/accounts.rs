//! The ways in which users sign in: a password, or an identity of another provider.

use super::chat::{Chat, DAY_US, HOUR_US, later};
use super::credentials::secret;
use super::known_users::KNOWN_USERS;
use super::texts::GIVEN_NAMES;
use crate::server::profile::builtin::seeded_random::index_below;
use crate::server::support::copy_text::CopyText;

/// An account of another provider has this number after all with a password.
const OTHER_PROVIDER: u64 = 1 << 40;

impl Chat {
    /// Every thirteenth user has no password, every fourth an account of another provider, too.
    pub fn write_accounts(&self, user: u64, rows: &mut CopyText) {
        let has_password = user % 13 != 12;
        if has_password {
            self.write_password_account(user, rows);
        }
        if !has_password || user % 4 == 3 {
            self.write_provider_account(user, rows);
        }
    }

    /// The hash of the user's password. Those who are not known share one.
    pub fn password_hash(&self, user: u64) -> &str {
        let nth = if user < KNOWN_USERS.len() as u64 { user } else { 3 };
        &self.password_hashes[index_below(nth, self.password_hashes.len())]
    }

    fn write_password_account(&self, user: u64, rows: &mut CopyText) {
        let (id, none, at) = (self.user_id(user), None::<&str>, self.user_time(user));
        rows.write_row(&[
            &self.text_id("account", user),
            &id,
            &id,
            &"credential",
            &none,
            &none,
            &none,
            &none,
            &none,
            &none,
            &self.password_hash(user),
            &at,
            &later(at, DAY_US),
        ]);
    }

    fn write_provider_account(&self, user: u64, rows: &mut CopyText) {
        let mut random = self.random("provider account", user);
        let at = self.user_time(user);
        rows.write_row(&[
            &self.text_id("account", OTHER_PROVIDER + user),
            &self.user_id(user),
            &format!("{}-{user}", random.pick(&GIVEN_NAMES)),
            &"google",
            &secret("access", &mut random),
            &secret("refresh", &mut random),
            &later(at, HOUR_US),
            &later(at, 90 * DAY_US),
            &"openid email profile",
            &secret("id", &mut random),
            &None::<&str>,
            &at,
            &at,
        ]);
    }
}
