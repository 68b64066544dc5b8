//! The secrets that an export must leave out: every kind of credential with which its holder can sign in as somebody else.

use rusqlite::params;

use super::known_users::KNOWN_USERS;
use super::writer::{DAY_MS, MINUTE_MS, START_MS, SampleWriter, cycle};
use crate::server::profile::builtin::seeded_random::SeededRandom;

/// The user of a credential.
struct Holder {
    index: u64,
    id: String,
    at: i64,
}

impl SampleWriter<'_> {
    pub fn insert_credentials(&self) -> rusqlite::Result<()> {
        for index in 0..self.user_count().min(60) {
            let mut random = self.random("secret", index);
            let at = START_MS + random.between(0, 400 * DAY_MS);
            let holder = Holder { index, id: self.id("user", index), at };
            self.insert_session(&holder, &mut random)?;
            if index % 3 == 0 {
                self.insert_account(&holder, &mut random)?;
            }
            if index % 7 == 0 {
                self.insert_password_reset(&holder, &mut random)?;
            }
            if index % 5 == 0 {
                self.insert_invitation(&holder, &mut random)?;
            }
            if index % 11 == 0 {
                self.insert_impersonation(&holder, &mut random)?;
            }
        }
        Ok(())
    }

    fn insert_session(&self, holder: &Holder, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let remember = random.optional(70, |random| random.chance(50));
        self.prepare_insert("sessions", 6)?.execute(params![
            self.id("session", holder.index),
            holder.at,
            holder.id,
            secret("session", random),
            holder.at + DAY_MS,
            remember
        ])?;
        Ok(())
    }

    fn insert_account(&self, holder: &Holder, random: &mut SeededRandom) -> rusqlite::Result<()> {
        self.prepare_insert("accounts", 12)?.execute(params![
            self.id("account", holder.index),
            holder.at,
            holder.id,
            "oauth",
            "example-id",
            random.random_id(20),
            secret("refresh", random),
            secret("access", random),
            holder.at + DAY_MS,
            "bearer",
            "openid email",
            secret("id", random)
        ])?;
        Ok(())
    }

    fn insert_password_reset(&self, holder: &Holder, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let (id, token) = (self.id("reset", holder.index), secret("reset", random));
        let columns = params![id, holder.at, holder.id, token, holder.at + DAY_MS];
        self.prepare_insert("password_reset_tokens", 5)?.execute(columns)?;
        Ok(())
    }

    fn insert_invitation(&self, holder: &Holder, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let (i, at) = (holder.index, holder.at);
        let company = i % self.companies;
        let status = cycle(&["pending", "accepted", "expired", "revoked"], i / 5);
        self.prepare_insert("user_invitations", 11)?.execute(params![
            self.id("invitation", i),
            at,
            format!("invited-{i}@example.org"),
            self.id("company", company),
            cycle(&KNOWN_USERS.each_ref()[2..], i).role,
            self.id("user", self.user_index(company, 0)),
            secret("invitation", random),
            at + 7 * DAY_MS,
            status,
            at,
            (status == "accepted").then_some(at + DAY_MS)
        ])?;
        Ok(())
    }

    fn insert_impersonation(&self, holder: &Holder, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let at = holder.at;
        let ended = random.optional(80, |_| at + 30 * MINUTE_MS);
        self.prepare_insert("impersonation_sessions", 12)?.execute(params![
            self.id("imitation", holder.index),
            at,
            self.id("user", 0),
            holder.id,
            secret("imitation", random),
            secret("original", random),
            "Support call: cannot see own drafts",
            at + 60 * MINUTE_MS,
            ended.is_none(),
            at,
            ended,
            random.random_id(16)
        ])?;
        Ok(())
    }
}

fn secret(kind: &str, random: &mut SeededRandom) -> String {
    format!("secret-{kind}-{}", random.random_id(40))
}
