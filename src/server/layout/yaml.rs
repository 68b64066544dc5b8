//! Values as YAML that every reader takes for the same: of YAML 1.1 and 1.2.
//!
//! A text is always quoted, so that none of `no`, `1e5` or `2024-01-01` becomes something else. A number is written as it is if
//! all readers agree on it. What is not printable, or a line break for one of them, is escaped (YAML 1.2.2, 5.1 and 5.7;
//! YAML 1.1, 5.1 and 5.4).

use serde_json::{Map, Value};

/// Readers accept a key on one line up to 1024 characters, as they are written (YAML 1.2.2, 7.4).
const MAX_KEY_BYTES: usize = 1000;
/// Digits of which every reader keeps all.
const MAX_DIGITS: usize = 15;

/// Appends a text, quoted.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for letter in text.chars() {
        match letter {
            '"' => out.extend(b"\\\""),
            '\\' => out.extend(b"\\\\"),
            '\n' => out.extend(b"\\n"),
            '\r' => out.extend(b"\\r"),
            '\t' => out.extend(b"\\t"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => out.extend(format!("\\x{:02x}", u32::from(letter)).bytes()),
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out.extend(format!("\\u{:04x}", u32::from(letter)).bytes());
            }
            _ => out.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    out.push(b'"');
}

/// Appends the key of a mapping with its colon.
pub fn write_key(out: &mut Vec<u8>, indent: usize, key: &str) {
    pad(out, indent);
    let start = out.len();
    write_text(out, key);
    if out.len() - start <= MAX_KEY_BYTES {
        out.push(b':');
        return;
    }
    out.splice(start..start, *b"? ");
    out.push(b'\n');
    pad(out, indent);
    out.push(b':');
}

/// Appends the name of a column or of nested records as a key. It needs no quotes if it is a word of this program.
pub fn write_name(out: &mut Vec<u8>, indent: usize, name: &str) {
    let is_word =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric());
    let lower = name.to_ascii_lowercase();
    // The words of YAML 1.1 for true, false and nothing (yaml.org/type/bool.html, null.html).
    let is_reserved = matches!(lower.as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null");
    if is_word && !is_reserved {
        pad(out, indent);
        out.extend(name.bytes());
        out.push(b':');
    } else {
        write_key(out, indent, name);
    }
}

pub fn pad(out: &mut Vec<u8>, indent: usize) {
    out.extend(std::iter::repeat_n(b' ', indent));
}

/// Appends a value that was written as JSON, on one line. JSON of which readers of YAML would make something else is the text
/// of an object with the only key `$json`.
pub fn write_json(out: &mut Vec<u8>, json: &[u8]) {
    let start = out.len();
    if write_flow(out, json).is_none() {
        out.truncate(start);
        out.extend(b"{\"$json\": ");
        write_text(out, &String::from_utf8_lossy(json));
        out.push(b'}');
    }
}

/// Appends JSON as a flow of YAML; nothing if not all readers take it for the same.
fn write_flow(out: &mut Vec<u8>, json: &[u8]) -> Option<()> {
    let mut rest = json;
    let is_alone = !matches!(json.first(), Some(b'{' | b'['));
    while let Some(first) = rest.first() {
        let length = match first {
            b'"' => {
                let length = text_length(rest)?;
                let text: String = serde_json::from_slice(&rest[..length]).ok()?;
                let start = out.len();
                write_text(out, &text);
                let is_key = rest[length..].trim_ascii_start().starts_with(b":");
                if is_key && out.len() - start > MAX_KEY_BYTES {
                    return None;
                }
                length
            }
            b'-' | b'0'..=b'9' => {
                let length = rest.iter().position(|byte| b",]} \t\r\n".contains(byte)).unwrap_or(rest.len());
                let number = std::str::from_utf8(&rest[..length]).ok()?;
                match is_the_same_for_all(number) {
                    true => out.extend(number.bytes()),
                    false if is_alone => write_text(out, number),
                    false => return None,
                }
                length
            }
            b':' | b',' => {
                out.extend([*first, b' ']);
                1
            }
            b' ' | b'\t' | b'\r' | b'\n' => 1,
            _ => {
                out.push(*first);
                1
            }
        };
        rest = &rest[length..];
    }
    Some(())
}

