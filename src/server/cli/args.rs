//! Options that several commands share.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use secrecy::SecretString;

use super::exit::{CliError, Exit};
use crate::model::name::TableName;
use crate::model::selection::Selection;
use crate::server::export::Application;
use crate::server::profile::builtin;

/// The source database.
#[derive(Debug, Args)]
pub struct DatabaseArgs {
    /// Database to read: sqlite:PATH, or a libpq URL such as `postgres://user@host:5432/db?sslmode=verify-full`.
    ///
    /// A password is refused here, because other users of this machine could read it. Put it into `PGPASSWORD` or
    /// ~/.pgpass, or the URL with the password into `WAYBILL_SOURCE`.
    #[arg(long, value_name = "URL", env = "WAYBILL_SOURCE", hide_env_values = true)]
    pub source: SecretString,
    /// PostgreSQL role whose code may run with the rights of the connecting user; repeat it or separate with commas.
    ///
    /// Needed only to read tables whose owner has fewer rights than the connecting user, such as an application's
    /// tables as a superuser.
    #[arg(long, value_name = "ROLE", env = "WAYBILL_TRUST_OWNER", value_delimiter = ',')]
    pub trust_owner: Vec<String>,
}

/// A message about the source, for the database that is written to: its options have other names.
pub fn as_target(message: &str) -> String {
    message.replace("--source:", "--target:").replace("WAYBILL_SOURCE", "WAYBILL_TARGET")
}

/// The source database, and the profile that describes it.
#[derive(Debug, Args)]
pub struct SourceArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[arg(long, value_name = "FILE|NAME", help = profile_help())]
    pub profile: Option<String>,
}

fn profile_help() -> String {
    format!(
        "Profile that classifies tables and columns: a TOML file, or the name of a built-in one ({}) [default: a \
         built-in one that matches the database, else a guess]",
        builtin::names()
    )
}

/// The part of the data that is asked for.
#[derive(Debug, Args)]
pub struct SelectionArgs {
    /// Only what belongs to the organisation with this id, as the profile's [scopes.organization] says.
    ///
    /// Nothing of others leaves: a record is in if all its owners are in the organisation. Filters and tables choose
    /// within it.
    #[arg(long, value_name = "ID")]
    pub organization: Option<String>,
    /// Only what belongs to the person whose account has this id, as the profile's [scopes.person] says.
    ///
    /// As with --organization; the account itself is not in the file.
    #[arg(long, value_name = "ID", conflicts_with = "organization")]
    pub person: Option<String>,
    /// Only records that fulfil this filter of the profile, with what they refer to; repeat it for more.
    ///
    /// Several values of one filter are alternatives; several filters must all be fulfilled. A period is
    /// FROM..TO in days, UTC, without the second one.
    #[arg(long, value_name = "NAME=VALUE")]
    pub filter: Vec<String>,
    /// Only records of these tables, with what they refer to; separate with commas.
    #[arg(long, value_name = "TABLE", value_delimiter = ',')]
    pub tables: Vec<String>,
}

impl SelectionArgs {
    /// # Errors
    /// `Usage` for a filter that is not written as NAME=VALUE.
    pub fn parse(&self) -> Result<Selection, CliError> {
        // As it is: another organisation may have the same id without its blanks.
        let (organization, person) = (self.organization.clone(), self.person.clone());
        let mut selection = Selection { organization, person, ..Selection::default() };
        if let Some((kind, id)) = selection.scope()
            && (id.trim().is_empty() || id.contains(char::is_control))
        {
            return Err(CliError::new(Exit::Usage, format!("--{} needs the id of {}", kind.as_str(), kind.in_words())));
        }
        for filter in &self.filter {
            selection.add_filter(filter).map_err(|error| CliError::new(Exit::Usage, error.to_string()))?;
        }
        let tables = self.tables.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
        let tables: BTreeSet<TableName> = tables.map(TableName::from).collect();
        if !self.tables.is_empty() && tables.is_empty() {
            return Err(CliError::new(Exit::Usage, "--tables needs the name of a table"));
        }
        selection.tables = Some(tables).filter(|tables| !tables.is_empty());
        Ok(selection)
    }
}

/// What the application has besides its database.
#[derive(Debug, Default, Args)]
pub struct ApplicationArgs {
    /// Folder in which the application keeps the files of its users; archives of a person's data need it.
    #[arg(long, value_name = "FOLDER", env = "WAYBILL_MEDIA")]
    pub media: Option<PathBuf>,
    /// Version of the application, for the manifests of such archives [default: unknown].
    #[arg(long, value_name = "TEXT", env = "WAYBILL_APP_VERSION", value_parser = NonEmptyStringValueParser::new())]
    pub app_version: Option<String>,
}

impl ApplicationArgs {
    pub fn application(&self) -> Application {
        Application { version: self.app_version.clone(), media_folder: self.media.clone() }
    }
}

/// The state file: history, audit trail, accounts.
#[derive(Debug, Args)]
pub struct StateFileArgs {
    #[arg(
        long,
        value_name = "URL",
        env = "WAYBILL_STATE",
        global = true,
        help = "State file for Waybill's own records (history, audit trail, accounts), not the source: sqlite:PATH [default: waybill/waybill.db in $XDG_STATE_HOME]"
    )]
    pub state: Option<String>,
}

/// The state file, and the name of one database in it.
#[derive(Debug, Args)]
pub struct StateArgs {
    #[command(flatten)]
    pub file: StateFileArgs,
    /// Name of this database in the state, to distinguish several that share it or a copy from its original
    /// [default: the database's name].
    #[arg(long, value_name = "NAME", env = "WAYBILL_SOURCE_NAME", global = true, value_parser = NonEmptyStringValueParser::new())]
    pub source_name: Option<String>,
}

/// Where what is needed to undo imports is kept.
#[derive(Debug, Args)]
pub struct UndoFolderArgs {
    /// Folder for what is needed to undo imports into SQLite files, with values of the database; PostgreSQL keeps it itself
    /// [default: the state file's name with .undo].
    #[arg(long, value_name = "DIR", env = "WAYBILL_UNDO_FOLDER")]
    pub undo_folder: Option<PathBuf>,
}

/// The signing key.
#[derive(Debug, Args)]
pub struct SigningArgs {
    #[arg(
        long,
        value_name = "FILE",
        env = "WAYBILL_SIGNING_KEY_FILE",
        help = "Private key that signs files, in PEM; redundant servers share one \
                [default: waybill/signing-key.pem in $XDG_STATE_HOME, created on first use]"
    )]
    pub signing_key: Option<PathBuf>,
}
