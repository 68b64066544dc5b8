//! The bundled sample: a realistic incident-reporting database of any size, the same for the same seed.
//!
//! May import: `source` (the PostgreSQL client), `support`. Flow: `generate` writes the tables in one transaction to a
//! temporary file, builds the indexes last (this keeps a million incidents fast and memory flat), and renames the
//! file into place.

mod assistant;
mod dice;
mod incidents;
mod organisation;
mod postgres;
mod texts;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction};

use crate::server::source::postgres::client;
use crate::server::support::password;
use dice::Dice;
pub use postgres::generate_in_postgres;

const SCHEMA: &str = include_str!("../../../migrations/supportsignal/sqlite/0001_supportsignal.sql");
/// Start of the sample's time: 2025-01-06T00:00:00Z, in milliseconds.
const START_MS: i64 = 1_736_121_600_000;
const MINUTE_MS: i64 = 60_000;

/// The five users whose password is known: role, e-mail address, name.
pub const KNOWN_USERS: [(&str, &str, &str); 5] = [
    ("system_admin", "system.admin@sample.test", "Ada Whitlock"),
    ("demo_admin", "demo.admin@sample.test", "Björn Åkesson"),
    ("company_admin", "company.admin@sample.test", "Siobhán Ní Bhriain"),
    ("team_lead", "team.lead@sample.test", "Nguyễn Thị Hạnh"),
    ("frontline_worker", "frontline.worker@sample.test", "Łukasz Żak"),
];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} exists; choose another name or add --force", .0.display())]
    Exists(PathBuf),
    #[error("the sample cannot be written: {0}")]
    Write(#[from] std::io::Error),
    #[error("the sample cannot be written: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("the database already has tables of the sample; choose another database, or replace them with --force")]
    TablesExist,
    #[error("the sample cannot be written to PostgreSQL: {0}")]
    Postgres(#[from] client::Error),
}

/// Size and seed of a sample.
#[derive(Clone, Debug)]
pub struct SampleSpec {
    pub incidents: u64,
    pub participants: u64,
    pub seed: u64,
}

/// Writes the sample and, in a file beside it, the password of its five known users.
///
/// # Errors
/// `Exists` when the file exists and `replace` is false, `Write` or `Database` when it cannot be written.
pub fn generate(path: &Path, size: &SampleSpec, password: &str, replace: bool) -> Result<(), Error> {
    if path.is_dir() {
        return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory).into());
    }
    if path.exists() && !replace {
        return Err(Error::Exists(path.to_owned()));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let temporary = tempfile::Builder::new().prefix(".sample-").suffix(".part").tempfile_in(folder)?.into_temp_path();
    write_database(&temporary, size, password)?;
    write_password_file(path, password)?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The path of the file with the sample's password, readable by its owner only.
#[must_use]
pub fn password_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".password");
    name.into()
}

fn write_password_file(path: &Path, password: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let file = password_file(path);
    let _ = std::fs::remove_file(&file);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    writeln!(file, "{password}")
}

fn write_database(path: &Path, size: &SampleSpec, password: &str) -> Result<(), Error> {
    let mut connection = Connection::open(path)?;
    // The file is discarded on any failure, so no journal and no fsync.
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;")?;
    let (indexes, tables): (Vec<&str>, Vec<&str>) = SCHEMA.split_inclusive(';').partition(|sql| sql.contains("INDEX"));
    connection.execute_batch(&tables.concat())?;
    connection.execute_batch("PRAGMA foreign_keys = OFF;")?;
    let transaction = connection.transaction()?;
    SampleWriter::new(&transaction, size, password).insert_all()?;
    transaction.commit()?;
    connection.execute_batch(&indexes.concat())?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;")?;
    Ok(())
}

/// Writes the records of a sample.
struct SampleWriter<'t> {
    transaction: &'t Transaction<'t>,
    spec: &'t SampleSpec,
    /// One hash per role, its salt derived from the seed: hashing every user would take minutes.
    hashes: Vec<String>,
    companies: u64,
}

/// Users of each company, besides the known ones.
const STAFF_PER_COMPANY: u64 = 4;
const SITES_PER_COMPANY: u64 = 2;

impl<'t> SampleWriter<'t> {
    fn new(transaction: &'t Transaction<'t>, spec: &'t SampleSpec, password: &str) -> Self {
        let salt = |role: &str| format!("{role:-<16}{:016x}", spec.seed);
        let hashes =
            KNOWN_USERS.iter().map(|(role, ..)| password::hash_argon2id(password, salt(role).as_bytes())).collect();
        Self { transaction, spec, hashes, companies: (spec.participants / 12).clamp(3, 500) }
    }

    fn insert_all(&self) -> rusqlite::Result<()> {
        self.insert_companies()?;
        self.insert_users()?;
        self.insert_credentials()?;
        self.insert_participants()?;
        self.insert_prompts()?;
        self.insert_incidents()?;
        self.insert_ai_runs()?;
        self.insert_debug_logs()
    }

    fn dice(&self, subject: &str, index: u64) -> Dice {
        Dice::new(self.spec.seed, subject, index)
    }

    /// An opaque, reproducible id of 32 characters. It begins with its number, so that a million of them are inserted
    /// into an index in order.
    fn id(&self, subject: &str, index: u64) -> String {
        let tail = self.dice(subject, index).random_id(22);
        format!("{}{index:09}{tail}", subject.chars().next().unwrap_or('x'))
    }

    fn user_index(&self, company: u64, nth: u64) -> u64 {
        KNOWN_USERS.len() as u64 + (company % self.companies) * STAFF_PER_COMPANY + nth % STAFF_PER_COMPANY
    }

    fn site_index(&self, company: u64, nth: u64) -> u64 {
        (company % self.companies) * SITES_PER_COMPANY + nth % SITES_PER_COMPANY
    }
}
