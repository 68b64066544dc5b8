//! Reads an export by the schema in the file, as `waybill guide` describes it; shares no code with the writer.

use std::collections::HashMap;

use base64::Engine;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A value to insert into a database.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Boolean(bool),
    /// Text, or digits that the column's type parses.
    Text(String),
    /// Text that is not UTF-8.
    TextBytes(Vec<u8>),
    Integer(i64),
    Real(f64),
    Bytes(Vec<u8>),
}

#[derive(Deserialize)]
pub struct Column {
    pub name: String,
    pub codec: String,
    #[serde(default)]
    pub generated: bool,
}

pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Deserialize)]
struct ExportFile<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
    #[serde(borrow)]
    data: HashMap<String, Vec<HashMap<String, &'a RawValue>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    record_counts: HashMap<String, &'a RawValue>,
    schema: HashMap<String, Schema>,
}

#[derive(Deserialize)]
struct Schema {
    columns: Vec<Column>,
}

pub fn read_tables(file: &[u8]) -> Vec<Table> {
    let file: ExportFile<'_> = serde_json::from_slice(file).unwrap();
    assert_eq!(file.metadata.record_counts.len(), file.data.len());
    let (mut data, schema) = (file.data, file.metadata.schema);
    let table = |(name, Schema { columns }): (String, Schema)| {
        let records = data.remove(&name).unwrap();
        let row = |record: HashMap<String, &RawValue>| -> Vec<Cell> {
            assert_eq!(record.len(), columns.len());
            columns.iter().map(|column| cell(&column.codec, record[&column.name].get())).collect()
        };
        Table { rows: records.into_iter().map(row).collect(), name, columns }
    };
    schema.into_iter().map(table).collect()
}

fn cell(codec: &str, json: &str) -> Cell {
    if json == "null" {
        return Cell::Null;
    }
    if let Some(tagged) = tagged(json) {
        return tagged;
    }
    let text =
        || -> String { if json.starts_with('"') { serde_json::from_str(json).unwrap() } else { json.to_owned() } };
    match codec {
        "boolean" => Cell::Boolean(json == "true"),
        "base64" => Cell::Bytes(base64::engine::general_purpose::STANDARD.decode(text()).unwrap()),
        "json" => Cell::Text(json.to_owned()),
        "integer" => Cell::Integer(text().parse().unwrap()),
        "dynamic" if json.starts_with('"') => Cell::Text(text()),
        "dynamic" => json.parse().map_or_else(|_| Cell::Real(json.parse().unwrap()), Cell::Integer),
        // Numbers stay decimal text: parsing them here could hide a missing digit.
        _ => Cell::Text(text()),
    }
}

/// Reads a tagged value, `{"$tag":…}`.
fn tagged(json: &str) -> Option<Cell> {
    let tags: HashMap<&str, &RawValue> = serde_json::from_str(json).ok().filter(|_| json.starts_with("{\"$"))?;
    let (tag, value) = tags.into_iter().next()?;
    let text = || serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned());
    let bytes = || base64::engine::general_purpose::STANDARD.decode(text()).unwrap();
    match tag {
        "$json" | "$text" => Some(Cell::Text(text())),
        "$int" => Some(Cell::Integer(text().parse().unwrap())),
        "$real" => Some(Cell::Real(text().parse().unwrap())),
        "$blob" => Some(Cell::Bytes(bytes())),
        "$bytes" => Some(Cell::TextBytes(bytes())),
        _ => None,
    }
}
