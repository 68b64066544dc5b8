//! Exit codes for scripts (`waybill --help` lists them), and the error type of all commands.

mod of_errors;

use std::process::ExitCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success = 0,
    Failure = 1,
    Usage = 2,
    Refused = 3,
    NotIntact = 4,
    Output = 5,
    Drift = 6,
    StalePlan = 8,
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
