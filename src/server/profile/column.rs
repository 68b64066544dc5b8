//! Deserializes a column of a profile: a class alone, or a class with codec, type and import value.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::model::catalog::Codec;
use crate::model::classification::Classification;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnProfile {
    pub class: Classification,
    /// The codec, where the database does not declare it (JSON in `SQLite`).
    pub codec: Option<Codec>,
    /// The native type when the profile was written; another one is drift.
    pub native_type: Option<String>,
    pub on_import: Option<OnImport>,
    /// Whether an import leaves the column to the database, though the file has values for it.
    pub set_by_target: bool,
}

/// The value an import writes to an omitted column that must not be null.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnImport {
    /// A hash that no password matches.
    UnusableHash,
    /// Random characters, different for each record.
    FreshToken,
    Constant(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DetailedColumn {
    class: Classification,
    codec: Option<Codec>,
    #[serde(rename = "type")]
    native_type: Option<String>,
    on_import: Option<OnImport>,
    #[serde(default)]
    set_by_target: bool,
}

/// By hand: serde's `untagged` would drop the message of the actual mistake.
impl<'de> Deserialize<'de> for ColumnProfile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnVisitor)
    }
}

struct ColumnVisitor;

impl<'de> Visitor<'de> for ColumnVisitor {
    type Value = ColumnProfile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a class such as \"plain\", or { class = \"plain\", … }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ColumnProfile, E> {
        let class = Classification::deserialize(StrDeserializer::new(text))?;
        Ok(ColumnProfile { class, codec: None, native_type: None, on_import: None, set_by_target: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnProfile, A::Error> {
        let DetailedColumn { class, codec, native_type, on_import, set_by_target } =
            DetailedColumn::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ColumnProfile { class, codec, native_type, on_import, set_by_target })
    }
}
