//! The users whose password is known, and the staff of each company.

use rusqlite::params;

use super::known_users::KNOWN_USERS;
use super::texts;
use super::writer::{DAY_MS, STAFF_PER_COMPANY, START_MS, SampleWriter};
use crate::server::profile::builtin::product::KnownUser;
use crate::server::support::password;

/// Roles of a company's staff, as indexes of `KNOWN_USERS`.
const STAFF_ROLES: [usize; 4] = [2, 3, 4, 4];

/// One hash for each of `KNOWN_USERS`, its salt derived from the seed: hashing every user would take minutes.
pub fn hash_passwords(password: &str, seed: u64) -> Vec<String> {
    KNOWN_USERS.iter().map(|user| password::hash_argon2id(password, &salt(user.role, seed))).collect()
}

/// The role, filled up to 16 bytes, and the seed in hexadecimal.
fn salt(role: &str, seed: u64) -> [u8; 32] {
    let mut salt = [b'-'; 32];
    salt.iter_mut().take(16).zip(role.bytes()).for_each(|(to, from)| *to = from);
    salt[16..].copy_from_slice(format!("{seed:016x}").as_bytes());
    salt
}

impl SampleWriter<'_> {
    pub fn insert_users(&self, hashes: &[String]) -> rusqlite::Result<()> {
        for (i, (user, hash)) in (0..).zip(KNOWN_USERS.iter().zip(hashes)) {
            self.insert_known_user(i, user, hash)?;
        }
        for company in 0..self.companies {
            for (nth, role) in (0..STAFF_PER_COMPANY).zip(STAFF_ROLES) {
                self.insert_staff_member(company, nth, KNOWN_USERS[role].role, &hashes[role])?;
            }
        }
        Ok(())
    }

    /// The first two belong to no company.
    fn insert_known_user(&self, i: u64, user: &KnownUser, hash: &str) -> rusqlite::Result<()> {
        self.prepare_insert("users", 9)?.execute(params![
            self.id("user", i),
            START_MS,
            user.name,
            user.email,
            hash,
            None::<String>,
            user.role,
            (i >= 2).then(|| self.id("company", 0)),
            START_MS
        ])?;
        Ok(())
    }

    fn insert_staff_member(&self, company: u64, nth: u64, role: &str, hash: &str) -> rusqlite::Result<()> {
        let index = self.user_index(company, nth);
        let mut random = self.random("user", index);
        let (given, family) = texts::full_name(&mut random);
        let image = random.optional(25, |random| format!("https://images.example.org/{}.jpg", random.random_id(12)));
        let at = START_MS + random.between(0, 200 * DAY_MS);
        self.prepare_insert("users", 9)?.execute(params![
            self.id("user", index),
            at,
            format!("{given} {family}"),
            format!("staff-{index}@example.org"),
            hash,
            image,
            role,
            self.id("company", company),
            at
        ])?;
        Ok(())
    }
}
