//! What PostgreSQL, its client and its sessions report, in words for people (SQLSTATEs: PostgreSQL manual, appendix A).

use super::super::error::{Error, Kind};
use super::client;
use crate::model::name::{FieldName, TableName};

/// Converts a client error. The server's message may contain values, so only its code is shown.
pub fn map_error(error: client::Error) -> Error {
    match error {
        client::Error::Server { ref code, .. } => match from_sqlstate(code) {
            Some(known) => known,
            None => other_sqlstate(&code.clone(), error),
        },
        client::Error::Unreachable(_) => unreachable_server(),
        client::Error::Tls(cause) => Error::with_cause(Kind::Tls, "the database server's TLS cannot be used", cause),
        client::Error::Closed(_) => connection_closed(),
        client::Error::Stalled => Error::stalled(),
        client::Error::Protocol => invalid_message(),
        client::Error::NoPassword
        | client::Error::UnsupportedAuth
        | client::Error::WeakAuth
        | client::Error::AuthNotAllowed
        | client::Error::ChannelNotBound
        | client::Error::ServerUnproven => Error::new(Kind::Connection, authentication_advice(&error)),
    }
}

/// Like `map_error`, while connecting: a connection that closes or stays silent counts as unreachable.
pub fn map_connect_error(error: client::Error) -> Error {
    match error {
        client::Error::Closed(_) | client::Error::Stalled => unreachable_server(),
        other => map_error(other),
    }
}

fn from_sqlstate(code: &str) -> Option<Error> {
    let (kind, advice) = match code {
        "28P01" | "28000" => {
            (Kind::Connection, "the database server refuses this user: check name, password and pg_hba.conf")
        }
        "3D000" => {
            (Kind::NotFound, "the server has no database with that name; check the name in the URL or PGDATABASE")
        }
        "42501" => (
            Kind::PermissionDenied,
            "the database user may not read what it needs; GRANT it SELECT on the tables to export",
        ),
        "55P03" => return Some(Error::locked()),
        "40001" => (
            Kind::Failed,
            "a standby server cancelled the read to catch up; export from the primary or raise max_standby_streaming_delay",
        ),
        "57014" => (
            Kind::Failed,
            "the database server cancelled the read: a time limit was reached or an administrator cancelled it; raise the limit or try again",
        ),
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" => return Some(connection_closed()),
        "53300" => {
            (Kind::Connection, "the database server has no free connection; try again later or raise max_connections")
        }
        "53100" | "58030" => return Some(Error::disk_io()),
        "XX001" | "XX002" => return Some(Error::damaged()),
        _ => return None,
    };
    Some(Error::new(kind, advice))
}

fn other_sqlstate(code: &str, cause: client::Error) -> Error {
    let advice = format!("the database rejected a query (SQLSTATE {code}: see appendix A of the PostgreSQL manual)");
    Error::with_cause(Kind::Failed, advice, cause)
}

fn authentication_advice(error: &client::Error) -> &'static str {
    match error {
        client::Error::NoPassword => {
            "the database server asks for a password: set it in PGPASSWORD, ~/.pgpass (with mode 600) or WAYBILL_SOURCE"
        }
        client::Error::WeakAuth => {
            "the database server asks for the password in cleartext or as MD5, and its identity is not verified: use sslmode=verify-full, use scram-sha-256 in pg_hba.conf, or allow it with require_auth=md5 (or password)"
        }
        client::Error::AuthNotAllowed => {
            "the database server asks for an authentication method that require_auth does not allow"
        }
        client::Error::ChannelNotBound => {
            "the database server does not support channel binding, which channel_binding=require demands: it needs TLS, scram-sha-256 and a certificate signed with SHA-2"
        }
        client::Error::ServerUnproven => {
            "the database server did not prove that it knows the password, so it may be an impostor: check its address, and use sslmode=verify-full"
        }
        _ => {
            "the database server asks for an authentication method that Waybill does not support; use scram-sha-256 in pg_hba.conf"
        }
    }
}

