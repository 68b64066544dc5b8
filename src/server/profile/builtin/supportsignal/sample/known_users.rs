//! The users whose password is known.

use crate::server::profile::builtin::product::KnownUser;

const fn known(role: &'static str, email: &'static str, name: &'static str) -> KnownUser {
    KnownUser { role, email, name }
}

pub const KNOWN_USERS: [KnownUser; 5] = [
    known("system_admin", "system.admin@sample.test", "Ada Whitlock"),
    known("demo_admin", "demo.admin@sample.test", "Björn Åkesson"),
    known("company_admin", "company.admin@sample.test", "Siobhán Ní Bhriain"),
    known("team_lead", "team.lead@sample.test", "Nguyễn Thị Hạnh"),
    known("frontline_worker", "frontline.worker@sample.test", "Łukasz Żak"),
];
