//! Maps SQLSTATEs and client errors to source errors (PostgreSQL manual, appendix A).

use super::super::Error;
use super::client;

/// Converts a client error. The server's message may contain values, so only its code is shown.
pub fn map_error(error: client::Error) -> Error {
    match error {
        client::Error::Server { ref code, .. } => match code.as_str() {
            "28P01" | "28000" => Error::AuthRefused,
            "3D000" => Error::NoDatabase,
            "42501" => Error::PermissionDenied,
            "55P03" => Error::Locked,
            "40001" => Error::StandbyConflict,
            "57014" => Error::CancelledByServer,
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" => Error::ConnectionClosed,
            "53300" => Error::TooManyConnections,
            "53100" | "58030" => Error::DiskIo,
            "XX001" | "XX002" => Error::Corrupt,
            code => Error::Sqlstate { code: code.to_owned(), cause: Box::new(error) },
        },
        client::Error::Unreachable(_) => Error::Unreachable,
        client::Error::Tls(cause) => Error::Tls(cause),
        client::Error::NoPassword => Error::PasswordRequired,
        client::Error::UnsupportedAuth => Error::UnsupportedAuth,
        client::Error::WeakAuth => Error::WeakAuth,
        client::Error::AuthNotAllowed => Error::AuthNotAllowed,
        client::Error::ChannelNotBound => Error::ChannelNotBound,
        client::Error::ServerUnproven => Error::ServerUnproven,
        client::Error::Closed(_) => Error::ConnectionClosed,
        client::Error::Stalled => Error::Stalled,
        client::Error::Protocol => Error::Protocol,
    }
}

/// Like `map_error`, while connecting: a connection that closes or stays silent counts as unreachable.
pub fn map_connect_error(error: client::Error) -> Error {
    match error {
        client::Error::Closed(_) | client::Error::Stalled => Error::Unreachable,
        other => map_error(other),
    }
}

fn sqlstate(error: &Error) -> &str {
    if let Error::Sqlstate { code, .. } = error { code } else { "" }
}

/// The value is not valid input for the column's type (class 22, data exception).
pub fn is_invalid_value(error: &Error) -> bool {
    sqlstate(error).starts_with("22")
}

/// The table was dropped, renamed or replaced since the schema was read.
pub fn is_table_gone(error: &Error) -> bool {
    matches!(sqlstate(error), "42P01" | "3F000" | "42809")
}
