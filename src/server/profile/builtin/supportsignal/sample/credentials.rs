//! The secrets that an export must leave out: every kind of credential with which its holder can sign in as somebody else.

use rusqlite::params;

use super::known_users::KNOWN_USERS;
use super::writer::{DAY_MS, MINUTE_MS, START_MS, SampleWriter, cycle};
use crate::server::profile::builtin::dice::Dice;

/// The user of a credential.
struct Holder {
    index: u64,
    id: String,
    at: i64,
}

impl SampleWriter<'_> {
    pub fn insert_credentials(&self) -> rusqlite::Result<()> {
        for index in 0..self.user_count().min(60) {
            let mut dice = self.dice("secret", index);
            let at = START_MS + dice.between(0, 400 * DAY_MS);
            let holder = Holder { index, id: self.id("user", index), at };
            self.insert_session(&holder, &mut dice)?;
            if index % 3 == 0 {
                self.insert_account(&holder, &mut dice)?;
            }
            if index % 7 == 0 {
                self.insert_password_reset(&holder, &mut dice)?;
            }
            if index % 5 == 0 {
                self.insert_invitation(&holder, &mut dice)?;
            }
            if index % 11 == 0 {
                self.insert_impersonation(&holder, &mut dice)?;
            }
        }
        Ok(())
    }

    fn insert_session(&self, holder: &Holder, dice: &mut Dice) -> rusqlite::Result<()> {
        let remember = dice.optional(70, |dice| dice.chance(50));
        self.prepare_insert("sessions", 6)?.execute(params![
            self.id("session", holder.index),
            holder.at,
            holder.id,
            secret("session", dice),
            holder.at + DAY_MS,
            remember
        ])?;
        Ok(())
    }

    fn insert_account(&self, holder: &Holder, dice: &mut Dice) -> rusqlite::Result<()> {
        self.prepare_insert("accounts", 12)?.execute(params![
            self.id("account", holder.index),
            holder.at,
            holder.id,
            "oauth",
            "example-id",
            dice.random_id(20),
            secret("refresh", dice),
            secret("access", dice),
            holder.at + DAY_MS,
            "bearer",
            "openid email",
            secret("id", dice)
        ])?;
        Ok(())
    }

    fn insert_password_reset(&self, holder: &Holder, dice: &mut Dice) -> rusqlite::Result<()> {
        let (id, token) = (self.id("reset", holder.index), secret("reset", dice));
        let columns = params![id, holder.at, holder.id, token, holder.at + DAY_MS];
        self.prepare_insert("password_reset_tokens", 5)?.execute(columns)?;
        Ok(())
    }

    fn insert_invitation(&self, holder: &Holder, dice: &mut Dice) -> rusqlite::Result<()> {
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
            secret("invitation", dice),
            at + 7 * DAY_MS,
            status,
            at,
            (status == "accepted").then_some(at + DAY_MS)
        ])?;
        Ok(())
    }

    fn insert_impersonation(&self, holder: &Holder, dice: &mut Dice) -> rusqlite::Result<()> {
        let at = holder.at;
        let ended = dice.optional(80, |_| at + 30 * MINUTE_MS);
        self.prepare_insert("impersonation_sessions", 12)?.execute(params![
            self.id("imitation", holder.index),
            at,
            self.id("user", 0),
            holder.id,
            secret("imitation", dice),
            secret("original", dice),
            "Support call: cannot see own drafts",
            at + 60 * MINUTE_MS,
            ended.is_none(),
            at,
            ended,
            dice.random_id(16)
        ])?;
        Ok(())
    }
}

fn secret(kind: &str, dice: &mut Dice) -> String {
    format!("secret-{kind}-{}", dice.random_id(40))
}
