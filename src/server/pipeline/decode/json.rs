//! JSON: reads what `encode::json` writes (`docs/format.md`, "Values").

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Error;
use super::long_text::{PIECE_BYTES, TextPieces};
use crate::model::catalog::Codec;
use crate::server::rows::{PieceSink, Value};

/// Decodes the records of one table.
///
/// ```
/// use waybill::model::catalog::Codec;
/// use waybill::server::pipeline::decode::RecordDecoder;
/// use waybill::server::rows::{PieceSink, RowSink, Stopped, Value};
///
/// #[derive(Default)]
/// struct Texts(Vec<String>);
/// impl RowSink for Texts {
///     fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
///         self.0.push(format!("{value:?}"));
///         Ok(())
///     }
///     fn end_row(&mut self) -> Result<(), Stopped> {
///         Ok(())
///     }
/// }
/// impl PieceSink for Texts {
///     fn push_text_piece(&mut self, piece: &[u8]) -> Result<(), Stopped> {
///         self.push_value(Value::Text(piece))
///     }
/// }
///
/// let mut decoder = RecordDecoder::new([("id".into(), Codec::Integer, true), ("note".into(), Codec::Text, false)]);
/// let mut texts = Texts::default();
/// decoder.decode(br#"{"id":"9007199254740993","note":"not asked for"}"#, &mut texts)?;
/// assert_eq!(texts.0, ["Integer(9007199254740993)"]);
/// # Ok::<(), waybill::server::pipeline::decode::Error>(())
/// ```
pub struct RecordDecoder {
    columns: Vec<Column>,
}

struct Column {
    name: String,
    codec: Codec,
    is_pushed: bool,
}

impl RecordDecoder {
    /// Creates a decoder for records with these columns, in this order: name, codec, and whether the value is pushed.
    #[must_use]
    pub fn new(columns: impl IntoIterator<Item = (String, Codec, bool)>) -> Self {
        let column = |(name, codec, is_pushed)| Column { name, codec, is_pushed };
        Self { columns: columns.into_iter().map(column).collect() }
    }

    /// Pushes the values of a record. The row is not ended: the caller may have more values for it.
    ///
    /// # Errors
    /// `NotARecord` for another object, `InvalidValue` for a value that the column's codec does not write; `Stopped` if the sink
    /// stops.
    pub fn decode(&mut self, record: &[u8], sink: &mut dyn PieceSink) -> Result<(), Error> {
        let mut failure = None;
        let mut json = serde_json::Deserializer::from_slice(record);
        let seed = RecordSeed { columns: &self.columns, sink, failure: &mut failure };
        let read = seed.deserialize(&mut json).and_then(|()| json.end());
        match (failure, read) {
            (Some(failure), _) => Err(failure),
            (None, Err(_)) => Err(Error::NotARecord),
            (None, Ok(())) => Ok(()),
        }
    }
}

/// Reads a record's values one after the other. An error of ours ends the reading and is kept in `failure`.
struct RecordSeed<'r> {
    columns: &'r [Column],
    sink: &'r mut dyn PieceSink,
    failure: &'r mut Option<Error>,
}

impl<'de> DeserializeSeed<'de> for RecordSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut record: M) -> Result<(), M::Error> {
        let ended = || serde::de::Error::custom("not the columns of the table");
        for column in self.columns {
            let name: Text<'_> = record.next_key()?.ok_or_else(ended)?;
            if name.0 != column.name {
                return Err(ended());
            }
            let json: &RawValue = record.next_value()?;
            if let Err(error) = column.push(json.get(), self.sink) {
                *self.failure = Some(error);
                return Err(ended());
            }
        }
        if record.next_key::<Text<'_>>()?.is_some() { Err(ended()) } else { Ok(()) }
    }
}

impl Column {
    fn push(&self, json: &str, sink: &mut dyn PieceSink) -> Result<(), Error> {
        if !self.is_pushed {
            return Ok(());
        }
        if json.len() > PIECE_BYTES && json.starts_with('"') && is_text(self.codec) {
            return self.push_text(json, sink);
        }
        let decoded = decode_value(self.codec, json)
            .map_err(|expected| Error::InvalidValue { column: self.name.clone(), expected })?;
        sink.push_value(decoded.as_value()).map_err(|_| Error::Stopped)
    }

