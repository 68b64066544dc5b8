//! The users whose password is known, and what they are in which organisation.

use crate::server::profile::builtin::product::KnownUser;

const fn known(role: &'static str, email: &'static str, name: &'static str) -> KnownUser {
    KnownUser { role, email, name }
}

pub const OWNER: u64 = 0;
pub const TWO_OWNERS: u64 = 1;
pub const ADMIN: u64 = 2;
pub const MEMBER: u64 = 3;
pub const GUEST: u64 = 4;
pub const GUEST_OWNER: u64 = 5;
pub const TWO_FACTOR: u64 = 6;

pub const KNOWN_USERS: [KnownUser; 7] = [
    known("owner of the first organization", "owner@sample.test", "Ada Whitlock"),
    known("owner of two others", "two.owners@sample.test", "Björn Åkesson"),
    known("admin of the first", "admin@sample.test", "Siobhán Ní Bhriain"),
    known("member of the first", "member@sample.test", "Nguyễn Thị Hạnh"),
    known("guest of the first", "guest@sample.test", "Łukasz Żak"),
    known("owner of the first, and a guest", "guest.owner@sample.test", "Noor Al-Sayed"),
    known("owner of the first, with a second factor", "two.factor@sample.test", "Kwame Okafor"),
];

/// User, organisation, role, and whether as a guest. With few organisations, the number is counted round.
pub const KNOWN_MEMBERSHIPS: [(u64, u64, &str, bool); 9] = [
    (OWNER, 0, "owner", false),
    (OWNER, 1, "member", false),
    (TWO_OWNERS, 1, "owner", false),
    (TWO_OWNERS, 2, "owner", false),
    (ADMIN, 0, "admin", false),
    (MEMBER, 0, "member", false),
    (GUEST, 0, "guest", true),
    (GUEST_OWNER, 0, "owner", true),
    (TWO_FACTOR, 0, "owner", false),
];
