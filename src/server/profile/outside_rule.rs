//! `[outside]` of a profile: what becomes of a reference to a record that must stay outside of a part.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// What is done, by `default`, by the table that is referred to, and by the column that refers.
pub type OutsideRules = BTreeMap<String, OutsideRule>;

/// What is done with a reference that leads outside.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum OutsideRule {
    /// The record comes along whole.
    Include,
    /// The record is in with its key and these columns.
    Stub(BTreeSet<String>),
    /// The reference is NULL.
    Null,
    /// There is no such part.
    Stop,
}

impl TryFrom<String> for OutsideRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let stub = |columns: &str| columns.split(',').map(|column| column.trim().to_owned()).collect::<BTreeSet<_>>();
        match text.trim() {
            "include" => Ok(Self::Include),
            "null" => Ok(Self::Null),
            "stop" => Ok(Self::Stop),
            "stub" => Ok(Self::Stub(BTreeSet::new())),
            other => match other.strip_prefix("stub(").and_then(|rest| rest.strip_suffix(')')) {
                Some(columns) if !stub(columns).contains("") => Ok(Self::Stub(stub(columns))),
                _ => Err(format!("`{text}` is none of include, stub, stub(column, …), null, stop")),
            },
        }
    }
}
