//! Who is in an organisation.

use super::chat::Chat;
use super::known_users::KNOWN_USERS;
use super::person::Person;
use crate::server::profile::builtin::seeded_random::index_below;

/// A member who wrote messages and left.
pub const LEFT: u64 = 4;
/// A member who is in the organisation before, too.
pub const IN_TWO: u64 = 6;

impl Chat {
    pub fn user_count(&self) -> u64 {
        KNOWN_USERS.len() as u64 + self.organizations * self.people_per_organization
    }

    /// The number of a user of this organisation.
    pub fn home_user(&self, organization: u64, nth: u64) -> u64 {
        let people = self.people_per_organization;
        KNOWN_USERS.len() as u64 + (organization % self.organizations) * people + nth % people
    }

    pub fn person_count(&self, organization: u64) -> u64 {
        self.people_per_organization + self.visitors() + self.known_in(organization).count() as u64
    }

    /// The n-th person: the organisation's own, then visitors from the next one, then those whose password is known.
    pub fn person(&self, organization: u64, nth: u64) -> Person {
        let nth = nth % self.person_count(organization);
        let Some(nth) = nth.checked_sub(self.people_per_organization) else {
            return self.own_person(organization, nth);
        };
        let Some(nth) = nth.checked_sub(self.visitors()) else {
            // The next organisation's owner is a plain member here.
            return Person::member(self.home_user(organization + 1, [0, IN_TWO][index_below(nth, 2)]), "member");
        };
        let known = usize::try_from(nth).ok().and_then(|nth| self.known_in(organization).nth(nth));
        known.unwrap_or_else(|| self.own_person(organization, 0))
    }

    /// Everybody who has a row in `members`.
    pub fn members(&self, organization: u64) -> impl Iterator<Item = Person> + '_ {
        let people = (0..self.person_count(organization)).map(move |nth| self.person(organization, nth));
        people.filter(|person| !person.has_left)
    }

    fn own_person(&self, organization: u64, nth: u64) -> Person {
        let user = self.home_user(organization, nth);
        match nth {
            0 => Person::member(user, "owner"),
            1 => Person::member(user, "admin"),
            2 => Person { is_guest: true, ..Person::member(user, "guest") },
            3 => Person { is_guest: true, ..Person::member(user, "owner") },
            LEFT => Person { has_left: true, ..Person::member(user, "member") },
            _ => Person::member(user, "member"),
        }
    }

    /// People of the next organisation who are members here, too.
    fn visitors(&self) -> u64 {
        if self.organizations > 1 { 2 } else { 0 }
    }

    fn known_in(&self, organization: u64) -> impl Iterator<Item = Person> + '_ {
        let known = self.known_people.iter().filter(move |(of, _)| *of == organization);
        known.map(|(_, person)| *person)
    }
}
