//! Pseudonyms of dates and timestamps.

use std::io::Write;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::column_type::{ColumnType, is_date};
use super::pseudonym_key::PseudonymKey;
use crate::model::catalog::Codec;

/// Days from 0001-01-01 to the first days of the years 1, 1900, 2100 and 10000: a pseudonym stays in its range.
const ERA_STARTS: [u64; 4] = [0, 693_595, 766_644, 3_652_059];
const SECONDS_PER_DAY: u64 = 86_400;
const MICROSECONDS_PER_DAY: u64 = 86_400_000_000;

/// Permutes dates by day and timestamps by second or microsecond, so that distinct values stay distinct.
/// Infinities carry no personal data and stay. Text that is not a date of the years 1 to 9999 is hashed to one.
pub(super) fn pseudonymise_date(plain: &str, kind: ColumnType, key: &PseudonymKey, out: &mut Vec<u8>) {
    if matches!(plain, "infinity" | "-infinity") {
        return out.extend_from_slice(plain.as_bytes());
    }
    let is_timestamp = kind.codec == Codec::Timestamp;
    let units_per_day = if !is_timestamp {
        1
    } else if plain.contains('.') {
        MICROSECONDS_PER_DAY
    } else {
        SECONDS_PER_DAY
    };
    let microseconds_per_unit = MICROSECONDS_PER_DAY / units_per_day;
    let new = if let Some((day, microseconds)) = parse_timestamp(plain) {
        let era = ERA_STARTS[1..ERA_STARTS.len() - 1].iter().filter(|first| **first <= day).count();
        let [from, to] = [era, era + 1].map(|age| ERA_STARTS[age] * units_per_day);
        from + key.permute(day * units_per_day + microseconds / microseconds_per_unit - from, 0, to - from)
    } else {
        key.hmac_u64("date", plain.as_bytes()) % (ERA_STARTS[3] * units_per_day)
    };
    let (day, microseconds) = (new / units_per_day, new % units_per_day * microseconds_per_unit);
    let date = i32::try_from(day + 1).ok().and_then(NaiveDate::from_num_days_from_ce_opt);
    let midnight = date.unwrap_or_else(|| unreachable!("a day before the year 10000")).and_time(NaiveTime::MIN);
    let new = midnight + TimeDelta::microseconds(microseconds.cast_signed());
    let format = match units_per_day {
        1 => "%Y-%m-%d",
        SECONDS_PER_DAY => "%Y-%m-%dT%H:%M:%S",
        _ => "%Y-%m-%dT%H:%M:%S%.6f",
    };
    let _ = write!(out, "{}", new.format(format));
    if is_timestamp && kind.has_time_zone {
        out.push(b'Z');
    }
}

/// Returns the days since 0001-01-01 and the microseconds since midnight.
fn parse_timestamp(plain: &str) -> Option<(u64, u64)> {
    let moment = if is_date(plain) {
        NaiveDate::parse_from_str(plain, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN)
    } else {
        let text = plain.strip_suffix('Z').unwrap_or(plain).replacen('T', " ", 1);
        NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").ok()?
    };
    let day = u64::try_from(moment.num_days_from_ce() - 1).ok().filter(|day| *day < ERA_STARTS[3])?;
    let since_midnight = moment.time().signed_duration_since(NaiveTime::MIN).num_microseconds()?;
    Some((day, u64::try_from(since_midnight).ok()?.min(MICROSECONDS_PER_DAY - 1)))
}
