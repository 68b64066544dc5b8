//! What the server's and the wire's errors mean to people (SQLSTATE: PostgreSQL manual, appendix A).

use super::super::Error;

/// Turns an error of the client into ours. The cause is kept for the log only.
pub fn explain(error: sqlx::Error) -> Error {
    if let sqlx::Error::Database(database) = &error {
        let known = match database.code().as_deref().unwrap_or_default() {
            "28P01" | "28000" => Error::SignInRefused,
            "3D000" => Error::NoDatabase,
            "42501" => Error::NotAllowed,
            "55P03" => Error::Locked,
            "40001" => Error::Standby,
            "57014" => Error::Interrupted,
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" => Error::Closed,
            "53300" => Error::TooManyConnections,
            "53100" | "58030" => Error::Disk,
            "XX001" | "XX002" => Error::Damaged,
            _ => return Error::Engine(Box::new(error)),
        };
        return known;
    }
    match error {
        sqlx::Error::Io(_) => Error::Closed,
        sqlx::Error::Tls(cause) => Error::Tls(cause),
        other => Error::Engine(Box::new(other)),
    }
}

/// The same, while connecting: nothing was there to be closed.
pub fn explain_connect(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Io(_) => Error::Unreachable,
        other => explain(other),
    }
}

fn code(error: &Error) -> Option<String> {
    let Error::Engine(cause) = error else { return None };
    let sqlx::Error::Database(database) = cause.downcast_ref::<sqlx::Error>()? else { return None };
    database.code().map(std::borrow::Cow::into_owned)
}

/// A text that the column's type cannot be.
pub fn is_bad_value(error: &Error) -> bool {
    code(error).is_some_and(|code| code.starts_with("22"))
}

/// A table that was dropped or renamed since it was seen.
pub fn is_gone(error: &Error) -> bool {
    code(error).is_some_and(|code| matches!(code.as_str(), "42P01" | "3F000" | "42809"))
}
