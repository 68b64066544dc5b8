//! `waybill guide`.

use clap::Args;

use super::{Exit, Failed, print};
use crate::server::guide;

#[derive(Debug, Args)]
pub struct Guide {
    /// The file's name in the commands and prompts.
    #[arg(default_value = "export.json")]
    file: String,
    /// Whose prompts: supportsignal, or any other application's.
    #[arg(long, value_name = "NAME", default_value = "any")]
    profile: String,
}

impl Guide {
    pub fn run(self) -> Result<Exit, Failed> {
        print(&guide::markdown(&self.file, &self.profile))
    }
}
