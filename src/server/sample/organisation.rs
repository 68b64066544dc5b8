//! Companies, sites, users, participants, and the secrets that an export must leave out.

use rusqlite::params;

use super::{KNOWN_USERS, MINUTE_MS, SITES_PER_COMPANY, STAFF_PER_COMPANY, START_MS, SampleWriter, texts};

const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Roles of a company's staff, as indexes of `KNOWN_USERS`.
const STAFF_ROLES: [usize; 4] = [2, 3, 4, 4];

/// The `i`-th element, starting over after the last.
fn cycle<T: Copy>(from: &[T], i: u64) -> T {
    from[usize::try_from(i).unwrap_or_default() % from.len()]
}

impl SampleWriter<'_> {
    pub(super) fn insert_companies(&self) -> rusqlite::Result<()> {
        let mut company = self.transaction.prepare("INSERT INTO companies VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
        let mut site = self.transaction.prepare("INSERT INTO sites VALUES (?, ?, ?, ?, ?, ?, ?)")?;
        for i in 0..self.companies {
            let mut dice = self.dice("company", i);
            let name = format!("{} {}", cycle(&texts::COMPANIES, i), i / 10 + 1);
            let at = START_MS - dice.between(0, 300 * DAY_MS);
            let status = cycle(&["active", "active", "trial", "suspended", "test"], i);
            let contact = format!("office-{i}@example.org");
            let admin = self.id("user", 0);
            company.execute(params![
                self.id("company", i),
                at,
                name,
                format!("company-{i}"),
                contact,
                status,
                at,
                admin
            ])?;
            for nth in 0..SITES_PER_COMPANY {
                let index = self.site_index(i, nth);
                let name = format!("{} house {}", dice.pick(&["North", "Süd", "Garden", "River"]), nth + 1);
                let changed = dice.optional(30, |dice| at + dice.between(0, 90 * DAY_MS));
                let by = self.id("user", self.user_index(i, 0));
                site.execute(params![self.id("site", index), at, self.id("company", i), name, at, by, changed])?;
            }
        }
        Ok(())
    }

    pub(super) fn insert_users(&self) -> rusqlite::Result<()> {
        let mut insert = self.transaction.prepare("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        for (i, (role, email, name)) in KNOWN_USERS.iter().enumerate() {
            let company = (i >= 2).then(|| self.id("company", 0));
            let id = self.id("user", i as u64);
            insert.execute(params![
                id,
                START_MS,
                name,
                email,
                self.hashes[i],
                None::<String>,
                role,
                company,
                START_MS
            ])?;
        }
        for company in 0..self.companies {
            for (nth, role) in (0..STAFF_PER_COMPANY).zip(STAFF_ROLES) {
                let index = self.user_index(company, nth);
                let mut dice = self.dice("user", index);
                let (given, family) = texts::full_name(&mut dice);
                let email = format!("staff-{index}@example.org");
                let image = dice.optional(25, |dice| format!("https://images.example.org/{}.jpg", dice.random_id(12)));
                let at = START_MS + dice.between(0, 200 * DAY_MS);
                insert.execute(params![
                    self.id("user", index),
                    at,
                    format!("{given} {family}"),
                    email,
                    self.hashes[role],
                    image,
                    KNOWN_USERS[role].0,
                    self.id("company", company),
                    at
                ])?;
            }
        }
        Ok(())
    }

    /// Every kind of credential with which its holder can sign in as somebody else.
    pub(super) fn insert_credentials(&self) -> rusqlite::Result<()> {
        let mut session = self.transaction.prepare("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)")?;
        let mut account =
            self.transaction.prepare("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        let mut reset = self.transaction.prepare("INSERT INTO password_reset_tokens VALUES (?, ?, ?, ?, ?)")?;
        let mut invitation =
            self.transaction.prepare("INSERT INTO user_invitations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        let mut impersonation = self
            .transaction
            .prepare("INSERT INTO impersonation_sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        let users = KNOWN_USERS.len() as u64 + self.companies * STAFF_PER_COMPANY;
        for i in 0..users.min(60) {
            let mut dice = self.dice("secret", i);
            let at = START_MS + dice.between(0, 400 * DAY_MS);
            let user = self.id("user", i);
            let secret = |kind: &str, dice: &mut super::Dice| format!("secret-{kind}-{}", dice.random_id(40));
            let remember = dice.optional(70, |dice| dice.chance(50));
            session.execute(params![
                self.id("session", i),
                at,
                user,
                secret("session", &mut dice),
                at + DAY_MS,
                remember
            ])?;
            if i % 3 == 0 {
                account.execute(params![
                    self.id("account", i),
                    at,
                    user,
                    "oauth",
                    "example-id",
                    dice.random_id(20),
                    secret("refresh", &mut dice),
                    secret("access", &mut dice),
                    at + DAY_MS,
                    "bearer",
                    "openid email",
                    secret("id", &mut dice)
                ])?;
            }
            if i % 7 == 0 {
                reset.execute(params![self.id("reset", i), at, user, secret("reset", &mut dice), at + DAY_MS])?;
            }
            if i % 5 == 0 {
                let company = i % self.companies;
                let status = cycle(&["pending", "accepted", "expired", "revoked"], i / 5);
                let accepted = (status == "accepted").then_some(at + DAY_MS);
                let role = cycle(&KNOWN_USERS[2..], i).0;
                invitation.execute(params![
                    self.id("invitation", i),
                    at,
                    format!("invited-{i}@example.org"),
                    self.id("company", company),
                    role,
                    self.id("user", self.user_index(company, 0)),
                    secret("invitation", &mut dice),
                    at + 7 * DAY_MS,
                    status,
                    at,
                    accepted
                ])?;
            }
            if i % 11 == 0 {
                let ended = dice.optional(80, |_| at + 30 * MINUTE_MS);
                impersonation.execute(params![
                    self.id("imitation", i),
                    at,
                    self.id("user", 0),
                    user,
                    secret("imitation", &mut dice),
                    secret("original", &mut dice),
                    "Support call: cannot see own drafts",
                    at + 60 * MINUTE_MS,
                    ended.is_none(),
                    at,
                    ended,
                    dice.random_id(16)
                ])?;
            }
        }
        Ok(())
    }

    pub(super) fn insert_participants(&self) -> rusqlite::Result<()> {
        let marks = vec!["?"; 17].join(", ");
        let mut insert = self.transaction.prepare(&format!("INSERT INTO participants VALUES ({marks})"))?;
        for i in 0..self.spec.participants {
            let mut dice = self.dice("participant", i);
            let company = i % self.companies;
            let (given, family) = self.participant_name(i);
            let born = format!("{}-{:02}-{:02}", 1940 + dice.below(68), 1 + dice.below(12), 1 + dice.below(28));
            let phone = dice.optional(60, |dice| {
                format!("+61 4{:02} {:03} {:03}", dice.below(99), dice.below(999), dice.below(999))
            });
            let relative =
                dice.optional(70, |dice| format!("{} (sister), {}", dice.pick(&texts::GIVEN_NAMES), "+61 2 5550 0100"));
            let notes = dice.optional(50, |dice| {
                dice.pick(&[
                    "Prefers quiet rooms.",
                    "Uses key word sign; «ja» and «nein» are reliable.",
                    "Coeliac. EpiPen in the red bag ⚠",
                ])
            });
            let at = START_MS + dice.between(0, 30 * DAY_MS);
            let by = self.id("user", self.user_index(company, 0));
            insert.execute(params![
                self.id("participant", i),
                at,
                self.id("company", company),
                dice.optional(90, |dice| self.id("site", self.site_index(company, dice.below(SITES_PER_COMPANY)))),
                given,
                family,
                born,
                format!("43{:07}", 1_000_000 + i),
                phone,
                relative,
                dice.pick(&["high", "medium", "low"]),
                notes,
                dice.pick(&["active", "active", "active", "inactive", "discharged"]),
                at,
                by,
                at + dice.between(0, 300 * DAY_MS),
                by
            ])?;
        }
        Ok(())
    }

    pub(super) fn participant_name(&self, participant: u64) -> (String, String) {
        texts::full_name(&mut self.dice("participant name", participant))
    }
}
