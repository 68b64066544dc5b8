//! The users whose password is known.

use crate::server::profile::builtin::product::KnownUser;

const fn known(email: &'static str, name: &'static str) -> KnownUser {
    KnownUser { role: "own data", email, name }
}

pub const KNOWN_USERS: [KnownUser; 3] = [
    known("carol@sample.test", "Carol Jespersen"),
    known("mehmet@sample.test", "Mehmet Yıldız"),
    known("ingrid@sample.test", "Ingrid Ó Dálaigh"),
];
