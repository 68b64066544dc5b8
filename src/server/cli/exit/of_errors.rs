//! The exit code of each error. A new kind of error does not compile without one.

use std::error::Error as _;

use super::{CliError, Exit};
use crate::seal::decompress::CorruptStream;
use crate::server::{
    app, binding, export, identity, import, inspect, key_rotation, profile, profiles, sample, signing, source, state,
};

impl From<export::Error> for CliError {
    fn from(error: export::Error) -> Self {
        use export::Error;
        let exit = match error {
            Error::Source(error) => return error.into(),
            Error::Profile(error) => return error.into(),
            Error::State(error) => return error.into(),
            Error::Forbidden(_) | Error::Drifted(_) => Exit::Refused,
            Error::Selection(_) => Exit::Usage,
            Error::Output(_) => Exit::Output,
            Error::StoppedAt { ref cause, .. } if matches!(**cause, Error::Output(_)) => Exit::Output,
            Error::NotFound
            | Error::Busy { .. }
            | Error::StillRunning
            | Error::NotCompleted
            | Error::Expired
            | Error::InsufficientStorage { .. }
            | Error::TooLarge { .. }
            | Error::NotMeasured(_)
            | Error::Stopped
            | Error::LeaseLost
            | Error::Jobs(_)
            | Error::StoppedAt { .. }
            | Error::Unreadable(_)
            | Error::Artifact(_)
            | Error::Signing(_)
            | Error::Identity(_)
            | Error::Inconsistent(_)
            | Error::Panicked => Exit::Failure,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<import::Error> for CliError {
    fn from(error: import::Error) -> Self {
        use import::Error;
        let exit = match error {
            Error::State(error) => return error.into(),
            Error::Unreadable(error) => return error.into(),
            Error::ExpectedPlan { path, cause } => {
                let Self { exit, message } = (*cause).into();
                return Self::new(exit, format!("{}: {message}", path.display()));
            }
            Error::StalePlan(_) | Error::OtherHash(_) | Error::OtherPlan(_) => Exit::StalePlan,
            Error::PlanOutput { .. } | Error::IdMap { .. } | Error::Plan(_) => Exit::Output,
            Error::NotIntact(_)
            | Error::Layout
            | Error::IsPlan
            | Error::NoPlan
            | Error::InvalidRecord { .. }
            | Error::InvalidArchive(_)
            | Error::Changed => Exit::NotIntact,
            Error::NotAFile | Error::TooLarge { .. } => Exit::Usage,
            Error::Forbidden(_) | Error::NotTrusted(_) | Error::Refused(_) => Exit::Refused,
            Error::Target(ref cause) | Error::Undo(ref cause) if cause.kind.is_refusal() => Exit::Refused,
            Error::Read(_)
            | Error::Busy
            | Error::NoSuchImport
            | Error::SignedOut
            | Error::Stopped
            | Error::NotRechecked(_)
            | Error::Upload(_)
            | Error::Temporary(_)
            | Error::Media(_)
            | Error::Target(_)
            | Error::Undo(_)
            | Error::Uncertain(_)
            | Error::NotRecorded(_)
            | Error::Panicked => Exit::Failure,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<app::Error> for CliError {
    fn from(error: app::Error) -> Self {
        use app::Error;
        match error {
            Error::Source(error) => error.into(),
            Error::State(error) => error.into(),
            Error::Binding(error) => error.into(),
            Error::Signing(error) => error.into(),
            Error::OtherTarget => Self::new(Exit::Usage, error.to_string()),
            Error::Artifact(_) | Error::Panicked => Self::new(Exit::Failure, error.to_string()),
        }
    }
}

impl From<binding::Error> for CliError {
    fn from(error: binding::Error) -> Self {
        use binding::Error;
        let exit = match error {
            Error::State(error) => return error.into(),
            Error::NameMismatch { .. }
            | Error::IdentityMismatch { .. }
            | Error::Moved { .. }
            | Error::InUse(_)
            | Error::Served => Exit::Refused,
            Error::Unknown(_) | Error::NameTaken(_) | Error::Ambiguous(_) => Exit::Usage,
            Error::Lock(_) => Exit::Failure,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<profile::Error> for CliError {
    fn from(error: profile::Error) -> Self {
        use profile::Error;
        let exit = match error {
            Error::MissingTables { .. } => Exit::Refused,
            Error::Unknown { .. } | Error::Unreadable { .. } | Error::Parse(_) => Exit::Usage,
            Error::MissingAuthColumns(_) => Exit::Failure,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<source::Error> for CliError {
    /// Adds the cause of a TLS error, which may name files: the user of the command line typed those names.
    fn from(error: source::Error) -> Self {
        let message = match error.source() {
            Some(cause) if error.kind == source::Kind::Tls => format!("{error}: {cause}"),
            _ => error.to_string(),
        };
        Self::new(Exit::Failure, message)
    }
}

impl From<state::Error> for CliError {
    fn from(error: state::Error) -> Self {
        use state::Error;
        let exit = match error {
            Error::NotAStateFile(_) => Exit::Usage,
            Error::Folder(_) | Error::Files(_) | Error::Migrate(_) | Error::Database(_) | Error::Corrupt(_) => {
                Exit::Failure
            }
        };
        Self::new(exit, error.to_string())
    }
}

impl From<identity::Error> for CliError {
    fn from(error: identity::Error) -> Self {
        use identity::Error;
        let exit = match error {
            Error::Invalid(_) | Error::AccountNotFound(_) | Error::SecondFactorNotFound(_) | Error::NotSignedIn(_) => {
                Exit::Usage
            }
            Error::WrongCredentials
            | Error::RateLimited { .. }
            | Error::WrongCode
            | Error::ApplicationSecondFactor
            | Error::InvalidSetupCode
            | Error::Conflict(_)
            | Error::Source(_)
            | Error::State(_)
            | Error::Overloaded
            | Error::SecondFactorUnusable(_)
            | Error::TaskPanicked => Exit::Failure,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<signing::Error> for CliError {
    fn from(error: signing::Error) -> Self {
        Self::new(Exit::Failure, error.to_string())
    }
}

impl From<key_rotation::Error> for CliError {
    fn from(error: key_rotation::Error) -> Self {
        Self::new(Exit::Failure, error.to_string())
    }
}

impl From<profiles::Error> for CliError {
    fn from(error: profiles::Error) -> Self {
        match error {
            profiles::Error::Source(error) => error.into(),
            profiles::Error::Profile(error) => error.into(),
        }
    }
}

impl From<sample::Error> for CliError {
    fn from(error: sample::Error) -> Self {
        let exit = match error {
            sample::Error::PostgresOnly { .. } => Exit::Usage,
            _ => Exit::Output,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<inspect::Error> for CliError {
    fn from(error: inspect::Error) -> Self {
        let exit = match &error {
            inspect::Error::Read(cause) if !CorruptStream::is_cause_of(cause) => Exit::Failure,
            _ => Exit::NotIntact,
        };
        Self::new(exit, error.to_string())
    }
}
