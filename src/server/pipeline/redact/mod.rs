//! Masks and pseudonymises rows on their way to the encoder. A replacement fits its column's type, or is NULL.
//!
//! Pseudonyms depend on the value and on a key that is generated for one export and never stored: within a
//! file the same value has the same pseudonym in every column (joins survive), and two files cannot be
//! linked by them. They are still personal data: anyone with access to the database can re-identify people.

mod column_type;
mod mask;
mod pseudonym;
mod pseudonym_date;
mod pseudonym_key;
mod pseudonym_number;
mod redactor;

pub use pseudonym_key::PseudonymKey;
pub use redactor::Redactor;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Codec, ColumnSchema};
    use crate::model::redaction::Treatment;
    use crate::server::rows::{RowSink, Stopped, Value};

    /// Collects values as text.
    #[derive(Default)]
    struct CollectedValues(Vec<String>);

    impl RowSink for CollectedValues {
        fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
            self.0.push(match value {
                Value::Text(bytes) | Value::SafeAscii(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Value::Blob(bytes) if (1..8).contains(&bytes.len()) => format!("{bytes:?}"),
                Value::Blob(bytes) => format!("{} bytes", bytes.len()),
                other => format!("{other:?}"),
            });
            Ok(())
        }

        fn end_row(&mut self) -> Result<(), Stopped> {
            Ok(())
        }
    }

    fn apply_treatment(treatment: Treatment, key: &PseudonymKey, values: &[(Codec, &str, Value<'_>)]) -> Vec<String> {
        let column = |(codec, native, _): &(Codec, &str, Value<'_>)| ColumnSchema {
            name: "c".into(),
            native_type: (*native).into(),
            codec: *codec,
            nullable: true,
            generated: false,
            computed_from: vec![],
            identity: None,
            references: None,
            comment: None,
        };
        let columns: Vec<_> = values.iter().map(column).collect();
        let treatments = vec![treatment; values.len()];
        let mut seen = CollectedValues::default();
        let mut redactor = Redactor::new(&mut seen, &columns, &treatments, key);
        for (.., value) in values {
            redactor.push_value(*value).unwrap();
        }
        redactor.end_row().unwrap();
        seen.0
    }

    const VALUES: [(Codec, &str, Value<'static>); 20] = [
        (Codec::Text, "text", Value::Text(b"Ada Whitlock")),
        (Codec::Text, "text", Value::Text(b"ada@example.org")),
        (Codec::Text, "varchar(14)", Value::Text(b"ada@example.org")),
        (Codec::Text, "text", Value::Text(b"+44 20 7946 0018")),
        (Codec::Text, "text", Value::Text("Łukasz".as_bytes())),
        (Codec::Text, "uuid", Value::SafeAscii(b"0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d")),
        (Codec::Date, "date", Value::SafeAscii(b"1984-07-21")),
        (Codec::Timestamp, "timestamptz", Value::SafeAscii(b"1984-07-21T10:11:12.000001Z")),
        (Codec::Decimal, "numeric(8,2)", Value::SafeAscii(b"-1234.50")),
        (Codec::Integer, "bigint", Value::Integer(1984)),
        (Codec::Double, "double precision", Value::Double(36.6)),
        (Codec::Base64, "bytea", Value::Blob(b"0123456789")),
        (Codec::Text, "text", Value::Text(b"2024-05-03: Ada Whitlock fell in the bathroom")),
        (Codec::Date, "TEXT", Value::Text("geboren in Köln".as_bytes())),
        (Codec::Date, "date", Value::SafeAscii(b"0044-03-15 BC")),
        (Codec::Timestamp, "timestamp without time zone", Value::SafeAscii(b"infinity")),
        (Codec::Decimal, "TEXT", Value::Text(b"three of them")),
        (Codec::Text, "text", Value::Text(b"M")),
        (Codec::Text, "text", Value::Text(b"7")),
        (Codec::Text, "text", Value::Null),
    ];

    #[test]
    fn a_masked_value_shows_a_part_and_stays_what_its_type_is() {
        let seen = apply_treatment(Treatment::Mask, &PseudonymKey::new([1; 32]), &VALUES);
        let expected = [
            "A***",
            "a***@masked.invalid",
            "a***@masked.in",
            "+** ** **** **18",
            "Ł***",
            "00000000-0000-0000-0000-000000000000",
            "1984-01-01",
            "1984-01-01T00:00:00Z",
            "0",
            "Integer(0)",
            "Double(0.0)",
            "0 bytes",
            "2***",
            "Null",
            "Null",
            "Null",
            "Null",
            "***",
            "*",
            "Null",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_pseudonym_is_the_same_within_an_export_and_another_in_the_next() {
        let (key, other) = (PseudonymKey::new([1; 32]), PseudonymKey::new([2; 32]));
        let [first, again, next] =
            [&key, &key, &other].map(|key| apply_treatment(Treatment::Pseudonymise, key, &VALUES));
        assert_eq!(first, again);
        for (at, (.., value)) in VALUES.iter().enumerate() {
            if *value == Value::Null {
                assert_eq!(first[at], "Null");
            } else if !matches!(value, Value::Blob(_) | Value::SafeAscii(b"infinity")) && first[at] != "Null" {
                assert_ne!(first[at], next[at], "{value:?}");
                assert_ne!(first[at], apply_treatment(Treatment::Keep, &key, &VALUES)[at], "{value:?}");
            }
        }
        assert!(first[1].ends_with("@pseudonym.invalid"), "{}", first[1]);
        assert_eq!(first[2].chars().count(), 14);
        assert!(first[3].starts_with('+') && first[3].len() == 16, "{}", first[3]);
        assert_eq!(first[5].len(), 36);
        assert!(chrono::NaiveDate::parse_from_str(&first[6], "%Y-%m-%d").is_ok(), "{}", first[6]);
        assert!(chrono::DateTime::parse_from_rfc3339(&first[7]).is_ok(), "{}", first[7]);
        assert!(first[8].starts_with('-') && first[8].len() == 8, "{}", first[8]);
        assert!(
            first.iter().all(|value| !value.contains("Ada") && !value.contains("Köln") && !value.contains("three"))
        );
        assert!(chrono::NaiveDate::parse_from_str(&first[14], "%Y-%m-%d").is_ok(), "{}", first[14]);
        assert_eq!(first[15], "infinity");
    }

    #[test]
    fn two_values_never_get_one_pseudonym() {
        let key = PseudonymKey::new([5; 32]);
        let pseudonyms = |codec: Codec, native: &str, values: &[Vec<u8>]| {
            let value = |bytes| if codec == Codec::Base64 { Value::Blob(bytes) } else { Value::SafeAscii(bytes) };
            let values: Vec<_> = values.iter().map(|bytes| (codec, native, value(bytes))).collect();
            apply_treatment(Treatment::Pseudonymise, &key, &values)
        };
        let start = chrono::NaiveDate::from_ymd_opt(1899, 12, 1).unwrap().and_hms_opt(0, 0, 0).unwrap();
        let moments = |step: chrono::TimeDelta, format: &str| -> Vec<Vec<u8>> {
            (0..3000).map(|n| (start + step * n).format(format).to_string().into_bytes()).collect()
        };
        let days = moments(chrono::TimeDelta::days(1), "%Y-%m-%d");
        let minutes = moments(chrono::TimeDelta::minutes(1), "%Y-%m-%dT%H:%M:%SZ");
        let fractions = moments(chrono::TimeDelta::microseconds(700_001), "%Y-%m-%dT%H:%M:%S%.6f");
        let words: Vec<Vec<u8>> = (0..=u16::MAX).map(|n| n.to_be_bytes().to_vec()).collect();
        for (codec, native, values) in [
            (Codec::Date, "date", days),
            (Codec::Timestamp, "timestamptz", minutes),
            (Codec::Timestamp, "timestamp", fractions),
        ] {
            let distinct: std::collections::BTreeSet<String> = pseudonyms(codec, native, &values).into_iter().collect();
            assert_eq!(distinct.len(), values.len(), "{native}");
            let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "9");
            let first = String::from_utf8(values[1].clone()).unwrap();
            assert!(distinct.iter().all(|new| shape(new) == shape(&first)), "{native}: {:?}", distinct.first());
        }
        let distinct: std::collections::BTreeSet<String> =
            pseudonyms(Codec::Base64, "bytea", &words).into_iter().collect();
        assert_eq!(distinct.len(), words.len());
    }
}
