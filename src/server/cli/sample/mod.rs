//! `waybill sample`: creates a sample database, as an SQLite file or in PostgreSQL.

mod size;

use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use super::exit::{CliError, Exit};
use super::terminal::print_line;
use crate::server::profile::builtin;
use crate::server::sample::{Error, default_folder, generate, generate_in_postgres, password_file, write_files};
use crate::server::source::postgres::ConnectConfig;
use crate::server::support::random::{SystemRandom, new_error_reference};
use size::{Application, CarolSize, OCommsSize, SupportSignalSize};

#[derive(Debug, Args)]
pub struct Sample {
    /// SQLite file to create, or PostgreSQL database to fill: postgres://user@host:port/database.
    #[arg(long, short, value_name = "FILE|URL")]
    output: SecretString,
    /// Application whose database is imitated; ocomms knows PostgreSQL only.
    #[arg(long, value_enum, default_value_t = Application::Supportsignal)]
    application: Application,
    /// Seed of the generator: the same seed gives the same data, except for the users' password hashes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Overwrite an existing file, or the sample's tables in a PostgreSQL database.
    #[arg(long)]
    force: bool,
    /// Password of the sample's users [default: a random one].
    #[arg(long, env = "WAYBILL_SAMPLE_PASSWORD", hide = true, hide_env_values = true)]
    password: Option<SecretString>,
    /// Folder for the sample's files, with --application carol [default: FILE.media beside an `SQLite` sample].
    #[arg(long, value_name = "FOLDER")]
    media: Option<PathBuf>,
    #[command(flatten)]
    supportsignal: SupportSignalSize,
    #[command(flatten)]
    ocomms: OCommsSize,
    #[command(flatten)]
    carol: CarolSize,
}

impl Sample {
    pub fn run(self) -> Result<Exit, CliError> {
        let sample = self.sample()?;
        let password = self.password.filter(|given| !given.expose_secret().is_empty());
        let password = password.unwrap_or_else(|| new_error_reference(&SystemRandom).to_lowercase().into());
        let output = self.output.expose_secret();
        let media = media_folder(&sample, output, self.media)?;
        if let (Some(files), Some(folder)) = (&sample.files, &media) {
            write_files(files, folder, self.force)?;
        }
        let location = write(&sample, output, password.expose_secret(), self.force)?;
        let location = SampleLocation { media, ..location };
        print_line(&report(&sample, &location, password.expose_secret()))
    }

    /// The sample that is asked for.
    fn sample(&self) -> Result<builtin::Sample, CliError> {
        let given = [
            (Application::Supportsignal, self.supportsignal.first_given()),
            (Application::Ocomms, self.ocomms.first_given()),
            (Application::Carol, self.carol.first_given()),
        ];
        let mut foreign = given.into_iter().filter(|(owner, _)| *owner != self.application);
        if let Some((owner, option)) = foreign.find_map(|(owner, option)| Some((owner, option?))) {
            let message = format!("{option} belongs to samples of {owner}: leave it out, or add --application {owner}");
            return Err(CliError::new(Exit::Usage, message));
        }
        Ok(match self.application {
            Application::Supportsignal => self.supportsignal.spec(self.seed).sample(),
            Application::Ocomms => self.ocomms.spec(self.seed).sample(),
            Application::Carol => self.carol.spec(self.seed).sample(),
        })
    }
}

/// The folder for the sample's files, if it has any.
fn media_folder(sample: &builtin::Sample, output: &str, given: Option<PathBuf>) -> Result<Option<PathBuf>, CliError> {
    match (&sample.files, given) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(CliError::new(
            Exit::Usage,
            format!("samples of {} have no files: leave --media out", sample.application),
        )),
        (Some(_), Some(folder)) => Ok(Some(folder)),
        (Some(_), None) => match sqlite_path(output) {
            Some(path) => Ok(Some(default_folder(&path))),
            None => Err(Error::NoFolder.into()),
        },
    }
}

/// The file, if the output is none of PostgreSQL.
fn sqlite_path(output: &str) -> Option<PathBuf> {
    let is_postgres = output.starts_with("postgres://") || output.starts_with("postgresql://");
    (!is_postgres).then(|| PathBuf::from(output.strip_prefix("sqlite:").unwrap_or(output)))
}

fn write(sample: &builtin::Sample, output: &str, password: &str, force: bool) -> Result<SampleLocation, CliError> {
    if let Some(path) = sqlite_path(output) {
        generate(sample, &path, password, force)?;
        return Ok(SampleLocation {
            display_name: path.display().to_string(),
            password_path: Some(password_file(&path)),
            media: None,
        });
    }
    if ConnectConfig::contains_password(output) {
        let message = "other users of this machine can read a password on the command line: put it into PGPASSWORD or \
                       ~/.pgpass";
        return Err(CliError::new(Exit::Usage, message));
    }
    let address: ConnectConfig = output.parse().map_err(|message| CliError::new(Exit::Usage, message))?;
    generate_in_postgres(sample, &address, password, force)?;
    Ok(SampleLocation { display_name: address.to_string(), password_path: None, media: None })
}

fn report(sample: &builtin::Sample, location: &SampleLocation, password: &str) -> String {
    let accounts =
        sample.known_users.iter().map(|user| format!("  {:<30} {}", user.email, user.role.replace('_', " ")));
    let accounts = accounts.collect::<Vec<_>>().join("\n");
    let kept = location.password_path.as_ref().map(|path| format!("\nkept in   {}", path.display()));
    let media = location.media.as_ref().map(|folder| format!("\nfiles in  {}", folder.display()));
    format!(
        "{}: {}\n\nSign in as\n{accounts}\npassword  {password}{}{}",
        location.display_name,
        sample.summary,
        kept.unwrap_or_default(),
        media.unwrap_or_default(),
    )
}

/// Where the sample was written.
struct SampleLocation {
    display_name: String,
    /// The file with the password, beside an SQLite sample.
    password_path: Option<PathBuf>,
    /// The folder with the sample's files.
    media: Option<PathBuf>,
}
