//! Maps SQLSTATEs and client errors to source errors (PostgreSQL manual, appendix A).

use super::super::Error;
use super::client;

/// Converts a client error. The server's message may contain values, so only its code is shown.
pub fn explain(error: client::Error) -> Error {
    match error {
        client::Error::Server { ref code, .. } => match code.as_str() {
            "28P01" | "28000" => Error::SignInRefused,
            "3D000" => Error::NoDatabase,
            "42501" => Error::NotAllowed,
            "55P03" => Error::Locked,
            "40001" => Error::Standby,
            "57014" => Error::Cancelled,
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" => Error::Closed,
            "53300" => Error::TooManyConnections,
            "53100" | "58030" => Error::Disk,
            "XX001" | "XX002" => Error::Damaged,
            code => Error::Refused { code: code.to_owned(), cause: Box::new(error) },
        },
        client::Error::Unreachable(_) => Error::Unreachable,
        client::Error::Tls(cause) => Error::Tls(cause),
        client::Error::NoPassword => Error::PasswordNeeded,
        client::Error::UnknownSignIn => Error::SignInUnknown,
        client::Error::WeakSignIn => Error::SignInWeak,
        client::Error::NotAllowedWay => Error::SignInNotAllowed,
        client::Error::Unbound => Error::SignInUnbound,
        client::Error::Unproven => Error::Impostor,
        client::Error::Closed(_) => Error::Closed,
        client::Error::Silent => Error::Stalled,
        client::Error::Protocol => Error::Protocol,
    }
}

/// Like `explain`, while connecting: a connection that closes or stays silent counts as unreachable.
pub fn explain_connect(error: client::Error) -> Error {
    match error {
        client::Error::Closed(_) | client::Error::Silent => Error::Unreachable,
        other => explain(other),
    }
}

fn code(error: &Error) -> &str {
    if let Error::Refused { code, .. } = error { code } else { "" }
}

/// The value is not valid input for the column's type (class 22, data exception).
pub fn is_bad_value(error: &Error) -> bool {
    code(error).starts_with("22")
}

/// The table was dropped, renamed or replaced since the schema was read.
pub fn is_gone(error: &Error) -> bool {
    matches!(code(error), "42P01" | "3F000" | "42809")
}
