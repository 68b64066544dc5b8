//! The reader takes what the writer wrote, and nothing else.

use proptest::prelude::*;

use super::super::yaml::{ValueKind, read_value, write_value};
use super::*;
use crate::model::catalog::ColumnSchema;
use crate::server::pipeline::ChunkWriter;
use crate::server::pipeline::decode::RecordDecoder;
use crate::server::pipeline::encode::json::write_value as encode;
use crate::server::rows::{PieceSink, RowSink, Stopped, Value};

const LAYOUT: &str = r#"
        scope = "person"
        output = { archive = "a.tar.gz" }
        keys = "camel_case"
        [manifest]
        entries = []
        counts = {}
        [media]
        table = "pages"
        id = "id"
        file_name = "name"
        content_type = "name"
        storage_key = "name"
        bytes = "name"
        sha256 = "name"
        path = "path"
        [[documents]]
        name = "books"
        table = "books"
        keyed_by = "id"
        except = ["owner"]
        constants = { kind = "book" }
        [[documents.children]]
        name = "pages"
        table = "pages"
        keyed_by = "id"
        on = { book_id = "id" }
        except = ["book_id"]
        [[documents.children]]
        name = "tags"
        table = "tags"
        on = { book_id = "id" }
        except = ["book_id"]
    "#;

fn schema() -> OrderedMap<TableName, TableSchema> {
    let table = |name: &str, columns: &[(&str, Codec)]| {
        let columns = columns.iter().map(|(name, codec)| ColumnSchema::new(name, "", *codec)).collect();
        (TableName::from(name), TableSchema { primary_key: Vec::new(), columns })
    };
    [
        table("books", &[("id", Codec::Integer), ("owner", Codec::Text), ("long_title", Codec::Text)]),
        table("pages", &[("id", Codec::Text), ("book_id", Codec::Integer), ("weight", Codec::Double)]),
        table("tags", &[("book_id", Codec::Integer), ("tag", Codec::Text)]),
    ]
    .into_iter()
    .collect()
}

/// The records as one text each, and the keys without a column.
fn read(text: &str) -> Result<(Vec<String>, BTreeSet<String>), String> {
    let layout: Layout = toml::from_str(LAYOUT).unwrap();
    let schema = schema();
    let reader = DocumentReader::new(&layout, &layout.documents[0], &schema).unwrap();
    let mut records = Vec::new();
    let mut take = |table: &TableName, record: DocumentRecord| {
        let path = record.media_path.map(|path| format!(" {path}")).unwrap_or_default();
        records.push(format!("{} {table} {:?}{path}", record.line, record.values));
        Ok::<(), String>(())
    };
    let unknown = reader.read(text.as_bytes(), 1 << 20, &mut take).map_err(|error| error.to_string())?;
    Ok((records, unknown))
}

const BOOKS: &str = "\
\"1\":
  longTitle: \"no\"
  kind: \"book\"
  pages:
    \"p: 1\":
      weight: \"1e5\"
      path: \"media/a.png\"
    \"p2\":
      weight: \"-0\"
  tags:
    - tag: \"x\"
    - tag: null
\"2\":
  longTitle: \"\\x85\"
  pages: {}
  tags: []
";

#[test]
fn records_come_with_the_keys_of_those_around_them() {
    let (records, unknown) = read(BOOKS).unwrap();
    let expected = [
        r#"1 books {"id": "1", "long_title": "\"no\""}"#,
        r#"5 pages {"book_id": "1", "id": "\"p: 1\"", "weight": "1e5"} media/a.png"#,
        r#"8 pages {"book_id": "1", "id": "\"p2\"", "weight": "\"-0\""}"#,
        r#"11 tags {"book_id": "1", "tag": "\"x\""}"#,
        r#"12 tags {"book_id": "1", "tag": "null"}"#,
        r#"13 books {"id": "2", "long_title": "\"\u{85}\""}"#,
    ];
    assert_eq!(records, expected);
    assert!(unknown.is_empty());
    assert_eq!(read("{}\n").unwrap(), (Vec::new(), BTreeSet::new()));
}

#[test]
fn a_key_of_a_later_version_is_told_and_left_out() {
    let unknown = read(&BOOKS.replace("kind:", "colour:")).unwrap().1;
    assert_eq!(unknown, BTreeSet::from(["books.\"colour\"".to_owned()]));
}

#[test]
fn what_the_writer_does_not_write_is_refused_with_its_line() {
    for (from, to, expected) in [
        ("\"2\":", "\"1\":", "line 13: has the id of an earlier record"),
        ("kind: \"book\"", "longTitle: \"x\"", "line 3: \"longTitle\" is there twice"),
        ("weight: \"-0\"", "path: null", "line 8: the record has no weight"),
        ("\"no\"", "no", "line 2: neither a quoted text"),
        ("\"no\"", "*anchor", "line 2: neither a quoted text"),
        ("\"no\"", "!!binary \"no\"", "line 2: neither a quoted text"),
        ("\"no\"", "\"no\" # comment", "line 2: more than one value"),
        ("\"no\"", "\"a\\qb\"", "line 2: an unknown escape"),
        ("\"no\"", "1e3", "line 2: neither a quoted text"),
        ("\"no\"", "1234567890123456", "line 2: neither a quoted text"),
        ("\"no\"", "\"\u{2028}\"", "line 2: a text with a character that is written with an escape"),
        ("\"no\"", "{\"a\": 1, \"a\": 2}", "line 2: a key twice"),
        ("\"no\"", "\"no", "line 2: a text without an end"),
        ("  longTitle", "   longTitle", "line 2: the record has no longTitle"),
        ("  tags: []", "  tags: []\n  longTitle: 1", "line 16: \"longTitle\" is there twice"),
        ("  tags: []\n", "  tags: []", "line 15: the file ends within a line"),
        ("\"1\":\n", "---\n\"1\":\n", "line 1: neither"),
        ("pages: {}", "pages: 1", "line 15: \"pages\" is no list of records"),
    ] {
        let error = read(&BOOKS.replacen(from, to, 1)).unwrap_err();
        let place = expected.split_once(": ").unwrap().1;
        assert!(error.contains(place), "{to}: {error}, not {expected}");
    }
    // Other readers refuse such a key on one line, or take it for a value.
    let key = "k".repeat(1_100);
    let too_long = "line 2: a key that is too long for one line";
    let replaced = BOOKS.replacen("\"no\"", &format!("{{\"{key}\": 1}}"), 1);
    assert!(read(&replaced).unwrap_err().contains(too_long));
    for (key, expected) in [(format!("\"{key}\""), too_long), (key, too_long), ("no".to_owned(), "line 2: neither")] {
        let replaced = BOOKS.replacen("longTitle", &format!("{key}: 1\n  longTitle"), 1);
        assert!(read(&replaced).unwrap_err().contains(expected), "{key}");
    }
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
    assert!(read(&BOOKS.replacen("\"no\"", &deep, 1)).unwrap_err().contains("nested too deep"));
    let long = read(&BOOKS.replacen("no", &"n".repeat(2 << 20), 1)).unwrap_err();
    assert!(long.contains("line 2: too long"), "{long}");
}