fn unreachable_server() -> Error {
    let advice = "the database server cannot be reached; check that it is running, its address and sslmode";
    Error::new(Kind::Connection, advice)
}

pub fn connection_closed() -> Error {
    Error::new(Kind::Connection, "the database closed the connection; check its log and try again")
}

/// Bytes that no PostgreSQL server sends.
pub fn invalid_message() -> Error {
    Error::new(Kind::Failed, "the database sent an invalid message; a proxy on the way may be faulty")
}

pub fn unsupported_version(version: &str, oldest: i32) -> Error {
    Error::new(Kind::Unsuitable, format!("the server is PostgreSQL {version}; Waybill needs {oldest} or newer"))
}

pub fn schema_unstable() -> Error {
    let advice = "the database's tables keep changing; try again when the schema changes are done";
    Error::new(Kind::Failed, advice)
}

/// The session that holds a lock for which this one has waited.
pub struct LockHolder {
    pub table: TableName,
    pub user: String,
    pub program: String,
    /// Its process id on the server.
    pub process: i32,
}

/// `holder` is unknown if it has let go meanwhile, or is hidden from this user.
pub fn table_locked(holder: Option<LockHolder>, seconds: u64) -> Error {
    let advice = match holder {
        Some(LockHolder { table, user, program, process }) => format!(
            "table {table} is locked by {program} (user {user}, process {process}); waited {seconds} seconds; try again when it is done"
        ),
        None => format!("a table is locked by another program; waited {seconds} seconds; try again when it is done"),
    };
    Error::new(Kind::Locked, advice)
}

/// The SQLSTATE of an error that has no words of its own; empty for any other.
fn sqlstate(error: &Error) -> &str {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<client::Error>());
    if let Some(client::Error::Server { code, .. }) = cause { code } else { "" }
}

/// The value is not valid input for the column's type (class 22, data exception).
pub fn is_invalid_value(error: &Error) -> bool {
    sqlstate(error).starts_with("22")
}

/// An event trigger would run somebody else's function when a set of keys is made.
pub fn foreign_event_trigger(trigger: &str, owner: &str) -> Error {
    let advice = format!(
        "the event trigger {trigger} would run a function of {owner} with the rights of the connecting user; export as a user who \
         trusts {owner} (--trust-owner {owner}), or disable the trigger"
    );
    Error::new(Kind::Unsuitable, advice)
}

/// The values of a key have a type of which texts cannot decide what is equal.
pub fn unusable_key(column: &FieldName, base_type: &str) -> Error {
    Error::new(
        Kind::Unsuitable,
        format!("{column} has the type {base_type}, by which no part can be found yet; export the whole"),
    )
}

/// Why the session cannot keep sets of keys.
pub fn no_key_sets(error: Error) -> Error {
    let advice = match sqlstate(&error) {
        // A standby server: no transaction that writes, not even to temporary tables.
        "0A000" | "25006" => {
            "a standby server cannot keep the keys of a part in temporary tables; export the part from the primary"
        }
        _ if error.kind == Kind::PermissionDenied => {
            "the database user may not create temporary tables, which an export of a part needs; GRANT it TEMPORARY on the database"
        }
        _ => return error,
    };
    Error::new(Kind::Unsuitable, advice)
}

/// How the names of temporary tables with a file's records begin.
pub const STAGED_PREFIX: &str = "waybill_staged_";

/// A row that the database does not take. Names the constraint and the record, and shows no value.
pub fn refused_row(table: &TableName, error: Error) -> Error {
    refused_record(table, None, error)
}

/// As `refused_row`, of the record with this number, if that is known.
pub fn refused_record(table: &TableName, record: Option<u64>, error: Error) -> Error {
    if error.kind == Kind::PermissionDenied {
        return may_not_write(table);
    }
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<client::Error>());
    let Some(client::Error::Server { code, constraint, line, column, .. }) = cause else { return error };
    let Some(reason) = refusal(code) else { return error };
    let record = record.or(line.map(Into::into));
    let record = record.map_or_else(|| "a record".to_owned(), |number| format!("record {number}"));
    // The rules of a temporary table are named after it.
    let named = constraint.as_ref().filter(|name| !name.starts_with(STAGED_PREFIX));
    let rule = named.or(column.as_ref()).map_or_else(String::new, |name| format!(" ({name})"));
    Error::new(Kind::Refused, format!("{record} of {table} is refused by the database: {reason}{rule}"))
}