    fn push_text(&self, json: &str, sink: &mut dyn PieceSink) -> Result<(), Error> {
        let mut pieces = TextPieces::new(json, PIECE_BYTES);
        for piece in pieces.by_ref() {
            sink.push_text_piece(piece.as_bytes()).map_err(|_| Error::Stopped)?;
        }
        let invalid = || Error::InvalidValue { column: self.name.clone(), expected: expected(self.codec) };
        if !pieces.is_valid() {
            return Err(invalid());
        }
        sink.push_value(Value::Text(b"")).map_err(|_| Error::Stopped)
    }
}

/// A value that borrows from its JSON where it can.
#[derive(Debug, PartialEq)]
enum Decoded<'j> {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(Cow<'j, [u8]>),
    Blob(Vec<u8>),
}

impl Decoded<'_> {
    fn as_value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(*value),
            Self::Integer(n) => Value::Integer(*n),
            Self::Double(n) => Value::Double(*n),
            Self::Text(text) => Value::Text(text),
            Self::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

/// The error says what the codec writes.
fn decode_value(codec: Codec, json: &str) -> Result<Decoded<'_>, &'static str> {
    let is_tag = json.starts_with("{\"$") && json.ends_with('}');
    match json.as_bytes() {
        b"null" => Ok(Decoded::Null),
        // An object with one such key is a tag in every column; `encode::json` tags JSON that looks like one.
        _ if is_tag && let Some(tagged) = decode_tagged(json) => tagged,
        _ if codec == Codec::Json => Ok(Decoded::Text(json.as_bytes().into())),
        b"true" | b"false" if codec == Codec::Boolean => Ok(Decoded::Boolean(json == "true")),
        [b'"', ..] => decode_string(codec, json),
        [b'-' | b'0'..=b'9', ..] => decode_number(codec, json),
        _ => Err(expected(codec)),
    }
}

/// Whether strings are the values themselves.
fn is_text(codec: Codec) -> bool {
    !matches!(codec, Codec::Boolean | Codec::Integer | Codec::Double | Codec::Base64 | Codec::Json)
}

fn expected(codec: Codec) -> &'static str {
    match codec {
        Codec::Boolean => "true, false or null",
        Codec::Integer => "an integer of 64 bits or null",
        Codec::Double => "a double or null",
        Codec::Base64 => "base64 or null",
        Codec::Dynamic => "a text, a number or null",
        _ => "a text or null",
    }
}

fn decode_number(codec: Codec, json: &str) -> Result<Decoded<'_>, &'static str> {
    let is_integer = !json.contains(['.', 'e', 'E']);
    match codec {
        Codec::Integer => json.parse().map(Decoded::Integer).map_err(|_| expected(codec)),
        Codec::Dynamic if is_integer => json.parse().map(Decoded::Integer).map_err(|_| expected(codec)),
        Codec::Double | Codec::Dynamic => parse_double(json).map(Decoded::Double).ok_or(expected(codec)),
        _ => Err(expected(codec)),
    }
}

/// A number too large for a double would read as an infinity.
fn parse_double(number: &str) -> Option<f64> {
    number.parse().ok().filter(|n: &f64| n.is_finite())
}

fn decode_string(codec: Codec, json: &str) -> Result<Decoded<'_>, &'static str> {
    let text = unescape(json).ok_or(expected(codec))?;
    match codec {
        Codec::Boolean => Err(expected(codec)),
        Codec::Integer => text.parse().map(Decoded::Integer).map_err(|_| expected(codec)),
        Codec::Double => parse_special_double(&text).map(Decoded::Double).ok_or(expected(codec)),
        Codec::Base64 => STANDARD.decode(text.as_bytes()).map(Decoded::Blob).map_err(|_| expected(codec)),
        _ => Ok(Decoded::Text(to_bytes(text))),
    }
}

/// The doubles for which JSON has no number.
fn parse_special_double(name: &str) -> Option<f64> {
    match name {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        "-0" => Some(-0.0),
        _ => None,
    }
}

/// A value that its column's codec does not fit, with what it is: `{"$blob":"…"}`. `None` for any other object.
fn decode_tagged(json: &str) -> Option<Result<Decoded<'_>, &'static str>> {
    let (tag, value) = serde_json::from_str(json).ok().map(|Tagged(tag, value)| (tag, value.get()))?;
    let text = || unescape(value).ok_or("a tagged text");
    let bytes = || STANDARD.decode(text()?.as_bytes()).map_err(|_| "tagged base64");
    let decoded = match &*tag {
        "$text" | "$json" => text().map(|text| Decoded::Text(to_bytes(text))),
        "$bytes" => bytes().map(|bytes| Decoded::Text(bytes.into())),
        "$blob" => bytes().map(Decoded::Blob),
        "$int" => decode_value(Codec::Integer, value),
        "$real" => decode_value(Codec::Double, value),
        _ => return None,
    };
    Some(decoded.and_then(|value| if value == Decoded::Null { Err("a tagged value") } else { Ok(value) }))
}

