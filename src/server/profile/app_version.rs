//! `app_version` of a profile: the version of the application, for the manifests of archives.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::filter_profile::QualifiedColumn;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppVersion {
    Constant(String),
    /// A column of a table with one record.
    Column(QualifiedColumn),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InColumn {
    column: QualifiedColumn,
}

/// By hand: serde's `untagged` would drop the message of the actual mistake.
impl<'de> Deserialize<'de> for AppVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VersionVisitor)
    }
}

struct VersionVisitor;

impl<'de> Visitor<'de> for VersionVisitor {
    type Value = AppVersion;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version such as \"3.1\", or { column = \"table.column\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<AppVersion, E> {
        Ok(AppVersion::Constant(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AppVersion, A::Error> {
        InColumn::deserialize(MapAccessDeserializer::new(map)).map(|place| AppVersion::Column(place.column))
    }
}
