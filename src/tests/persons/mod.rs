//! Carol: a person's own data, out as an archive.

mod archive;
mod carol;
mod filed_issues;
mod hostile_archives;
mod import;
mod kept_data;
mod own_data;
mod own_import;
mod random;
mod waiting;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;
use waybill::seal::{FileVerifier, Verified, VerifyError};
use waybill::server::profile::builtin::carol::SampleSpec;
use waybill::server::sample::{generate, generate_in_postgres, write_files};
use waybill::server::source::postgres::{ConnectConfig, PostgresTarget};
use waybill::server::source::sqlite::{SqliteSource, SqliteTarget};
use waybill::server::source::{Source, Target};

use crate::harness::{CommandOutput, PASSWORD, Postgres, WaybillCommand};

/// A database with people's data, and the folder of their files.
pub struct Carol {
    pub folder: TempDir,
    postgres: Option<Postgres>,
}

impl Carol {
    /// In `SQLite`.
    pub fn new(spec: &SampleSpec) -> Self {
        let carol = Self { folder: TempDir::new().unwrap(), postgres: None };
        generate(&spec.clone().sample(), &carol.database(), PASSWORD, false).unwrap();
        carol.write_media(spec);
        carol
    }

    pub fn in_postgres(spec: &SampleSpec) -> Self {
        let postgres = Postgres::start();
        let address: ConnectConfig = postgres.url().parse().unwrap();
        generate_in_postgres(&spec.clone().sample(), &address, PASSWORD, false).unwrap();
        let carol = Self { folder: TempDir::new().unwrap(), postgres: Some(postgres) };
        carol.write_media(spec);
        carol
    }

    pub fn is_in_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    fn write_media(&self, spec: &SampleSpec) {
        write_files(&spec.clone().sample().files.unwrap(), &self.media(), false).unwrap();
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("people.db")
    }

    pub fn media(&self) -> PathBuf {
        self.folder.path().join("media")
    }

    pub fn url(&self) -> String {
        let postgres = self.postgres.as_ref().map(Postgres::url);
        postgres.unwrap_or_else(|| format!("sqlite:{}", self.database().display()))
    }

    pub fn source(&self) -> Arc<dyn Source> {
        match &self.postgres {
            Some(postgres) => Arc::new(postgres.source()),
            None => Arc::new(SqliteSource::new(self.database())),
        }
    }

    /// The same database, to be written to.
    pub fn target(&self) -> Arc<dyn Target> {
        match &self.postgres {
            Some(postgres) => Arc::new(PostgresTarget::new(postgres.url().parse().unwrap(), Vec::new())),
            None => Arc::new(SqliteTarget::new(SqliteSource::new(self.database()), self.folder.path().join("undo"))),
        }
    }

    /// The rows of a query, one text each.
    pub fn query(&self, sql: &str) -> Vec<String> {
        if let Some(postgres) = &self.postgres {
            return postgres.sql(sql).lines().map(str::to_owned).collect();
        }
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            row.get_ref(0).map(|value| match value {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                value => value.as_str().unwrap().to_owned(),
            })
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    pub fn execute(&self, sql: &str) {
        match &self.postgres {
            Some(postgres) => drop(postgres.sql(sql)),
            None => rusqlite::Connection::open(self.database()).unwrap().execute_batch(sql).unwrap(),
        }
    }

    /// The id of a user.
    pub fn user(&self, email: &str) -> String {
        self.query(&format!("SELECT id FROM users WHERE email = '{email}'")).remove(0)
    }

    pub fn run(&self, arguments: &[&str]) -> CommandOutput {
        WaybillCommand::new(self.folder.path()).run(arguments)
    }

    /// Exports a person's archive on the command line.
    pub fn export(&self, person: &str, output: &str) -> CommandOutput {
        let (url, media) = (self.url(), self.media().display().to_string());
        let what = ["export", "--source", &url, "--profile", "carol", "--person", person, "--layout", "carol"];
        self.run(&[&what[..], &["--media", &media, "--app-version", "3.1", "--output", output]].concat())
    }

    /// Imports an archive on the command line.
    pub fn import(&self, file: &str, person: &str, mode: &str, options: &[&str]) -> CommandOutput {
        let (url, media) = (self.url(), self.media().display().to_string());
        let what = ["import", file, "--target", &url, "--person", person, "--media", &media, "--mode", mode];
        self.run(&[&what, options].concat())
    }

    /// The archive of a person.
    pub fn archive(&self, person: &str) -> Archive {
        let ended = self.export(person, "archive.tar.gz");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let archive = Archive::read(&self.folder.path().join("archive.tar.gz"));
        std::fs::remove_file(self.folder.path().join("archive.tar.gz")).unwrap();
        archive
    }
}

/// An archive, read by programs that know nothing of Waybill.
pub struct Archive {
    pub tar: Vec<u8>,
    /// The entries in their order.
    pub entries: Vec<(String, Vec<u8>)>,
}

impl Archive {
    pub fn read(path: &Path) -> Self {
        Self::of(&std::fs::read(path).unwrap())
    }

    pub fn of(gzip: &[u8]) -> Self {
        let mut tar = Vec::new();
        GzDecoder::new(gzip).read_to_end(&mut tar).unwrap();
        let mut archive = tar::Archive::new(&tar[..]);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (name, content)
        });
        Self { entries: entries.collect(), tar: tar.clone() }
    }

    pub fn file(&self, name: &str) -> &[u8] {
        &self.entries.iter().find(|(entry, _)| entry == name).unwrap_or_else(|| panic!("no {name}")).1
    }

    pub fn yaml(&self, name: &str) -> Value {
        serde_saphyr::from_slice(self.file(name)).unwrap()
    }

    /// All of it as one text.
    pub fn text(&self) -> String {
        self.entries.iter().map(|(name, content)| format!("{name}\n{}\n", String::from_utf8_lossy(content))).collect()
    }
}

/// What the verifier says of the uncompressed archive.
pub fn verify(tar: &[u8]) -> Result<Verified, VerifyError> {
    let mut verifier = FileVerifier::default();
    verifier.feed(tar).and_then(|()| verifier.finish())
}

/// The numbers of an object.
pub fn numbers(object: &Value) -> BTreeMap<String, u64> {
    let entries = object.as_object().unwrap().iter();
    entries.map(|(name, number)| (name.clone(), number.as_u64().unwrap())).collect()
}
