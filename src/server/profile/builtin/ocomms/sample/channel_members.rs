//! Who is in a channel, and what they want to hear of it.

use super::chat::{Chat, DAY_US, later, pair};
use super::people::IN_TWO;
use super::person::Person;
use super::places::{CHANNELS, GENERAL, LEADS, RANDOM};
use crate::server::profile::builtin::seeded_random::index_below;
use crate::server::support::copy_text::{CopyText, Timestamp};

impl Chat {
    /// Guests are in one channel only, and few people in those that not everybody may read.
    pub fn is_in_channel(&self, organization: u64, channel: u64, person: Person) -> bool {
        let is_lead = || [0, 1, IN_TWO, 7].map(|nth| self.home_user(organization, nth)).contains(&person.user);
        match channel {
            RANDOM => true,
            LEADS => !person.is_guest && (is_lead() || person.role != "member"),
            4 => person.user == self.home_user(organization, 0),
            _ => !person.is_guest,
        }
    }

    fn join_time(&self, organization: u64) -> Timestamp {
        later(self.organization_time(organization), DAY_US)
    }

    pub fn write_channel_members(&self, organization: u64, rows: &mut CopyText) {
        for channel in 0..CHANNELS.len() as u64 {
            for person in self.members(organization) {
                if self.is_in_channel(organization, channel, person) {
                    let id = pair(organization * CHANNELS.len() as u64 + channel, person.user);
                    rows.write_row(&[
                        &self.uuid("channel member", id),
                        &self.channel_id(organization, channel),
                        &self.user_id(person.user),
                        &(if person.role == "owner" { "owner" } else { "member" }),
                        &self.join_time(organization),
                    ]);
                }
            }
        }
    }

    pub fn write_guest_channel_access(&self, organization: u64, rows: &mut CopyText) {
        for guest in self.members(organization).filter(|person| person.is_guest) {
            rows.write_row(&[
                &self.uuid("guest access", pair(organization, guest.user)),
                &self.member_id(organization, guest.user),
                &self.channel_id(organization, RANDOM),
                &self.join_time(organization),
            ]);
        }
    }

    /// Of every second member, guests left out.
    pub fn write_notification_settings(&self, organization: u64, rows: &mut CopyText) {
        for person in self.members(organization).filter(|person| !person.is_guest).step_by(2) {
            rows.write_row(&[
                &self.uuid("notification setting", pair(organization, person.user)),
                &self.channel_id(organization, GENERAL),
                &self.user_id(person.user),
                &["all", "mentions", "none"][index_below(person.user, 3)],
                &self.join_time(organization),
            ]);
        }
    }
}
