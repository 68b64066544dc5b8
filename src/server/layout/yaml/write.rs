//! Writes values as YAML.
//!
//! A text is always quoted, so that none of `no`, `1e5` or `2024-01-01` becomes something else. A number is written as it is if
//! all readers agree on it. What is not printable, or a line break for one of them, is escaped (YAML 1.2.2, 5.1 and 5.7;
//! YAML 1.1, 5.1 and 5.4).

use serde_json::{Map, Value};

use super::plain::{MAX_KEY_BYTES, is_plain_key, is_plain_letter, is_plain_number};
use super::read::{is_number, read_value};
use crate::model::catalog::{Codec, ColumnSchema};

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
            _ if letter.is_control() => out.extend(format!("\\x{:02x}", u32::from(letter)).bytes()),
            _ if !is_plain_letter(letter) => out.extend(format!("\\u{:04x}", u32::from(letter)).bytes()),
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
    if is_plain_key(name) {
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

/// What is known of a value besides its JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Its column says what a number in quotes is.
    Typed,
    /// Nothing says what it is, but the value itself: a column without a type.
    Untyped,
    /// JSON that must come back as it is, byte by byte.
    JsonText,
    /// JSON whose spaces and spelling mean nothing to the database that it is from.
    JsonValue,
}

impl ValueKind {
    #[must_use]
    pub fn of(column: &ColumnSchema) -> Self {
        match column.codec {
            Codec::Dynamic => Self::Untyped,
            Codec::Json if column.native_type == "jsonb" => Self::JsonValue,
            Codec::Json => Self::JsonText,
            _ => Self::Typed,
        }
    }
}

/// Appends a value that was written as JSON, on one line. JSON of which readers of YAML would make something else is the text
/// of an object with the only key `$json`.
pub fn write_value(out: &mut Vec<u8>, kind: ValueKind, json: &[u8]) {
    // Such an object says what its value is, and its number may be quoted.
    if let Some((tag, number)) = tagged_number(json) {
        out.extend([tag, b" \"", number, b"\"}"].concat());
        return;
    }
    if is_different_number(json) {
        match kind {
            ValueKind::Typed => write_text(out, &String::from_utf8_lossy(json)),
            ValueKind::Untyped => {
                let is_integer = json.iter().skip(1).all(u8::is_ascii_digit);
                out.extend(if is_integer { "{\"$int\": " } else { "{\"$real\": " }.bytes());
                write_text(out, &String::from_utf8_lossy(json));
                out.push(b'}');
            }
            ValueKind::JsonText | ValueKind::JsonValue => write_wrapped(out, json),
        }
        return;
    }
    let start = out.len();
    // Lists and objects are easier to read with spaces, but JSON that was stored without any gets none.
    let spaces = if kind == ValueKind::JsonText && !is_tag(json) { &[false, true][..] } else { &[true] };
    let is_written = spaces.iter().any(|has_spaces| {
        out.truncate(start);
        let is_flow = write_flow(out, json, *has_spaces).is_some();
        let read = std::str::from_utf8(&out[start..]).ok().filter(|_| is_flow).and_then(|flow| read_value(flow).ok());
        read.is_some_and(|read| spaces.len() == 1 || read.as_bytes() == json)
    });
    if !is_written {
        out.truncate(start);
        write_wrapped(out, json);
    }
}

fn write_wrapped(out: &mut Vec<u8>, json: &[u8]) {
    out.extend(b"{\"$json\": ");
    write_text(out, &String::from_utf8_lossy(json));
    out.push(b'}');
}

/// The tag of `{"$int":1}` or `{"$real":1e5}` with its colon, and the number.
fn tagged_number(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let tag = [&b"{\"$int\":"[..], b"{\"$real\":"].into_iter().find(|tag| json.starts_with(tag))?;
    let (tag, number) = json.strip_suffix(b"}")?.split_at(tag.len());
    std::str::from_utf8(number).is_ok_and(is_number).then_some((tag, number))
}

/// Whether it is an object that says what its value is (`docs/format.md`, "Values").
fn is_tag(json: &[u8]) -> bool {
    json.starts_with(b"{\"$") && serde_json::from_slice::<Map<String, Value>>(json).is_ok_and(|tag| tag.len() == 1)
}

/// Whether it is a number that not all readers take for the same.
fn is_different_number(json: &[u8]) -> bool {
    std::str::from_utf8(json).is_ok_and(|number| is_number(number) && !is_plain_number(number))
}

/// Appends JSON as a flow of YAML; nothing if not all readers take it for the same.
fn write_flow(out: &mut Vec<u8>, json: &[u8], has_spaces: bool) -> Option<()> {
    let mut rest = json;
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
                is_plain_number(number).then(|| out.extend(number.bytes()))?;
                length
            }
            b':' | b',' => {
                out.push(*first);
                out.extend(has_spaces.then_some(b' '));
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
            write_value(out, ValueKind::Typed, value.to_string().as_bytes());
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
        write_value(&mut out, ValueKind::Typed, text.as_bytes());
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
    fn json_that_was_stored_as_a_text_comes_back_with_its_spaces() {
        let written = |text: &str| {
            let mut out = Vec::new();
            write_value(&mut out, ValueKind::JsonText, text.as_bytes());
            String::from_utf8(out).unwrap()
        };
        for text in [r#"{"a":[1,"x",{}]}"#, r#"{"a": [1, "x", {}]}"#] {
            assert_eq!(written(text), text);
        }
        for text in ["[1,  2]", "{ }", r#"["a",1, 2]"#, r#"["\/"]"#] {
            assert!(written(text).starts_with(r#"{"$json": "#), "{text}");
        }
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
            for kind in [ValueKind::Typed, ValueKind::JsonText] {
                let mut out = Vec::new();
                write_value(&mut out, kind, expected.as_bytes());
                let out = String::from_utf8(out).unwrap();
                let read: Option<Vec<String>> = serde_saphyr::from_str(&out).ok();
                prop_assert_eq!(read.is_none(), out.starts_with("{\"$json\""));
                prop_assert_eq!(read.unwrap_or_else(|| texts.clone()), texts.clone());
            }
        }
    }
}
