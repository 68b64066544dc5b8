//! The version of the application, for the manifests of archives. Blocks.

use super::{Application, Result};
use crate::server::profile::{AppVersion, Profile};
use crate::server::rows::{RowSink, Scan, Stopped, Value};
use crate::server::source::Snapshot;

/// What the operator says, else what the profile says; nothing if neither does, or the table has not one record.
///
/// # Errors
/// `Source` if the database cannot be read.
pub fn app_version(
    snapshot: &mut dyn Snapshot,
    profile: &Profile,
    application: &Application,
) -> Result<Option<String>> {
    let column = match (&application.version, &profile.app_version) {
        (Some(version), _) | (None, Some(AppVersion::Constant(version))) => return Ok(Some(version.clone())),
        (None, Some(AppVersion::Column(column))) => &column.0,
        (None, None) => return Ok(None),
    };
    let catalog = snapshot.catalog()?;
    let Some(table) = catalog.table(&column.table) else { return Ok(None) };
    let columns = table.columns.iter().filter(|own| own.name == column.column).cloned().collect();
    let scan = Scan { columns, ..Scan::whole(table) };
    let mut texts = Texts::default();
    if !scan.columns.is_empty() {
        snapshot.read_table(&scan, &mut texts)?;
    }
    match (&texts.first, texts.rows) {
        (Some(version), 1) => Ok(Some(version.clone())),
        (_, rows) => {
            tracing::warn!(%column, rows, "the version of the application is not one text");
            Ok(None)
        }
    }
}

/// Takes the first of the values, and counts them.
#[derive(Default)]
struct Texts {
    first: Option<String>,
    rows: u64,
}

impl RowSink for Texts {
    fn push_value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        if self.rows == 0 {
            self.first = value.to_text();
        }
        Ok(())
    }

    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        self.rows += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::source::Source;
    use crate::server::source::sqlite::SqliteSource;

    #[test]
    fn the_version_is_the_operators_else_the_constant_else_the_one_record_of_the_column() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("app.db");
        let database = rusqlite::Connection::open(&path).unwrap();
        database.execute_batch("CREATE TABLE releases (version TEXT); INSERT INTO releases VALUES ('2.7');").unwrap();
        let source = SqliteSource::new(path);
        let version = |profile: &str, given: Option<&str>| {
            let tables = "[tables.releases.columns]\nversion = \"plain\"\n";
            let profile = Profile::from_toml(&format!("name = \"x\"\n{profile}\n{tables}")).unwrap();
            let application = Application { version: given.map(str::to_owned), media_folder: None };
            app_version(&mut *source.open_snapshot().unwrap(), &profile, &application).unwrap()
        };
        let column = "app_version = { column = \"releases.version\" }";
        assert_eq!(version("", None), None);
        assert_eq!(version("app_version = \"3.1\"", None).unwrap(), "3.1");
        assert_eq!(version(column, None).unwrap(), "2.7");
        assert_eq!(version(column, Some("4")).unwrap(), "4");
        database.execute_batch("INSERT INTO releases VALUES ('2.8')").unwrap();
        assert_eq!(version(column, None), None, "nobody knows which of the two");
        database.execute_batch("DELETE FROM releases; INSERT INTO releases VALUES (NULL)").unwrap();
        assert_eq!(version(column, None), None);
    }
}