/// Why a row is refused, by its SQLSTATE (PostgreSQL manual, appendix A, classes 22, 23, 44 and P0).
fn refusal(code: &str) -> Option<&'static str> {
    Some(match code {
        "23505" => "another record has the same values",
        "23503" => "it refers to a record that is not there",
        "23502" => "a column that must not be null has no value",
        "23514" => "a check of its table fails",
        "23P01" => "it excludes another record",
        "44000" => "the row would not be in the table's own view or partition",
        "P0001" => "a trigger of the database refuses it",
        _ if code.starts_with("22") => "a value that the type of its column does not take",
        _ if code.starts_with("23") => "a constraint of its table fails",
        _ => return None,
    })
}

pub fn may_not_write(table: &TableName) -> Error {
    let advice =
        format!("the database user may not write to {table}: GRANT it INSERT, or connect as the table's owner");
    Error::new(Kind::PermissionDenied, advice)
}

/// A trigger would run somebody else's function with the importing user's rights.
/// `what` is a trigger or a rule, with its name.
pub fn foreign_code(what: &str, table: &str, owner: &str) -> Error {
    let advice = format!(
        "the {what} on {table} would run code of {owner} with the rights of the connecting user; import as a user \
         who trusts {owner} (--trust-owner {owner}), or disable it"
    );
    Error::new(Kind::Unsuitable, advice)
}

/// The rights that triggers, checks and casts of the target would run with.
pub fn too_powerful(role: &str) -> Error {
    let advice = format!(
        "an import runs triggers, checks and casts of the database with the rights of {role}, and these go beyond its tables: \
         connect as the owner of the tables, a role that is no superuser, has neither BYPASSRLS nor CREATEROLE, and is not \
         changed by a setting of the database (SET role)"
    );
    Error::new(Kind::Unsuitable, advice)
}

/// The table was dropped, renamed or replaced since the schema was read.
pub fn is_table_gone(error: &Error) -> bool {
    matches!(sqlstate(error), "42P01" | "3F000" | "42809")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_error(code: &str) -> client::Error {
        client::Error::Server {
            code: code.into(),
            message: "'s3cret'".into(),
            constraint: Some("users_by_email".into()),
            line: Some(7),
            column: None,
        }
    }

    #[test]
    fn a_refused_record_is_told_by_rule_and_number_and_never_by_its_values() {
        let told = |code| refused_row(&"users".into(), map_error(server_error(code)));
        let unique = told("23505");
        let text = "record 7 of users is refused by the database: another record has the same values (users_by_email)";
        assert_eq!((unique.kind, unique.to_string().as_str()), (Kind::Refused, text));
        assert!(told("42501").to_string().contains("GRANT it INSERT"), "{}", told("42501"));
        assert!(told("22P02").to_string().contains("a value that the type of its column does not take"));
        assert_eq!(told("57014").kind, Kind::Failed);
    }

    #[test]
    fn an_error_of_the_server_is_known_by_its_code_and_never_shows_its_message() {
        let map = |code: &str| map_error(server_error(code));
        assert!(is_invalid_value(&map("22P02")) && !is_table_gone(&map("22P02")));
        assert!(is_table_gone(&map("42P01")) && !is_invalid_value(&map("42P01")));
        assert!(!is_invalid_value(&map("28P01")) && map("28P01").kind == Kind::Connection);
        assert!(map("28P01").to_string().contains("refuses this user"));
        assert_eq!(map("42501").kind, Kind::PermissionDenied);
        let other = map("XX000");
        let text = "the database rejected a query (SQLSTATE XX000: see appendix A of the PostgreSQL manual)";
        assert_eq!((other.kind, other.to_string().as_str()), (Kind::Failed, text));
    }
}
