//! The authentication policy: methods that a server may request, and channel binding (PostgreSQL manual, 34.1.2,
//! `require_auth` and `channel_binding`).

use std::str::FromStr;

/// An authentication method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// No authentication, or a client certificate only.
    None,
    Password,
    Md5,
    ScramSha256,
    Gss,
    Sspi,
    Oauth,
}

/// `require_auth`: the accepted methods or, with `!`, the rejected ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequireAuth {
    OneOf(Vec<AuthMethod>),
    NoneOf(Vec<AuthMethod>),
}

impl RequireAuth {
    pub fn allows(&self, method: AuthMethod) -> bool {
        match self {
            Self::OneOf(methods) => methods.contains(&method),
            Self::NoneOf(methods) => !methods.contains(&method),
        }
    }

    /// Whether the method is listed as accepted, rather than merely not rejected.
    pub fn is_listed(&self, method: AuthMethod) -> bool {
        matches!(self, Self::OneOf(methods) if methods.contains(&method))
    }
}

impl FromStr for RequireAuth {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let entries: Vec<&str> = text.split(',').map(str::trim).collect();
        let negated: Vec<&str> = entries.iter().filter_map(|word| word.strip_prefix('!')).collect();
        let methods = |words: &[&str]| words.iter().map(|word| word.parse()).collect::<Result<Vec<AuthMethod>, ()>>();
        match negated.len() {
            0 => methods(&entries).map(Self::OneOf),
            count if count == entries.len() => methods(&negated).map(Self::NoneOf),
            _ => Err(()),
        }
    }
}

impl FromStr for AuthMethod {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "none" => Self::None,
            "password" => Self::Password,
            "md5" => Self::Md5,
            "scram-sha-256" => Self::ScramSha256,
            "gss" => Self::Gss,
            "sspi" => Self::Sspi,
            "oauth" => Self::Oauth,
            _ => return Err(()),
        })
    }
}

/// Whether SCRAM is bound to the TLS connection, so that a man in the middle cannot relay it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelBindingMode {
    Disable,
    /// If the server supports it.
    Prefer,
    Require,
}

impl FromStr for ChannelBindingMode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            _ => return Err(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn require_auth_is_read_as_libpq_reads_it() {
        let read = |text: &str| text.parse::<RequireAuth>();
        let scram = read("scram-sha-256").unwrap();
        assert!(
            scram.allows(AuthMethod::ScramSha256) && !scram.allows(AuthMethod::Md5) && !scram.allows(AuthMethod::None)
        );
        let several = read("md5, password").unwrap();
        assert!(several.allows(AuthMethod::Password) && several.is_listed(AuthMethod::Md5));
        let all_but = read("!password,!md5").unwrap();
        assert!(
            all_but.allows(AuthMethod::None)
                && !all_but.allows(AuthMethod::Md5)
                && !all_but.is_listed(AuthMethod::ScramSha256)
        );
        for wrong in ["", "scram", "md5,!password", "!", "md5;password"] {
            assert_eq!(read(wrong), Err(()), "{wrong}");
        }
    }
}
