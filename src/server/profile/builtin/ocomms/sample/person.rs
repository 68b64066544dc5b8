//! A person of an organisation.

use super::known_users::KNOWN_MEMBERSHIPS;

/// A person of an organisation.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// The number of the user.
    pub user: u64,
    pub role: &'static str,
    pub is_guest: bool,
    /// Has written messages and is no member any more.
    pub has_left: bool,
}

impl Person {
    pub fn member(user: u64, role: &'static str) -> Self {
        Self { user, role, is_guest: false, has_left: false }
    }
}

/// The users whose password is known, each with the number of an organisation that it is in.
pub fn known_people(organizations: u64) -> Vec<(u64, Person)> {
    let mut known: Vec<(u64, Person)> = Vec::new();
    for (user, organization, role, is_guest) in KNOWN_MEMBERSHIPS {
        let organization = organization % organizations;
        if !known.iter().any(|(other, person)| *other == organization && person.user == user) {
            known.push((organization, Person { is_guest, ..Person::member(user, role) }));
        }
    }
    known
}
