//! Dates and times, which PostgreSQL sends as days and microseconds since 2000-01-01.

use super::digits::write_padded;

/// Days from 1970-01-01 to PostgreSQL's epoch, 2000-01-01.
const EPOCH_DAYS: i64 = 10_957;
const DAY_US: i64 = 86_400_000_000;

/// Writes `YYYY-MM-DD` and returns whether the year is BC; the caller writes the era after the time.
fn write_calendar_date(days_since_2000: i64, text: &mut Vec<u8>) -> bool {
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    let z = days_since_2000 + EPOCH_DAYS + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    // There is no year 0: 1 BC is followed by AD 1.
    write_padded(text, if year > 0 { year } else { 1 - year }, 4);
    text.push(b'-');
    write_padded(text, month, 2);
    text.push(b'-');
    write_padded(text, day, 2);
    year <= 0
}

pub fn write_date(days: i32, text: &mut Vec<u8>) {
    match days {
        i32::MIN => text.extend_from_slice(b"-infinity"),
        i32::MAX => text.extend_from_slice(b"infinity"),
        days => {
            if write_calendar_date(days.into(), text) {
                text.extend_from_slice(b" BC");
            }
        }
    }
}

/// Writes `HH:MM:SS`, with six fractional digits unless they are zero. 24:00:00 is a valid time in PostgreSQL.
pub fn write_time(us: i64, text: &mut Vec<u8>) {
    let seconds = us / 1_000_000;
    write_padded(text, seconds / 3600, 2);
    text.push(b':');
    write_padded(text, seconds / 60 % 60, 2);
    text.push(b':');
    write_padded(text, seconds % 60, 2);
    let fraction = us % 1_000_000;
    if fraction != 0 {
        text.push(b'.');
        write_padded(text, fraction, 6);
    }
}

/// RFC 3339 for four-digit years; values that RFC 3339 cannot express are written as PostgreSQL does.
pub fn write_timestamp(us: i64, has_zone: bool, text: &mut Vec<u8>) {
    match us {
        i64::MIN => return text.extend_from_slice(b"-infinity"),
        i64::MAX => return text.extend_from_slice(b"infinity"),
        _ => {}
    }
    let is_bc = write_calendar_date(us.div_euclid(DAY_US), text);
    let is_rfc3339 = !is_bc && text.len() == 10;
    text.push(if is_rfc3339 { b'T' } else { b' ' });
    write_time(us.rem_euclid(DAY_US), text);
    match (is_rfc3339, has_zone) {
        (true, true) => text.push(b'Z'),
        (false, true) => text.extend_from_slice(b"+00"),
        (_, false) => {}
    }
    if is_bc {
        text.extend_from_slice(b" BC");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut text = Vec::new();
        write(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn dates_that_rfc_3339_cannot_say_are_postgresqls_own_text() {
        assert_eq!(written(|t| write_date(0, t)), "2000-01-01");
        assert_eq!(written(|t| write_date(i32::MAX, t)), "infinity");
        assert_eq!(written(|t| write_date(-730_119, t)), "0001-01-01");
        assert_eq!(written(|t| write_date(-730_120, t)), "0001-12-31 BC");
        assert_eq!(written(|t| write_timestamp(0, true, t)), "2000-01-01T00:00:00Z");
        assert_eq!(written(|t| write_timestamp(-1, false, t)), "1999-12-31T23:59:59.999999");
        assert_eq!(written(|t| write_timestamp(i64::MIN, true, t)), "-infinity");
        assert_eq!(written(|t| write_timestamp(400_000_000_000_000_000, true, t)), "14675-06-30 15:06:40+00");
        assert_eq!(written(|t| write_time(DAY_US, t)), "24:00:00");
    }

    proptest! {
        #[test]
        fn days_agree_with_another_calendar(days in -700_000_i32..2_900_000) {
            let expected = chrono::NaiveDate::from_ymd_opt(2000, 1, 1).unwrap() + chrono::TimeDelta::days(days.into());
            prop_assert_eq!(written(|t| write_date(days, t)), expected.format("%Y-%m-%d").to_string());
        }
    }
}
