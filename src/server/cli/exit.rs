//! Exit codes for scripts (`waybill --help` lists them), and the error type of all commands.

use std::error::Error as _;
use std::process::ExitCode;

use crate::seal::CorruptStream;
use crate::server::{artifact, binding, export, inspect, profile, profiles, sample, source, state};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success = 0,
    Failure = 1,
    Usage = 2,
    Refused = 3,
    NotIntact = 4,
    Output = 5,
    Drift = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failed command: its exit code and a message for the user.
#[derive(Debug)]
pub struct CliError {
    pub exit: Exit,
    pub message: String,
}

impl CliError {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Output that cannot be written. A broken pipe has its own message: the reader ended, Waybill did not fail.
    pub fn output(error: &std::io::Error) -> Self {
        let text = if error.kind() == std::io::ErrorKind::BrokenPipe {
            "the program that reads the output has exited".to_owned()
        } else {
            format!("the output cannot be written: {error}")
        };
        Self::new(Exit::Output, text)
    }
}

impl From<export::Error> for CliError {
    fn from(error: export::Error) -> Self {
        let exit = match &error {
            export::Error::Forbidden(_)
            | export::Error::Drifted(_)
            | export::Error::Profile(profile::Error::MissingTables { .. })
            | export::Error::Artifact(artifact::Error::InUse)
            | export::Error::Binding(
                binding::Error::NameMismatch { .. }
                | binding::Error::IdentityMismatch { .. }
                | binding::Error::Moved { .. }
                | binding::Error::InUse(_),
            ) => Exit::Refused,
            export::Error::Output(_) => Exit::Output,
            export::Error::StoppedAt { cause, .. } if matches!(**cause, export::Error::Output(_)) => Exit::Output,
            export::Error::State(state::Error::NotAStateFile(_))
            | export::Error::Binding(
                binding::Error::Unknown(_) | binding::Error::NameTaken(_) | binding::Error::Ambiguous(_),
            )
            | export::Error::Profile(
                profile::Error::Unknown { .. } | profile::Error::Unreadable(_) | profile::Error::Parse(_),
            ) => Exit::Usage,
            _ => Exit::Failure,
        };
        Self::new(exit, message_with_cause(&error))
    }
}

/// Adds the cause of a TLS error, which may name files: the user of the command line typed those names.
fn message_with_cause(error: &export::Error) -> String {
    match error {
        export::Error::Source(cause) if cause.kind == source::Kind::Tls => match cause.source() {
            Some(detail) => format!("{error}: {detail}"),
            None => error.to_string(),
        },
        error => error.to_string(),
    }
}

impl From<binding::Error> for CliError {
    fn from(error: binding::Error) -> Self {
        export::Error::from(error).into()
    }
}

impl From<profile::Error> for CliError {
    fn from(error: profile::Error) -> Self {
        export::Error::from(error).into()
    }
}

impl From<source::Error> for CliError {
    fn from(error: source::Error) -> Self {
        export::Error::from(error).into()
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
        Self::new(Exit::Output, error.to_string())
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
