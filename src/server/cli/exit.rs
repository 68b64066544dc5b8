//! Exit codes for scripts (`waybill --help` lists them), and the error type of all commands.

use std::process::ExitCode;

use crate::seal::BadPacking;
use crate::server::{artifact, binding, classification, export, inspect, profile, sample, source, state};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Refused = 3,
    NotWhole = 4,
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
pub struct Failed {
    pub exit: Exit,
    pub message: String,
}

impl Failed {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Output that cannot be written. A broken pipe has its own message: the reader ended, Waybill did not fail.
    pub fn output(error: &std::io::Error) -> Self {
        let text = if error.kind() == std::io::ErrorKind::BrokenPipe {
            "the program that reads the output has ended".to_owned()
        } else {
            format!("the output cannot be written: {error}")
        };
        Self::new(Exit::Output, text)
    }
}

impl From<export::Error> for Failed {
    fn from(error: export::Error) -> Self {
        let exit = match &error {
            export::Error::Refused(_)
            | export::Error::Drifted(_)
            | export::Error::Profile(profile::Error::MissingTables { .. })
            | export::Error::Artifact(artifact::Error::InUse)
            | export::Error::Binding(
                binding::Error::OtherName { .. }
                | binding::Error::OtherIdentity { .. }
                | binding::Error::Moved { .. }
                | binding::Error::InUse(_),
            ) => Exit::Refused,
            export::Error::Output(_) => Exit::Output,
            export::Error::StoppedAt { cause, .. } if matches!(**cause, export::Error::Output(_)) => Exit::Output,
            export::Error::State(state::Error::Foreign(_))
            | export::Error::Binding(
                binding::Error::Unknown(_) | binding::Error::NameTaken(_) | binding::Error::Ambiguous(_),
            )
            | export::Error::Profile(
                profile::Error::Unknown { .. } | profile::Error::Unreadable(_) | profile::Error::Mistake(_),
            ) => Exit::Usage,
            _ => Exit::Failed,
        };
        Self::new(exit, with_cause(&error))
    }
}

/// Adds the cause of a TLS error, which may name files: the user of the command line typed those names.
fn with_cause(error: &export::Error) -> String {
    match error {
        export::Error::Source(source::Error::Tls(cause)) => format!("{error}: {cause}"),
        error => error.to_string(),
    }
}

impl From<binding::Error> for Failed {
    fn from(error: binding::Error) -> Self {
        export::Error::from(error).into()
    }
}

impl From<profile::Error> for Failed {
    fn from(error: profile::Error) -> Self {
        export::Error::from(error).into()
    }
}

impl From<source::Error> for Failed {
    fn from(error: source::Error) -> Self {
        export::Error::from(error).into()
    }
}

impl From<classification::Error> for Failed {
    fn from(error: classification::Error) -> Self {
        match error {
            classification::Error::Source(error) => error.into(),
            classification::Error::Profile(error) => error.into(),
        }
    }
}

impl From<sample::Error> for Failed {
    fn from(error: sample::Error) -> Self {
        Self::new(Exit::Output, error.to_string())
    }
}

impl From<inspect::Error> for Failed {
    fn from(error: inspect::Error) -> Self {
        let exit = match &error {
            inspect::Error::Read(cause) if !BadPacking::is(cause) => Exit::Failed,
            _ => Exit::NotWhole,
        };
        Self::new(exit, error.to_string())
    }
}
