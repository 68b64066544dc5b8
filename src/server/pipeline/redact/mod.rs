//! The row stage that masks and pseudonymises: typed, so that every value stays what its column says.
//!
//! Pseudonyms depend on the value and on a key that is drawn for one export and kept nowhere: within a
//! file the same value has the same pseudonym in every column (joins survive), and two files cannot be
//! linked by them. They are still personal data: whoever has the database can tell who is who.

mod keyed;
mod mask;
mod pseudonym;

use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::redaction::Treatment;
use crate::server::rows::{RowSink, Selection, Stopped, Value};

pub use keyed::Key;

/// Stands before an encoder and changes what has to be changed.
pub struct Redactor<'a> {
    next: &'a mut dyn RowSink,
    key: &'a Key,
    columns: Vec<(Treatment, Kind)>,
    at: usize,
    text: Vec<u8>,
}

/// What a column's replaced values must still be.
#[derive(Clone, Copy, Debug)]
struct Kind {
    codec: Codec,
    /// In characters, where the type has a limit.
    longest: usize,
}

impl Kind {
    fn of(column: &ColumnSchema) -> Self {
        let limit = column.native_type.split_once('(').and_then(|(name, rest)| {
            let is_text = name.to_ascii_lowercase().contains("char");
            is_text.then(|| rest.split(')').next()?.trim().parse().ok()).flatten()
        });
        Self { codec: column.codec, longest: limit.unwrap_or(usize::MAX) }
    }
}

impl<'a> Redactor<'a> {
    /// None where nothing is to be changed.
    pub fn needed(selection: &Selection) -> bool {
        selection.treatments.iter().any(|treatment| *treatment != Treatment::Keep)
    }

    pub fn new(next: &'a mut dyn RowSink, selection: &Selection, key: &'a Key) -> Self {
        let columns = selection.treatments.iter().copied().zip(selection.columns.iter().map(Kind::of));
        Self { next, key, columns: columns.collect(), at: 0, text: Vec::new() }
    }
}

impl RowSink for Redactor<'_> {
    fn value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let Some(&(treatment, kind)) = self.columns.get(self.at) else { return Err(Stopped) };
        self.at += 1;
        self.text.clear();
        let changed = match (treatment, value) {
            (Treatment::Keep, value) => value,
            // An omitted column is not selected; were it, nothing of it would leave.
            (_, Value::Null) | (Treatment::Omit, _) => Value::Null,
            (Treatment::Mask, value) => mask::value(value, kind, &mut self.text),
            (Treatment::Pseudonymise, value) => pseudonym::value(value, kind, self.key, &mut self.text),
        };
        self.next.value(changed)
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        self.at = 0;
        self.next.end_row()
    }
}

/// Cuts text to what its type holds, in characters.
fn fit(text: &mut Vec<u8>, longest: usize) {
    let Ok(shown) = std::str::from_utf8(text) else { return };
    if let Some((end, _)) = shown.char_indices().nth(longest) {
        text.truncate(end);
    }
}

