//! `waybill sample`: creates a sample database, as an SQLite file or in PostgreSQL.

use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use super::exit::{CliError, Exit};
use super::terminal::print_line;
use crate::model::text;
use crate::server::profile::builtin::{SAMPLE_PRODUCT, SampleData};
use crate::server::sample::{SampleSpec, generate, generate_in_postgres, password_file};
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
        let data = &SAMPLE_PRODUCT.sample;
        let location = write(data, self.output.expose_secret(), &size, password.expose_secret(), self.force)?;
        print_line(&report(data, &location, &size, password.expose_secret()))
    }
}

fn write(
    data: &SampleData,
    output: &str,
    size: &SampleSpec,
    password: &str,
    force: bool,
) -> Result<SampleLocation, CliError> {
    if !output.starts_with("postgres://") && !output.starts_with("postgresql://") {
        let path = PathBuf::from(output.strip_prefix("sqlite:").unwrap_or(output));
        generate(data, &path, size, password, force)?;
        return Ok(SampleLocation {
            display_name: path.display().to_string(),
            password_path: Some(password_file(&path)),
        });
    }
    if ConnectConfig::contains_password(output) {
        let message = "other users of this machine can read a password on the command line: put it into PGPASSWORD or \
                       ~/.pgpass";
        return Err(CliError::new(Exit::Usage, message));
    }
    let address: ConnectConfig = output.parse().map_err(|message| CliError::new(Exit::Usage, message))?;
    generate_in_postgres(data, &address, size, password, force)?;
    Ok(SampleLocation { display_name: address.to_string(), password_path: None })
}

fn report(data: &SampleData, location: &SampleLocation, size: &SampleSpec, password: &str) -> String {
    let incidents = text::count_with_noun(size.incidents, "incident");
    let participants = text::count_with_noun(size.participants, "participant");
    let accounts = data.known_users.iter().map(|user| format!("  {:<30} {}", user.email, user.role.replace('_', " ")));
    let accounts = accounts.collect::<Vec<_>>().join("\n");
    let kept = location.password_path.as_ref().map(|path| format!("\nkept in   {}", path.display()));
    format!(
        "{}: {incidents}, {participants}, seed {}\n\nSign in as\n{accounts}\npassword  {password}{}",
        location.display_name,
        size.seed,
        kept.unwrap_or_default(),
    )
}

/// Where the sample was written.
struct SampleLocation {
    display_name: String,
    /// The file with the password, beside an SQLite sample.
    password_path: Option<PathBuf>,
}
