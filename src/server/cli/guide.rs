//! `waybill guide`: prints the analysis guide.

use clap::Args;

use super::exit::{CliError, Exit};
use super::terminal::print_line;
use crate::server::guide;
use crate::server::profile::builtin;

#[derive(Debug, Args)]
pub struct Guide {
    /// File name to use in the commands and prompts.
    #[arg(default_value = "export.json")]
    file: String,
    #[arg(long, value_name = "NAME", default_value = "any", help = profile_help())]
    profile: String,
}

fn profile_help() -> String {
    format!("Application to print prompts for: {}; any other name prints general ones", builtin::names())
}

impl Guide {
    pub fn run(self) -> Result<Exit, CliError> {
        print_line(&guide::markdown(&self.file, &self.profile))
    }
}