/// The length of a JSON text with its quotes.
fn text_length(json: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    let end = json.iter().skip(1).position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some(end + 2)
}

/// Whether every reader takes the number for the same: no exponent, which YAML 1.1 reads as a text, few digits, and no
/// negative zero.
fn is_the_same_for_all(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_simple = match digits.split_once('.') {
        // A zero at the end says how exact it is.
        Some((whole, fraction)) => all_digits(whole) && all_digits(fraction) && !fraction.ends_with('0'),
        None => all_digits(digits),
    };
    is_simple && digits.len() <= MAX_DIGITS && !(number.starts_with('-') && digits == "0")
}

/// Appends the entries of an object, nested ones as blocks.
pub fn write_object(out: &mut Vec<u8>, indent: usize, object: &Map<String, Value>) {
    for (key, value) in object {
        write_entry(out, indent, key, value);
    }
}

/// Appends one entry of an object.
pub fn write_entry(out: &mut Vec<u8>, indent: usize, key: &str, value: &Value) {
    write_name(out, indent, key);
    match value {
        Value::Object(nested) if !nested.is_empty() => {
            out.push(b'\n');
            write_object(out, indent + 2, nested);
        }
        value => {
            out.push(b' ');
            write_json(out, value.to_string().as_bytes());
            out.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> String {
        let mut out = Vec::new();
        write_text(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    fn json(text: &str) -> String {
        let mut out = Vec::new();
        write_json(&mut out, text.as_bytes());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_readers_disagree_about_is_quoted_or_escaped() {
        assert_eq!(text("no"), "\"no\"");
        assert_eq!(text("a\u{85}\u{2028}\u{feff}\u{1}\u{7f}\"\\\n"), r#""a\x85\u2028\ufeff\x01\x7f\"\\\n""#);
        assert_eq!(json("12"), "12");
        assert_eq!(json("-1.5"), "-1.5");
        for number in ["1e5", "1.50", "-0", "9007199254740993", "1.0"] {
            assert_eq!(json(number), format!("\"{number}\""));
        }
        assert_eq!(json(r#"{"a":[1,true,null,"x\u0041\/"]}"#), r#"{"a": [1, true, null, "xA/"]}"#);
        // A text that is none, and a number that not all read as the same.
        assert_eq!(json(r#"["\ud800"]"#), r#"{"$json": "[\"\\ud800\"]"}"#);
        assert_eq!(json("[1e5]"), r#"{"$json": "[1e5]"}"#);
        for long in ["k".repeat(1100), "\u{2028}".repeat(400)] {
            for colon in [":", "  :"] {
                assert!(json(&format!("{{\"{long}\"{colon}1}}")).starts_with("{\"$json\": "));
            }
        }
        assert!(!json(&format!("[\"{}\"]", "k".repeat(1100))).starts_with('{'), "a value may be long");
    }

    #[test]
    fn a_long_key_has_a_line_of_its_own() {
        let (mut out, key) = (Vec::new(), "k".repeat(1100));
        write_key(&mut out, 2, &key);
        assert_eq!(String::from_utf8(out).unwrap(), format!("  ? \"{key}\"\n  :"));
    }

    proptest! {
        #[test]
        fn every_text_comes_back(expected in any::<String>()) {
            let read: String = serde_saphyr::from_str(&text(&expected)).unwrap();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn every_json_text_of_texts_comes_back(texts in proptest::collection::vec(any::<String>(), 0..5)) {
            let expected = serde_json::to_string(&texts).unwrap();
            let read: Vec<String> = serde_saphyr::from_str(&json(&expected)).unwrap();
            prop_assert_eq!(read, texts);
        }
    }
}
