//! Where a message is: in which channel or conversation, and at which position.

use uuid::Uuid;

use super::chat::{Chat, DAY_US, days_after_start};
use super::known_users::{MEMBER, OWNER};
use super::people::{IN_TWO, LEFT};
use crate::server::profile::builtin::seeded_random::index_below;
use crate::server::support::copy_text::Timestamp;

/// Name and whether only some may read it.
pub const CHANNELS: [(&str, bool); 5] =
    [("general", false), ("random", false), ("leads", true), ("archive", false), ("empty", false)];
pub const GENERAL: u64 = 0;
pub const RANDOM: u64 = 1;
pub const LEADS: u64 = 2;
pub const ARCHIVE: u64 = 3;
pub const CONVERSATIONS: u64 = 5;
/// Channels with messages, and all conversations.
const PLACES: u64 = 4 + CONVERSATIONS;
/// All other messages of an organisation are in its first channel.
const MAX_MESSAGES_ELSEWHERE: u64 = 2_000;
const SPAN_US: i64 = 500 * DAY_US;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Channel(u64),
    Conversation(u64),
}

/// Where a message is.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    pub organization: u64,
    pub place: Place,
    /// Among the messages of its place, from 0.
    pub position: u64,
    /// The number of messages there.
    pub length: u64,
    /// The number of the place's first message.
    pub first: u64,
}

impl Chat {
    pub fn message_count(&self, organization: u64) -> u64 {
        self.messages / self.organizations + u64::from(organization < self.messages % self.organizations)
    }

    pub fn first_message(&self, organization: u64) -> u64 {
        organization * (self.messages / self.organizations) + organization.min(self.messages % self.organizations)
    }

    /// How many steps it takes to visit the first and then every `interval`-th message of each organisation.
    pub fn steps_of_every(&self, interval: u64) -> u64 {
        self.organizations * self.message_count(0).div_ceil(interval)
    }

    /// The message of a step; `None` where an organisation has no more.
    pub fn message_of_step(&self, interval: u64, step: u64) -> Option<u64> {
        let each = self.message_count(0).div_ceil(interval).max(1);
        let (organization, offset) = (step / each, step % each * interval);
        (offset < self.message_count(organization)).then(|| self.first_message(organization) + offset)
    }

    /// First message and number of messages of a place.
    pub fn messages_of(&self, organization: u64, place: Place) -> (u64, u64) {
        let count = self.message_count(organization);
        let elsewhere = (count / PLACES).min(MAX_MESSAGES_ELSEWHERE);
        let (first, in_general) = (self.first_message(organization), count - elsewhere * (PLACES - 1));
        match place {
            Place::Channel(GENERAL) => (first, in_general),
            Place::Channel(channel @ 1..4) => (first + in_general + (channel - 1) * elsewhere, elsewhere),
            Place::Channel(_) => (first, 0),
            Place::Conversation(nth) => (first + in_general + (3 + nth) * elsewhere, elsewhere),
        }
    }

    pub fn spot(&self, message: u64) -> Spot {
        let (each, larger) = (self.messages / self.organizations, self.messages % self.organizations);
        let in_larger = larger * (each + 1);
        let organization =
            if message < in_larger { message / (each + 1) } else { larger + (message - in_larger) / each.max(1) };
        let place = places().rev().find(|place| {
            let (first, length) = self.messages_of(organization, *place);
            length > 0 && message >= first
        });
        let place = place.unwrap_or(Place::Channel(GENERAL));
        let (first, length) = self.messages_of(organization, place);
        Spot { organization, place, position: message - first, length, first }
    }

    /// When a message was written: the messages of a place are spread over all of the sample's time.
    pub fn message_time(&self, message: u64, spot: &Spot) -> Timestamp {
        let step = SPAN_US / spot.length.max(1).cast_signed();
        let within = self.random("time", message).between(0, step.clamp(1, 1_000_000));
        days_after_start(0, spot.position.cast_signed() * step + within)
    }

    pub fn channel_id(&self, organization: u64, channel: u64) -> Uuid {
        self.uuid("channel", organization * CHANNELS.len() as u64 + channel)
    }

    pub fn conversation_id(&self, organization: u64, conversation: u64) -> Uuid {
        self.uuid("conversation", organization * CONVERSATIONS + conversation)
    }

    /// The columns `channel_id` and `conversation_id` of what is in this place.
    pub fn place_ids(&self, organization: u64, place: Place) -> (Option<Uuid>, Option<Uuid>) {
        match place {
            Place::Channel(channel) => (Some(self.channel_id(organization, channel)), None),
            Place::Conversation(nth) => (None, Some(self.conversation_id(organization, nth))),
        }
    }

    /// The users of a direct conversation. One of them has left, one is a visitor.
    pub fn participants(&self, organization: u64, conversation: u64) -> Vec<u64> {
        let home = |nth: &[u64]| nth.iter().map(|nth| self.home_user(organization, *nth)).collect();
        match conversation {
            0 if organization == 0 => vec![OWNER, MEMBER],
            0 => home(&[0, 1]),
            1 => home(&[IN_TWO, 7]),
            2 => home(&[0, IN_TWO, 7, 8]),
            3 => home(&[1, LEFT]),
            _ if self.organizations > 1 => {
                vec![self.home_user(organization + 1, IN_TWO), self.home_user(organization, 7)]
            }
            _ => home(&[9, 7]),
        }
    }

    /// The n-th of those who write there.
    pub fn writer(&self, organization: u64, place: Place, nth: u64) -> u64 {
        match place {
            Place::Conversation(conversation) => {
                let participants = self.participants(organization, conversation);
                participants[index_below(nth, participants.len())]
            }
            Place::Channel(LEADS) => self.home_user(organization, [0, 1, IN_TWO, 7][index_below(nth, 4)]),
            Place::Channel(channel) => {
                let person = self.person(organization, nth);
                let is_allowed = channel == RANDOM || !person.is_guest;
                if is_allowed { person.user } else { self.home_user(organization, 0) }
            }
        }
    }
}

/// The places with messages, in the order of their messages.
fn places() -> impl DoubleEndedIterator<Item = Place> {
    (0..4).map(Place::Channel).chain((0..CONVERSATIONS).map(Place::Conversation))
}

#[cfg(test)]
mod tests {
    use super::super::spec::SampleSpec;
    use super::*;

    #[test]
    fn every_message_is_in_one_place_and_most_of_them_in_the_first_channel() {
        for (organizations, messages) in [(1, 5), (3, 100), (7, 50_000), (2, 1), (5, 3)] {
            let chat = Chat::new(&SampleSpec { organizations, messages, seed: 1 }, Vec::new());
            let mut next = 0;
            for organization in 0..organizations {
                for place in places() {
                    let (first, length) = chat.messages_of(organization, place);
                    assert_eq!(first, next, "{organization} {place:?}");
                    for position in [0, length / 2, length.saturating_sub(1)] {
                        let spot = if length == 0 { continue } else { chat.spot(first + position) };
                        assert_eq!((spot.organization, spot.place, spot.position), (organization, place, position));
                    }
                    next += length;
                }
            }
            assert_eq!(next, messages);
        }
        let large = Chat::new(&SampleSpec { organizations: 1, messages: 10_000_000, seed: 1 }, Vec::new());
        assert_eq!(large.messages_of(0, Place::Channel(GENERAL)), (0, 9_984_000));
    }
}
