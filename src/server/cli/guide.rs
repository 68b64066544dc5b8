//! `waybill guide`.

use std::io::Write;

use clap::Args;

use super::{Exit, Failed};
use crate::server::guide;

#[derive(Debug, Args)]
pub struct Guide {
    /// The file's name in the commands and prompts.
    #[arg(default_value = "export.json")]
    file: String,
}

impl Guide {
    pub fn run(self) -> Result<Exit, Failed> {
        match writeln!(std::io::stdout(), "{}", guide::markdown(&self.file)) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::output(&error)),
            _ => Ok(Exit::Done),
        }
    }
}
