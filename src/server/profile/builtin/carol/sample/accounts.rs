//! Users, and what is only about signing in.

use rusqlite::params;

use super::known_users::KNOWN_USERS;
use super::writer::{Owner, SampleWriter, time};
use crate::server::profile::builtin::seeded_random::index_below;
use crate::server::support::password;

/// One hash for all users, its salt derived from the seed: hashing each of them would take minutes.
pub fn hash_password(password: &str, seed: u64) -> String {
    let mut salt = [b'-'; 32];
    salt[16..].copy_from_slice(format!("{seed:016x}").as_bytes());
    password::hash_argon2id(password, &salt)
}

/// The address of a user.
pub fn email(owner: Owner) -> String {
    let known = KNOWN_USERS.get(index_below(owner.number, usize::MAX));
    known.map_or_else(|| format!("user-{}@example.org", owner.number), |known| known.email.to_owned())
}

impl SampleWriter<'_> {
    pub fn insert_account(&self, owner: Owner, hash: &str) -> rusqlite::Result<()> {
        let (id, email, mut random) = (self.id("users", owner, 0), email(owner), self.random("account", owner, 0));
        let at = time(&mut random);
        self.insert("users", 4, params![id, email, hash, at])?;
        let (access, refresh) = (secret("access", &random.random_id(40)), secret("refresh", &random.random_id(40)));
        let (identity, subject) = (self.id("oauth_identities", owner, 0), random.random_id(20));
        self.insert("oauth_identities", 6, params![identity, id, "example-id", subject, access, refresh])?;
        let session = secret("session", &random.random_id(40));
        self.insert("sessions", 4, params![self.id("sessions", owner, 0), id, session, "2027-01-01T00:00:00.000Z"])?;
        let token = secret("token", &random.random_id(40));
        let token = params![self.id("personal_access_tokens", owner, 0), id, "backup script", token, None::<String>];
        self.insert("personal_access_tokens", 5, token)?;
        let attempt = params![self.id("login_attempts", owner, 0), email, "192.0.2.7", false, at];
        self.insert("login_attempts", 5, attempt)?;
        self.insert("settings", 3, params![id, "theme", "{\"dark\": true, \"of\": \"this installation\"}"])
    }
}

fn secret(kind: &str, random: &str) -> String {
    format!("secret-{kind}-{random}")
}
