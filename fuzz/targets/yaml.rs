//! YAML of archives: what is read here, any other reader takes for the same.

#![no_main]

use std::collections::BTreeSet;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;
use waybill::model::catalog::{Codec, ColumnSchema, TableSchema};
use waybill::model::name::TableName;
use waybill::model::ordered_map::OrderedMap;
use waybill::server::layout::yaml::read_value;
use waybill::server::layout::{DocumentReader, DocumentRecord};
use waybill::server::profile::Layout;

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

fuzz_target!(|file: &[u8]| {
    let Ok(text) = std::str::from_utf8(file) else { return };
    if let Ok(json) = read_value(text) {
        if let Some(own) = parse(&json) {
            let other: Value = serde_saphyr::from_str(text).expect("YAML");
            assert!(is_same(&own, &other), "{own} {other}");
        }
    }
    static LAYOUT_AND_SCHEMA: OnceLock<(Layout, OrderedMap<TableName, TableSchema>)> = OnceLock::new();
    let (layout, schema) = LAYOUT_AND_SCHEMA.get_or_init(|| (toml::from_str(LAYOUT).expect("a layout"), schema()));
    let reader = DocumentReader::new(layout, &layout.documents[0], schema).expect("a reader");
    let (mut books, mut is_finite, mut ids) = (0, true, BTreeSet::new());
    // Whoever takes the records notices that one is there twice.
    let mut is_twice = false;
    let mut take = |table: &TableName, record: DocumentRecord| {
        books += usize::from(table.as_str() == "books");
        is_twice |= record.values.get("id").is_some_and(|id| !ids.insert((table.clone(), id.clone())));
        is_finite &= record.values.values().all(|json| parse(json).is_some());
        Ok::<(), ()>(())
    };
    if reader.read(file, 1 << 20, &mut take).is_ok() && is_finite && !is_twice {
        let other: Value = serde_saphyr::from_str(text).expect("YAML");
        assert_eq!(other.as_object().map_or(0, serde_json::Map::len), books, "{other}");
    }
});

fn schema() -> OrderedMap<TableName, TableSchema> {
    let table = |name: &str, columns: &[(&str, Codec)]| {
        let columns = columns.iter().map(|(name, codec)| ColumnSchema::new(name, "", *codec)).collect();
        (TableName::from(name), TableSchema { primary_key: Vec::new(), columns })
    };
    [
        table(
            "books",
            &[("id", Codec::Integer), ("title", Codec::Text), ("facts", Codec::Json), ("lent", Codec::Boolean)],
        ),
        table(
            "pages",
            &[("id", Codec::Text), ("book_id", Codec::Integer), ("weight", Codec::Double), ("price", Codec::Decimal)],
        ),
        table("tags", &[("book_id", Codec::Integer), ("tag", Codec::Text), ("bytes", Codec::Base64)]),
    ]
    .into_iter()
    .collect()
}

/// The value; nothing if it has a number larger than any double, which other readers may refuse.
fn parse(json: &str) -> Option<Value> {
    serde_json::from_str::<&RawValue>(json).expect("JSON");
    serde_json::from_str(json).ok()
}

/// Numbers are compared by nobody: YAML says little about their size.
fn is_same(own: &Value, other: &Value) -> bool {
    match (own, other) {
        (Value::Number(_), other) => !other.is_array() && !other.is_object(),
        (Value::Array(own), Value::Array(other)) => {
            own.len() == other.len() && own.iter().zip(other).all(|(own, other)| is_same(own, other))
        }
        (Value::Object(own), Value::Object(other)) => {
            own.len() == other.len()
                && own.iter().all(|(key, own)| other.get(key).is_some_and(|other| is_same(own, other)))
        }
        (own, other) => own == other,
    }
}
