//! `waybill sample`: creates a sample database, as an SQLite file or in PostgreSQL.

use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use super::exit::{CliError, Exit};
use super::terminal::print_line;
use crate::model::text;
use crate::server::sample::{KNOWN_USERS, SampleSpec, generate, generate_in_postgres, password_file};
use crate::server::source::postgres::ConnectConfig;
use crate::server::support::random::{SystemRandom, new_error_reference};

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
    pub fn run(self) -> Result<Exit, CliError> {
        let password = self.password.filter(|given| !given.expose_secret().is_empty());
        let password = password.unwrap_or_else(|| new_error_reference(&SystemRandom).to_lowercase().into());
        let size = SampleSpec { incidents: self.incidents, participants: self.participants, seed: self.seed };
        let output = self.output.expose_secret();
        let is_server = output.starts_with("postgres://") || output.starts_with("postgresql://");
        let location = if is_server {
            if ConnectConfig::contains_password(output) {
                let message = "other users of this machine can read a password on the command line: put it \
                                   into PGPASSWORD or ~/.pgpass";
                return Err(CliError::new(Exit::Usage, message));
            }
            let address: ConnectConfig = output.parse().map_err(|message| CliError::new(Exit::Usage, message))?;
            generate_in_postgres(&address, &size, password.expose_secret(), self.force)?;
            SampleLocation { display_name: address.to_string(), password_path: None }
        } else {
            let path = PathBuf::from(output.strip_prefix("sqlite:").unwrap_or(output));
            generate(&path, &size, password.expose_secret(), self.force)?;
            SampleLocation { display_name: path.display().to_string(), password_path: Some(password_file(&path)) }
        };
        let (incidents, participants) = (
            text::count_with_noun(size.incidents, "incident"),
            text::count_with_noun(size.participants, "participant"),
        );
        let accounts = KNOWN_USERS.map(|(role, email, _)| format!("  {email:<30} {}", role.replace('_', " ")));
        let password_line =
            location.password_path.map(|path| format!("\nkept in   {}", path.display())).unwrap_or_default();
        print_line(&format!(
            "{}: {incidents}, {participants}, seed {}\n\nSign in as\n{}\npassword  {}{password_line}",
            location.display_name,
            size.seed,
            accounts.join("\n"),
            password.expose_secret(),
        ))
    }
}

/// Where the sample was written.
struct SampleLocation {
    display_name: String,
    /// The file with the password, beside an SQLite sample.
    password_path: Option<PathBuf>,
}
