//! Organisations, their members, and those who may become members.

use super::chat::{Chat, DAY_US, HOUR_US, canary, days_after_start, later, pair};
use super::credentials::secret;
use super::people::IN_TWO;
use super::person::Person;
use super::places::{GENERAL, RANDOM};
use super::texts;
use crate::server::profile::builtin::seeded_random::index_below;
use crate::server::support::copy_text::{CopyText, Timestamp};

impl Chat {
    pub fn organization_time(&self, organization: u64) -> Timestamp {
        days_after_start(0, self.random("organization time", organization).between(-200 * DAY_US, 0))
    }

    pub fn member_id(&self, organization: u64, user: u64) -> String {
        self.text_id("member", pair(organization, user))
    }

    pub fn write_organization(&self, organization: u64, rows: &mut CopyText) {
        let name = texts::ORGANIZATIONS[index_below(organization, texts::ORGANIZATIONS.len())];
        let of = |column: &str| canary(organization, &format!("organizations-{column}"));
        rows.write_row(&[
            &self.organization_id(organization),
            &format!("{name} {} {}", organization + 1, of("name")),
            &format!("organization-{organization}"),
            &(organization % 3 == 1).then(|| format!("logos/{}.svg", of("logo"))),
            &organization
                .is_multiple_of(2)
                .then(|| format!("{{\"plan\": \"team\", \"note\": \"{}\"}}", of("metadata"))),
            &self.organization_time(organization),
            &["invite_only", "request", "open"][index_below(organization, 3)],
            &format!("We talk here. {}", of("description")),
        ]);
    }

    pub fn write_members(&self, organization: u64, rows: &mut CopyText) {
        self.members(organization).for_each(|person| self.write_member(organization, person, rows));
    }

    fn write_member(&self, organization: u64, person: Person, rows: &mut CopyText) {
        let mut random = self.random("member", pair(organization, person.user));
        let at = later(self.organization_time(organization), random.between(0, 200 * DAY_US));
        rows.write_row(&[
            &self.member_id(organization, person.user),
            &self.user_id(person.user),
            &self.organization_id(organization),
            &person.role,
            &at,
            &person.is_guest,
            &(person.role == "guest").then(|| days_after_start(600, 0)),
            &false,
            &(person.role == "guest").then(|| format!("guest-{}", person.user)),
        ]);
    }

    /// A pending invitation, and an accepted one.
    pub fn write_invitations(&self, organization: u64, rows: &mut CopyText) {
        let newcomer = format!("newcomer@{}.example.org", canary(organization, "invitations-email"));
        let accepted = Self::user_email(self.home_user(organization, IN_TWO));
        for (nth, (email, status)) in (0..).zip([(newcomer, "pending"), (accepted, "accepted")]) {
            let at = days_after_start(490 * (1 - nth), 0);
            rows.write_row(&[
                &self.text_id("invitation", organization * 2 + nth),
                &email,
                &self.organization_id(organization),
                &self.user_id(self.home_user(organization, 1)),
                &"member",
                &status,
                &later(at, 2 * DAY_US),
                &at,
            ]);
        }
    }

    /// A link that is open, and one that the guest has used.
    pub fn write_guest_invites(&self, organization: u64, rows: &mut CopyText) {
        for nth in 0..2 {
            let mut random = self.random("guest invite", organization * 2 + nth);
            let guest = (nth == 1).then(|| self.user_id(self.home_user(organization, 2)));
            let at = days_after_start(480, random.between(0, DAY_US));
            let channel = self.channel_id(organization, [GENERAL, RANDOM][index_below(nth, 2)]);
            rows.write_row(&[
                &self.uuid("guest invite", organization * 2 + nth),
                &self.organization_id(organization),
                &secret("guest-invite", &mut random),
                &self.user_id(self.home_user(organization, 0)),
                &(nth == 0).then(|| days_after_start(510, 0)),
                &format!("[\"{channel}\"]"),
                &guest,
                &guest.as_ref().map(|_| later(at, HOUR_US)),
                &at,
            ]);
        }
    }

    /// A request that waits, and one that was refused, of somebody of another organisation where there is one.
    pub fn write_join_requests(&self, organization: u64, rows: &mut CopyText) {
        for nth in 0..2_u64 {
            let is_refused = nth == 1;
            let reason = format!("Not now. {}", canary(organization, "workspace_join_requests-rejection_reason"));
            let at = days_after_start(470, nth.cast_signed() * HOUR_US);
            rows.write_row(&[
                &self.text_id("join request", organization * 2 + nth),
                &self.user_id(self.home_user(organization + 2, 8 + nth)),
                &self.organization_id(organization),
                &format!("May I? {}", canary(organization, "workspace_join_requests-message")),
                &(if is_refused { "rejected" } else { "pending" }),
                &is_refused.then_some(reason),
                &at,
                &is_refused.then(|| later(at, DAY_US)),
                &is_refused.then(|| self.user_id(self.home_user(organization, 0))),
            ]);
        }
    }
}
