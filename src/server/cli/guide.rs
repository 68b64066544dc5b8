//! `waybill guide`: prints the analysis guide.

use clap::Args;

use super::exit::{CliError, Exit};
use super::terminal::print_line;
use crate::server::guide;

#[derive(Debug, Args)]
pub struct Guide {
    /// File name to use in the commands and prompts.
    #[arg(default_value = "export.json")]
    file: String,
    /// Application to print prompts for: supportsignal; any other name prints general ones.
    #[arg(long, value_name = "NAME", default_value = "any")]
    profile: String,
}

impl Guide {
    pub fn run(self) -> Result<Exit, CliError> {
        print_line(&guide::markdown(&self.file, &self.profile))
    }
}