#[derive(Default)]
struct Shown(Vec<String>);

impl RowSink for Shown {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        self.0.push(match value {
            Value::Double(n) => format!("double {:x}", n.to_bits()),
            Value::SafeAscii(text) | Value::Text(text) => format!("text {text:?}"),
            other => format!("{other:?}"),
        });
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        Ok(())
    }
}

impl PieceSink for Shown {
    fn push_text_piece(&mut self, _: &[u8]) -> Result<(), Stopped> {
        unreachable!("no value of these tests is long")
    }
}

fn through_json(codec: Codec, json: &str) -> Vec<String> {
    let mut sink = Shown::default();
    RecordDecoder::new([("c".to_owned(), codec, true)])
        .decode(format!("{{\"c\":{json}}}").as_bytes(), &mut sink)
        .unwrap();
    sink.0
}

fn check_value(codec: Codec, native_type: &str, value: Value<'_>) {
    let mut json = ChunkWriter::in_memory();
    encode(&mut json, codec, value).unwrap();
    let mut yaml = Vec::new();
    write_value(&mut yaml, ValueKind::of(&ColumnSchema::new("c", native_type, codec)), json.buffer());
    let json = String::from_utf8(json.buffer().clone()).unwrap();
    let yaml = String::from_utf8(yaml).unwrap();
    let read = typed(codec, &read_value(&yaml).unwrap());
    let is_tag = serde_json::from_str::<BTreeMap<String, serde_json::Value>>(&json)
        .is_ok_and(|object| object.len() == 1 && json.starts_with("{\"$"));
    if codec == Codec::Json && native_type == "jsonb" && !is_tag && !yaml.starts_with("{\"$json\"") {
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&read), value(&json));
        return;
    }
    assert_eq!(through_json(codec, &read), through_json(codec, &json), "{codec}: {json} as {yaml}");
}

#[test]
fn values_that_are_easily_mistaken_come_back() {
    let texts = [
        "1e5",
        "no",
        "{\"$int\":1}",
        "{\"$real\":1e5}",
        "{\"$real\":\"1e5\"}",
        "{\"$json\":\"[1]\"}",
        "{\"$a\":1,\"b\":1.50}",
        "[1, 2]",
        "[1,2]",
        "[1.50]",
        "1.50",
        "\"x\\u0041\"",
        "null",
        "[[1e5]]",
        "{\"a\": 1}",
        "{\"$\":null,\"%\":null}",
        "",
    ];
    for codec in [Codec::Text, Codec::Json, Codec::Dynamic, Codec::Double, Codec::Integer, Codec::Boolean] {
        for native_type in ["", "jsonb"] {
            for text in texts {
                check_value(codec, native_type, Value::Text(text.as_bytes()));
            }
            for number in [0.0, -0.0, 1e5, 1.5, 1e300, f64::NAN, f64::INFINITY, 9_007_199_254_740_992.0] {
                check_value(codec, native_type, Value::Double(number));
            }
            for number in [0, 1, -1, 999_999_999_999_999, 9_007_199_254_740_991, i64::MAX, i64::MIN] {
                check_value(codec, native_type, Value::Integer(number));
            }
            check_value(codec, native_type, Value::Null);
            check_value(codec, native_type, Value::Blob(b"\0\xff"));
        }
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_text_of_every_type_of_column_comes_back(text in any::<String>(), number in any::<f64>(), integer in any::<i64>()) {
        for codec in [Codec::Text, Codec::Json, Codec::Dynamic, Codec::Double, Codec::Integer, Codec::Base64] {
            check_value(codec, "", Value::Text(text.as_bytes()));
            check_value(codec, "", Value::Double(number));
            check_value(codec, "", Value::Integer(integer));
            check_value(codec, "", Value::Blob(text.as_bytes()));
        }
    }

    #[test]
    fn every_json_comes_back(value in json()) {
        for text in [value.to_string(), format!("{value:#}")] {
            check_value(Codec::Json, "json", Value::Text(text.as_bytes()));
            check_value(Codec::Json, "jsonb", Value::Text(text.as_bytes()));
        }
    }

    #[test]
    fn no_text_ends_the_reader_otherwise_than_with_an_error(text in "[ \\-?\"a1:{}\\[\\],\\\\x\n]{0,80}") {
        let _ = read(&text);
        let _ = read(&format!("{BOOKS}{text}"));
    }
}
