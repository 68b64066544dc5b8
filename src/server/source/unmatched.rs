//! Why natural keys do not tell which records are the same.

use super::merge_rules::NaturalKey;
use super::target::TableLoad;
use super::{Error, Kind};
use crate::model::name::TableName;
use crate::model::text;

/// Two records of the file are one by a natural key, of which one is not there by its own.
pub fn duplicate_in_file(load: &TableLoad, natural: &NaturalKey, [one, other]: [&str; 2]) -> Error {
    let (table, key) = (&load.table, load.key.join(", "));
    let what = format!(
        "the records {key}={one} and {key}={other} of {table} in the file have the same natural key ({natural}), and not both can be \
         meant: change one of them where the file is from, or leave the table out (policy skip)"
    );
    Error::new(Kind::Ambiguous, what)
}

/// A natural key finds several records, or several of the file find the same one.
pub fn ambiguous(load: &TableLoad, record: &str) -> Error {
    let keys: Vec<String> = load.merge.natural_keys.iter().map(ToString::to_string).collect();
    let (table, key, keys) = (&load.table, load.key.join(", "), keys.join("; "));
    let what = format!(
        "the record {key}={record} of {table} in the file fits several records by its natural keys ({keys}): change one of them, or leave \
         the table out (policy skip)"
    );
    Error::new(Kind::Ambiguous, what)
}

/// So many records of the file have primary keys that are here in records with which they have no natural key in common.
pub fn no_shared_natural_key(load: &TableLoad, records: &str) -> Error {
    let keys: Vec<String> = load.merge.natural_keys.iter().map(ToString::to_string).collect();
    let (table, key, keys) = (&load.table, load.key.join(", "), keys.join(" or "));
    let which = if keys.is_empty() {
        "and the file lacks the natural keys that would tell who that is".to_owned()
    } else {
        format!("with another {keys}, or none")
    };
    let what = format!(
        "{records} of {table} in the file: the {key} is here, {which}, so that what refers to it might get to somebody else. If it is the \
         same after all, import with --policy {table}=mine"
    );
    Error::new(Kind::Refused, what)
}

/// A record of the file has the key under which another one was found.
pub fn taken_by_match(load: &TableLoad, record: u64) -> Error {
    let what = format!(
        "record {record} of {} has the key under which an earlier one of the file was found by its natural key: which of them is meant \
         cannot be told record by record",
        load.table
    );
    Error::new(Kind::Ambiguous, what)
}

/// References can follow to records only that come earlier in the file.
pub fn comes_earlier(table: &TableName, target: &TableName, records: u64) -> Error {
    let what = format!(
        "{} of {table} in the file before the records of {target} that it refers to, and these have other keys here: such a reference \
         cannot follow",
        text::count_with_noun(records, "record")
    );
    Error::new(Kind::Refused, what)
}

/// Somebody has taken the key since it was looked up. What is not said is which record that is, and whose.
pub fn of_other_owner(load: &TableLoad) -> Error {
    let what = format!("a record of {} has an id that was taken while the file was read: import it again", load.table);
    Error::new(Kind::Refused, what)
}
