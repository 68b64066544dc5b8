//! `waybill sample`: creates a sample database, as an SQLite file or in PostgreSQL.

use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use super::{Exit, Failed, print};
use crate::model::text;
use crate::server::sample::{ACCOUNTS, Size, generate, generate_in_postgres, password_file};
use crate::server::source::postgres::Address;
use crate::server::support::random::{SystemRandom, reference};

#[derive(Debug, Args)]
pub struct Sample {
    /// SQLite file to create, or PostgreSQL database to fill: postgres://user@host:port/database.
    #[arg(long, short, value_name = "FILE|URL")]
    output: SecretString,
    /// Number of incidents.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    incidents: u64,
    /// Number of participants.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    participants: u64,
    /// Seed of the generator: the same seed gives the same data, except for the users' password hashes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Overwrite an existing file, or the sample's tables in a PostgreSQL database.
    #[arg(long)]
    force: bool,
    /// Password of the sample's users [default: a random one].
    #[arg(long, env = "WAYBILL_SAMPLE_PASSWORD", hide = true, hide_env_values = true)]
    password: Option<SecretString>,
}

impl Sample {
    pub fn run(self) -> Result<Exit, Failed> {
        let password = self.password.filter(|given| !given.expose_secret().is_empty());
        let password = password.unwrap_or_else(|| reference(&SystemRandom).to_lowercase().into());
        let size = Size { incidents: self.incidents, participants: self.participants, seed: self.seed };
        let output = self.output.expose_secret();
        let is_server = output.starts_with("postgres://") || output.starts_with("postgresql://");
        let place = if is_server {
            if Address::shows_password(output) {
                let message = "a password on the command line can be read by everybody on this machine: put it \
                                   into PGPASSWORD or ~/.pgpass";
                return Err(Failed::new(Exit::Usage, message));
            }
            let address: Address = output.parse().map_err(|message| Failed::new(Exit::Usage, message))?;
            generate_in_postgres(&address, &size, password.expose_secret(), self.force)?;
            Place { shown: address.to_string(), kept_in: None }
        } else {
            let path = PathBuf::from(output.strip_prefix("sqlite:").unwrap_or(output));
            generate(&path, &size, password.expose_secret(), self.force)?;
            Place { shown: path.display().to_string(), kept_in: Some(password_file(&path)) }
        };
        let (incidents, participants) =
            (text::counted(size.incidents, "incident"), text::counted(size.participants, "participant"));
        let accounts = ACCOUNTS.map(|(role, email, _)| format!("  {email:<30} {}", role.replace('_', " ")));
        let kept = place.kept_in.map(|path| format!("\nkept in   {}", path.display())).unwrap_or_default();
        print(&format!(
            "{}: {incidents}, {participants}, seed {}\n\nSign in as\n{}\npassword  {}{kept}",
            place.shown,
            size.seed,
            accounts.join("\n"),
            password.expose_secret(),
        ))
    }
}

/// Where the sample was written.
struct Place {
    shown: String,
    /// The file with the password, beside an SQLite sample.
    kept_in: Option<PathBuf>,
}