/// Applies `change` to every text and number inside a JSON document; what is no JSON becomes a JSON string.
fn inside_json(json: &[u8], out: &mut Vec<u8>, change: &dyn Fn(&str, &mut Vec<u8>)) {
    fn walk(value: serde_json::Value, change: &dyn Fn(&str, &mut Vec<u8>)) -> serde_json::Value {
        use serde_json::Value as Json;
        let changed = |text: &str| {
            let mut out = Vec::new();
            change(text, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        match value {
            Json::String(text) => Json::String(changed(&text)),
            Json::Number(number) => Json::String(changed(&number.to_string())),
            Json::Array(items) => Json::Array(items.into_iter().map(|item| walk(item, change)).collect()),
            Json::Object(entries) => entries.into_iter().map(|(key, item)| (key, walk(item, change))).collect(),
            other => other,
        }
    }
    let parsed = serde_json::from_slice(json)
        .unwrap_or_else(|_| serde_json::Value::String(String::from_utf8_lossy(json).into_owned()));
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(out, &walk(parsed, change));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::manifest::RecordOrder;

    /// Collects values as text.
    #[derive(Default)]
    struct Seen(Vec<String>);

    impl RowSink for Seen {
        fn value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
            self.0.push(match value {
                Value::Text(bytes) | Value::Plain(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Value::Blob(bytes) => format!("{} bytes", bytes.len()),
                other => format!("{other:?}"),
            });
            Ok(())
        }

        fn end_row(&mut self) -> Result<(), Stopped> {
            Ok(())
        }
    }

    fn treated(treatment: Treatment, key: &Key, values: &[(Codec, &str, Value<'_>)]) -> Vec<String> {
        let column = |(codec, native, _): &(Codec, &str, Value<'_>)| ColumnSchema {
            name: "c".into(),
            native_type: (*native).into(),
            codec: *codec,
            nullable: true,
            generated: false,
            identity: None,
            references: None,
            comment: None,
        };
        let columns: Vec<_> = values.iter().map(column).collect();
        let treatments = vec![treatment; values.len()];
        let selection = Selection { table: "t".into(), columns, treatments, key: vec![], order: RecordOrder::Storage };
        let mut seen = Seen::default();
        let mut redactor = Redactor::new(&mut seen, &selection, key);
        for (.., value) in values {
            redactor.value(*value).unwrap();
        }
        redactor.end_row().unwrap();
        seen.0
    }

    const VALUES: [(Codec, &str, Value<'static>); 14] = [
        (Codec::Text, "text", Value::Text(b"Ada Whitlock")),
        (Codec::Text, "text", Value::Text(b"ada@example.org")),
        (Codec::Text, "varchar(8)", Value::Text(b"ada@example.org")),
        (Codec::Text, "text", Value::Text(b"+44 20 7946 0018")),
        (Codec::Text, "text", Value::Text("Łukasz".as_bytes())),
        (Codec::Text, "uuid", Value::Plain(b"0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d")),
        (Codec::Date, "date", Value::Plain(b"1984-07-21")),
        (Codec::Timestamp, "timestamptz", Value::Plain(b"1984-07-21T10:11:12.000001Z")),
        (Codec::Decimal, "numeric(8,2)", Value::Plain(b"-1234.50")),
        (Codec::Integer, "bigint", Value::Integer(1984)),
        (Codec::Double, "double precision", Value::Double(36.6)),
        (Codec::Base64, "bytea", Value::Blob(b"0123456789")),
        (Codec::Json, "jsonb", Value::Text(br#"{"name":"Ada","n":[12,true,null]}"#)),
        (Codec::Text, "text", Value::Null),
    ];

    #[test]
    fn a_masked_value_shows_a_part_and_stays_what_its_type_is() {
        let seen = treated(Treatment::Mask, &Key::new([1; 32]), &VALUES);
        let expected = [
            "A***",
            "a***@masked.invalid",
            "a***@mas",
            "+** ** **** **18",
            "Ł***",
            "00000000-0000-0000-0000-00005a6b7c8d",
            "1984-01-01",
            "1984-01-01T00:00:00Z",
            "-1000.00",
            "Integer(1000)",
            "Double(30.0)",
            "0 bytes",
            r#"{"n":["1*",true,null],"name":"A***"}"#,
            "Null",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_pseudonym_is_the_same_within_an_export_and_another_in_the_next() {
        let (key, other) = (Key::new([1; 32]), Key::new([2; 32]));
        let [first, again, next] = [&key, &key, &other].map(|key| treated(Treatment::Pseudonymise, key, &VALUES));
        assert_eq!(first, again);
        for (at, (.., value)) in VALUES.iter().enumerate() {
            if *value == Value::Null {
                assert_eq!(first[at], "Null");
            } else if !matches!(value, Value::Blob(_)) {
                assert_ne!(first[at], next[at], "{value:?}");
                assert_ne!(first[at], treated(Treatment::Keep, &key, &VALUES)[at], "{value:?}");
            }
        }
        assert!(first[1].ends_with("@pseudonym.invalid"), "{}", first[1]);
        assert_eq!(first[2].chars().count(), 8);
        assert!(first[3].starts_with('+') && first[3].len() == 16, "{}", first[3]);
        assert_eq!(first[5].len(), 36);
        assert!(chrono::NaiveDate::parse_from_str(&first[6], "%Y-%m-%d").is_ok(), "{}", first[6]);
        assert!(chrono::DateTime::parse_from_rfc3339(&first[7]).is_ok(), "{}", first[7]);
        assert!(first[8].starts_with('-') && first[8].len() == 8, "{}", first[8]);
    }
}
