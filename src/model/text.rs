//! Formatting for people, the same on the page and in the terminal: numbers, times and names.

/// `1234567` -> `1,234,567`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `about 120,000`: a number of which two digits are known.
///
/// ```
/// use waybill::model::text::about;
///
/// assert_eq!([about(0), about(57), about(1234), about(1_250_000)], ["about 0", "about 57", "about 1,200", "about 1,300,000"]);
/// ```
#[must_use]
pub fn about(n: u64) -> String {
    format!("about {}", two_digits(n))
}

/// `120,000`: the number with two digits.
#[must_use]
pub fn two_digits(n: u64) -> String {
    let unit = 10_u64.pow(n.checked_ilog10().unwrap_or_default().saturating_sub(1));
    count((n + unit / 2) / unit * unit)
}

/// A JSON value as a person would type it: strings without quotes and escapes, all else verbatim.
#[must_use]
pub fn unquote(json: &str) -> std::borrow::Cow<'_, str> {
    if json.starts_with('"')
        && let Ok(text) = serde_json::from_str::<String>(json)
    {
        return text.into();
    }
    json.into()
}

/// Decimal units (IEC 80000-13): `999 B`, `12 kB`, `9.8 MB`, `1.2 GB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    if n < 1000 {
        return format!("{n} B");
    }
    // Integer arithmetic: code that formats floats would be one percent of the page's download.
    let mut unit_bytes: u64 = 1000;
    for unit in ["kB", "MB", "GB", "TB", "PB"] {
        let tenths = n.saturating_add(unit_bytes / 20) / (unit_bytes / 10);
        if tenths < 100 {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        let whole = n.saturating_add(unit_bytes / 2) / unit_bytes;
        if whole < 1000 {
            return format!("{whole} {unit}");
        }
        unit_bytes *= 1000;
    }
    format!("{} EB", n / unit_bytes)
}

/// `about 1 s`, `about 3 min`: rounded to the precision of an estimate.
#[must_use]
pub fn approximate_duration(ms: u64) -> String {
    match ms {
        0..=1_499 => "about 1 s".into(),
        1_500..=89_999 => format!("about {} s", (ms + 500) / 1000),
        90_000..=5_399_999 => format!("about {} min", (ms + 30_000) / 60_000),
        _ => format!("about {} h", (ms + 1_800_000) / 3_600_000),
    }
}

/// `0.8 s`, `12.3 s`, `4 min 05 s`.
#[must_use]
pub fn duration(ms: u64) -> String {
    if ms < 100 {
        "under 0.1 s".into()
    } else if ms < 60_000 {
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    } else {
        format!("{} min {:02} s", ms / 60_000, ms % 60_000 / 1000)
    }
}

/// Turns an error message into a sentence: capitalized, with one full stop.
#[must_use]
pub fn to_sentence(message: &str) -> String {
    format!("{}.", capitalized(message.trim_end_matches('.')))
}

/// Escapes line breaks and terminal control characters in a name from a database, as JSON does.
#[must_use]
pub fn one_line(name: &str) -> String {
    let escape = |c: char| if needs_escaping(c) { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
    name.chars().map(escape).collect()
}

/// Whether a character is a control character, or changes the direction of the text around it (Unicode Standard
/// Annex 9).
#[must_use]
pub fn needs_escaping(c: char) -> bool {
    let is_bidi_control =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || is_bidi_control
}

/// Whether a text is a prefix of a timestamp as Waybill writes it, or all of one: `2026-11-20T14:02:11Z`.
#[must_use]
pub fn is_timestamp_prefix(text: &str) -> bool {
    let pattern = b"0000-00-00T00:00:00Z";
    let matches = |(byte, like): (u8, &u8)| if *like == b'0' { byte.is_ascii_digit() } else { byte == *like };
    text.len() <= pattern.len() && text.bytes().zip(pattern).all(matches)
}

/// Capitalizes the first letter.
#[must_use]
pub fn capitalized(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

/// `1 table`, `22 tables`: a count with its noun.
#[must_use]
pub fn count_with_noun(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(n))
}

/// `93 %`: a share, neither nothing nor all unless it is.
///
/// ```
/// use waybill::model::text::percent;
///
/// assert_eq!([percent(0, 9), percent(1, 9000), percent(93, 100), percent(8999, 9000), percent(9, 9)],
///     ["0 %", "less than 1 %", "93 %", "99 %", "100 %"]);
/// ```
#[must_use]
pub fn percent(part: u64, all: u64) -> String {
    let percent = (u128::from(part) * 100).checked_div(u128::from(all)).unwrap_or_default();
    if percent == 0 && part > 0 { "less than 1 %".to_owned() } else { format!("{percent} %") }
}

/// `1 company`, `22 companies`: a count of a table's records, named after the table.
#[must_use]
pub fn count_of_table(n: u64, table: &str) -> String {
    let singular = singular(table);
    match n {
        1 => format!("1 {singular}"),
        _ if singular == table => count_with_noun(n, table),
        _ => format!("{} {table}", count(n)),
    }
}

/// The singular of an English noun, as far as its ending tells; another word is returned unchanged.
fn singular(noun: &str) -> String {
    if noun == "people" {
        return "person".into();
    }
    if let Some(stem) = noun.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let takes_es = ["sses", "shes", "ches", "xes"].iter().any(|ending| noun.ends_with(ending));
    let is_singular = ["ss", "us", "is"].iter().any(|ending| noun.ends_with(ending));
    let stem = if takes_es { noun.strip_suffix("es") } else { noun.strip_suffix('s').filter(|_| !is_singular) };
    stem.unwrap_or(noun).to_owned()
}

/// `2026-11-20T14:02:11Z` -> `2026-11-20 14:02`. A shorter text is returned unchanged.
#[must_use]
pub fn to_minute(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..16)) {
        (Some(date), Some(time)) => format!("{date} {time}"),
        _ => rfc3339.to_owned(),
    }
}

/// `2026-11-20T14:02:11Z` -> `14:02:11`.
#[must_use]
pub fn clock_time(rfc3339: &str) -> &str {
    rfc3339.get(11..19).unwrap_or(rfc3339)
}

/// The beginning of a longer text, on one line.
#[must_use]
pub fn shortened(text: &str, max_chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_thousands_separators() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn sizes_keep_two_digits() {
        let shown = [0, 999, 1000, 9_949, 9_950, 999_499, 999_500, 12_345_678].map(bytes);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "12 MB"]);
    }

    #[test]
    fn records_are_counted_in_the_words_of_their_table() {
        let counted = [(1, "participants"), (2, "participants"), (1, "companies"), (1_200, "companies")];
        let expected = ["1 participant", "2 participants", "1 company", "1,200 companies"];
        assert_eq!(counted.map(|(n, table)| count_of_table(n, table)), expected);
        let counted = [(1, "addresses"), (3, "patient"), (1, "people"), (0, "people"), (1, "status")];
        let expected = ["1 address", "3 patients", "1 person", "0 people", "1 status"];
        assert_eq!(counted.map(|(n, table)| count_of_table(n, table)), expected);
    }

    #[test]
    fn durations_read_naturally() {
        assert_eq!(approximate_duration(400), "about 1 s");
        assert_eq!(approximate_duration(95_000), "about 2 min");
        assert_eq!(duration(61_000), "1 min 01 s");
        assert_eq!(count_with_noun(1, "table"), "1 table");
        assert_eq!(to_sentence("it broke; try again"), "It broke; try again.");
        assert_eq!(to_sentence("Done."), "Done.");
    }
}