/// An object with exactly one key.
struct Tagged<'j>(Cow<'j, str>, &'j RawValue);

impl<'de> Deserialize<'de> for Tagged<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct OneKey;
        impl<'de> Visitor<'de> for OneKey {
            type Value = Tagged<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one key")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut object: M) -> Result<Tagged<'de>, M::Error> {
                let other = || serde::de::Error::custom("not one key");
                let (Text(tag), value) = object.next_entry()?.ok_or_else(other)?;
                if object.next_key::<Text<'_>>()?.is_some() { Err(other()) } else { Ok(Tagged(tag, value)) }
            }
        }
        json.deserialize_map(OneKey)
    }
}

/// The content of a JSON string.
fn unescape(json: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str(json).ok().map(|Text(text)| text)
}

fn to_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// A string, borrowed if it has no escapes; serde's own `Cow` is always owned.
struct Text<'j>(Cow<'j, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct AnyText;
        impl<'de> Visitor<'de> for AnyText {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        json.deserialize_str(AnyText)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::server::pipeline::ChunkWriter;
    use crate::server::pipeline::encode::json::write_value;
    use crate::server::rows::{RowSink, Stopped};

    const CODECS: [Codec; 12] = [
        Codec::Boolean,
        Codec::Integer,
        Codec::Double,
        Codec::Decimal,
        Codec::Text,
        Codec::Base64,
        Codec::Timestamp,
        Codec::Date,
        Codec::Time,
        Codec::Json,
        Codec::Native,
        Codec::Dynamic,
    ];

    /// Values as text, exact to the bit, in the form in which they come back: what is only another name for the same comes
    /// back as that.
    #[derive(Default)]
    struct Shown(Vec<String>, Vec<u8>);

    impl RowSink for Shown {
        fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
            self.0.push(match value {
                Value::Float(n) => format!("double {:x}", f64::from(n).to_bits()),
                Value::Double(n) => format!("double {:x}", n.to_bits()),
                Value::SafeAscii(text) | Value::Text(text) => {
                    self.1.extend_from_slice(text);
                    format!("text {:?}", &std::mem::take(&mut self.1)[..])
                }
                other => format!("{other:?}"),
            });
            Ok(())
        }

        fn end_row(&mut self) -> Result<(), Stopped> {
            Ok(())
        }
    }

    impl PieceSink for Shown {
        fn push_text_piece(&mut self, piece: &[u8]) -> Result<(), Stopped> {
            self.1.extend_from_slice(piece);
            Ok(())
        }
    }

    fn shown(value: Value<'_>) -> Vec<String> {
        let mut shown = Shown::default();
        shown.push_value(value).unwrap();
        shown.0
    }

    fn encoded(codec: Codec, value: Value<'_>) -> String {
        let mut out = ChunkWriter::in_memory();
        write_value(&mut out, codec, value).unwrap();
        String::from_utf8(out.buffer().clone()).unwrap()
    }

    fn decoded(codec: Codec, json: &str) -> Result<Vec<String>, Error> {
        let mut sink = Shown::default();
        let record = format!("{{\"a \\\"name\\\"\":{json}}}");
        RecordDecoder::new([("a \"name\"".to_owned(), codec, true)]).decode(record.as_bytes(), &mut sink)?;
        Ok(sink.0)
    }

    fn json_text() -> impl Strategy<Value = String> {
        prop_oneof![
            Just(r#"{"$blob":"AA=="}"#.to_owned()),
            Just(r#"{"$int":1}"#.to_owned()),
            Just(r#"{"$other":1}"#.to_owned()),
            Just(r#"{"$text":"a","b":2}"#.to_owned()),
            Just("[1, 2.50, null]".to_owned()),
            Just("null".to_owned()),
            Just("\"x\"".to_owned()),
            Just("9007199254740993".to_owned()),
            any::<String>(),
        ]
    }

    /// What each engine pushes for a column of this codec, and what SQLite's dynamic types allow in any column.
    fn codec_and_value() -> impl Strategy<Value = (Codec, OwnedValue)> {
        let value = prop_oneof![
            Just(OwnedValue::Null),
            any::<i64>().prop_map(OwnedValue::Integer),
            (-3_i64..3).prop_map(OwnedValue::Integer),
            any::<u64>().prop_map(|bits| OwnedValue::Double(f64::from_bits(bits))),
            prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0), Just(1.0)]
                .prop_map(OwnedValue::Double),
            any::<String>().prop_map(|text| OwnedValue::Text(text.into_bytes())),
            json_text().prop_map(|text| OwnedValue::Text(text.into_bytes())),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(OwnedValue::Text),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(OwnedValue::Blob),
        ];
        (proptest::sample::select(&CODECS[..]), value)
    }

    #[derive(Clone, Debug)]
    enum OwnedValue {
        Null,
        Integer(i64),
        Double(f64),
        Text(Vec<u8>),
        Blob(Vec<u8>),
    }

    impl OwnedValue {
        fn as_value(&self) -> Value<'_> {
            match self {
                Self::Null => Value::Null,
                Self::Integer(n) => Value::Integer(*n),
                // The file has one NaN: which of its bits are set is no value.
                Self::Double(n) if n.is_nan() => Value::Double(f64::NAN),
                Self::Double(n) => Value::Double(*n),
                Self::Text(text) => Value::Text(text),
                Self::Blob(bytes) => Value::Blob(bytes),
            }
        }
    }

    proptest! {
        #[test]
        fn every_value_of_every_codec_comes_back((codec, value) in codec_and_value()) {
            let value = value.as_value();
            let expected = match (codec, value) {
                (Codec::Boolean, Value::Integer(n @ 0..=1)) => Value::Boolean(n == 1),
                (_, value) => value,
            };
            let json = encoded(codec, value);
            prop_assert_eq!(decoded(codec, &json).unwrap(), shown(expected), "{}", json);
        }

        #[test]
        fn no_text_makes_the_decoder_panic(json in any::<String>(), codec in proptest::sample::select(&CODECS[..])) {
            let _ = decoded(codec, &json);
        }
    }

    #[test]
    fn a_long_text_comes_back_whole() {
        let text = "a\n\"é🦀".repeat(PIECE_BYTES / 4);
        for codec in [Codec::Text, Codec::Native, Codec::Dynamic] {
            let json = encoded(codec, Value::Text(text.as_bytes()));
            assert!(json.len() > PIECE_BYTES);
            assert!(decoded(codec, &json).unwrap() == shown(Value::Text(text.as_bytes())));
            let lone = json.replacen('a', "\\ud800", 1);
            assert!(matches!(decoded(codec, &lone), Err(Error::InvalidValue { .. })));
        }
    }

    #[test]
    fn booleans_and_floats_of_postgresql_come_back() {
        assert_eq!(decoded(Codec::Boolean, &encoded(Codec::Boolean, Value::Boolean(true))).unwrap(), ["Boolean(true)"]);
        let float = encoded(Codec::Double, Value::Float(0.1));
        assert_eq!(float, "0.1", "the database reads the shortest digits to the same float");
        assert_eq!(decoded(Codec::Double, &float).unwrap(), shown(Value::Double(0.1)));
    }

    #[test]
    fn a_value_that_its_codec_never_writes_is_an_error_with_the_column() {
        let message = |codec, json: &str| decoded(codec, json).unwrap_err().to_string();
        assert_eq!(message(Codec::Integer, "1.5"), "the value of a \"name\" is not an integer of 64 bits or null");
        for (codec, json) in [
            (Codec::Integer, "true"),
            (Codec::Integer, "9223372036854775808"),
            (Codec::Double, "1e999"),
            (Codec::Double, "\"nan\""),
            (Codec::Boolean, "1"),
            (Codec::Base64, "\"?\""),
            (Codec::Text, "5"),
            (Codec::Text, "[]"),
            (Codec::Text, "{\"$blob\":\"?\"}"),
            (Codec::Dynamic, "{\"$int\":null}"),
            (Codec::Dynamic, "{\"$what\":1}"),
        ] {
            assert!(matches!(decoded(codec, json), Err(Error::InvalidValue { .. })), "{codec} {json}");
        }
    }

    #[test]
    fn a_record_with_other_columns_is_none() {
        let mut decoder =
            RecordDecoder::new([("a".to_owned(), Codec::Integer, true), ("b".to_owned(), Codec::Integer, true)]);
        for record in
            ["", "[]", "{}", "{\"a\":1}", "{\"b\":1,\"a\":2}", "{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":1,\"b\":2}x"]
        {
            assert_eq!(decoder.decode(record.as_bytes(), &mut Shown::default()), Err(Error::NotARecord), "{record}");
        }
    }
}
