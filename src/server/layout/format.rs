//! How documents are written: what stands around records, and around what is nested in them.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::yaml;
use crate::server::profile::{LayoutOutput, Node};

/// The format of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentFormat {
    Json,
    Yaml,
}

/// Where records stand.
#[derive(Clone, Copy, Debug)]
pub struct Place<'n> {
    pub node: &'n Node,
    pub is_root: bool,
    /// Spaces before a column of the records, in YAML.
    pub indent: usize,
}

impl<'n> Place<'n> {
    /// The place of a document.
    pub fn of_document(node: &'n Node) -> Self {
        Self { node, is_root: true, indent: if node.single { 0 } else { 2 } }
    }

    /// The place of what is nested in each record of this one.
    pub fn of_child(self, node: &'n Node) -> Self {
        Self { node, is_root: false, indent: self.indent + if node.single { 2 } else { 4 } }
    }
}

impl DocumentFormat {
    /// The format of the documents in this output.
    #[must_use]
    pub fn of(output: &LayoutOutput) -> Self {
        match output {
            LayoutOutput::Directory(_) => Self::Json,
            LayoutOutput::Archive(_) => Self::Yaml,
        }
    }

    /// Last suffix of a document's name.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Json => ".json",
            Self::Yaml => ".yaml",
        }
    }

    /// A document of its own with these entries.
    #[must_use]
    pub fn object(self, entries: &[(String, Value)]) -> Vec<u8> {
        match self {
            Self::Json => {
                let object: Map<String, Value> = entries.iter().cloned().collect();
                format!("{:#}", Value::Object(object)).into_bytes()
            }
            Self::Yaml => {
                let mut text = Vec::new();
                for (key, value) in entries {
                    yaml::write_entry(&mut text, 0, key, value);
                }
                text
            }
        }
    }

    /// Begins the records of a place.
    pub(super) fn begin(self, out: &mut dyn Write, place: Place<'_>, is_empty: bool) -> io::Result<()> {
        let Place { node, is_root, .. } = place;
        match self {
            Self::Json if node.single => out.write_all(if is_empty { b"null" } else { b"" }),
            // One record of a document a line: line tools find it, and what is nested in it.
            Self::Json => out.write_all(if is_root { b"[\n" } else { b"[" }),
            Self::Yaml => {
                let nothing = match (node.single, &node.keyed_by) {
                    (true, _) => "null",
                    (false, Some(_)) => "{}",
                    (false, None) => "[]",
                };
                let text = match (is_empty, is_root) {
                    (true, true) => format!("{nothing}\n"),
                    (true, false) => format!(" {nothing}\n"),
                    (false, true) => String::new(),
                    (false, false) => "\n".to_owned(),
                };
                out.write_all(text.as_bytes())
            }
        }
    }

    /// Stands between two records.
    pub(super) fn separate(self, out: &mut dyn Write, place: Place<'_>) -> io::Result<()> {
        match self {
            Self::Json if place.is_root => out.write_all(b",\n"),
            Self::Json => out.write_all(b","),
            Self::Yaml => Ok(()),
        }
    }

    /// Begins what is nested in a record of this place.
    pub(super) fn begin_child(self, out: &mut dyn Write, place: Place<'_>, child: &Node) -> io::Result<()> {
        match self {
            Self::Json => write!(out, ",{}:", serde_json::Value::from(child.name.as_str())),
            Self::Yaml => {
                let mut name = Vec::new();
                yaml::write_name(&mut name, place.indent, &child.name);
                out.write_all(&name)
            }
        }
    }

    /// Ends a record, with what is nested in it.
    pub(super) fn end_record(self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Json => out.write_all(b"}"),
            Self::Yaml => Ok(()),
        }
    }

    /// Ends the records of a place.
    pub(super) fn end(self, out: &mut dyn Write, place: Place<'_>) -> io::Result<()> {
        match self {
            Self::Json if place.node.single => Ok(()),
            Self::Json => out.write_all(if place.is_root { b"\n]" } else { b"]" }),
            Self::Yaml => Ok(()),
        }
    }
}
