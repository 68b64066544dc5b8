//! How long a session lasts.

use chrono::{DateTime, TimeDelta, Utc};

use crate::server::state::sessions::Session;

/// Idle timeout of a session.
pub const SESSION_IDLE_TIMEOUT: TimeDelta = TimeDelta::minutes(60);
/// Maximum age of a session, used or not.
pub const SESSION_MAX_AGE: TimeDelta = TimeDelta::hours(12);
/// Time limit for entering a second-factor code, at sign-in and at enrolment.
pub const CODE_ENTRY_TIMEOUT: TimeDelta = TimeDelta::minutes(10);

/// Whether a session was not used for too long, or opened too long ago.
pub fn is_expired(session: &Session, now: DateTime<Utc>) -> bool {
    let max_age = if session.awaits_code { CODE_ENTRY_TIMEOUT } else { SESSION_MAX_AGE };
    age(&session.last_seen_at, now) >= SESSION_IDLE_TIMEOUT || age(&session.created_at, now) >= max_age
}

/// The time since then. A time that cannot be read is as old as can be, so that nothing outlives its limit by it.
pub fn age(since: &str, now: DateTime<Utc>) -> TimeDelta {
    DateTime::parse_from_rfc3339(since).map_or(TimeDelta::MAX, |since| now - since.to_utc())
}
