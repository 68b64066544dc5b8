//! `waybill sample`.

use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use super::{Exit, Failed, print};
use crate::model::text;
use crate::server::sample::{ACCOUNTS, Size, generate, password_file};
use crate::server::support::random::{SystemRandom, reference};

#[derive(Debug, Args)]
pub struct Sample {
    /// The file to make.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    incidents: u64,
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    participants: u64,
    /// The same seed gives the same data.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Replace a file that is there already.
    #[arg(long)]
    force: bool,
    /// The password of the sample's users; made up where none is given.
    #[arg(long, env = "WAYBILL_SAMPLE_PASSWORD", hide = true, hide_env_values = true)]
    password: Option<SecretString>,
}

impl Sample {
    pub fn run(self) -> Result<Exit, Failed> {
        let password = self.password.filter(|given| !given.expose_secret().is_empty());
        let password = password.unwrap_or_else(|| reference(&SystemRandom).to_lowercase().into());
        let size = Size { incidents: self.incidents, participants: self.participants, seed: self.seed };
        generate(&self.output, &size, password.expose_secret(), self.force)?;
        let (incidents, participants) =
            (text::counted(size.incidents, "incident"), text::counted(size.participants, "participant"));
        let accounts = ACCOUNTS.map(|(role, email, _)| format!("  {email:<30} {}", role.replace('_', " ")));
        print(&format!(
            "{}: {incidents}, {participants}, seed {}\n\nSign in as\n{}\npassword  {}\nkept in   {}",
            self.output.display(),
            size.seed,
            accounts.join("\n"),
            password.expose_secret(),
            password_file(&self.output).display()
        ))
    }
}
