//! Access to databases: the `Source` and `Snapshot` traits read, `Target` and `Load` write; one folder per engine.
//!
//! May import: `rows`, `support`, `model`. Every method blocks; callers run them on a dedicated thread. Flow: `open_snapshot`
//! opens one consistent view, everything for one preview or run is read from it, and dropping it ends the session in
//! the database. An import writes through one `Load`, which is one transaction; `Lookups` read single rows before it begins.

mod choices;
mod error;
mod lookups;
mod merge_rules;
mod new_table;
pub mod postgres;
mod predicate;
pub mod sqlite;
mod target;
mod undo_rules;
mod unmatched;

use crate::model::name::TableName;
use crate::server::rows::{
    Catalog, CursorId, KeySetId, NewKeySet, OrderedScan, Restriction, Round, RowSink, Scan, Step,
};

pub use choices::{Choice, ChoiceQuery, Choices};
pub use error::{Error, Kind, Result};
pub use lookups::{Lookups, RowLookup};
pub use merge_rules::{ChangedSince, EmptiedReference, MergeRules, NaturalKey, NaturalKeyColumn};
pub use new_table::NewTable;
pub use predicate::{AcceptedValue, Predicate};
pub use target::{
    CarriedOn, CheckedReference, Load, Purpose, Removal, TableLoad, Target, TargetRules, Trigger, UndoRequest,
};

/// Aborts what a snapshot is doing, from any thread.
pub type InterruptHandle = Box<dyn Fn() + Send + Sync>;

/// What a snapshot is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Tables are read whole. Nothing can be written at all.
    WholeTables,
    /// Parts of tables are read, too: the session may keep sets of keys in temporary tables of its own.
    Parts,
}

/// Identifies a database among all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceIdentity {
    /// Engine and engine-specific identifier: `sqlite:/srv/app.db`, `postgresql:7711877937184841725/app`.
    pub id: String,
    /// Identifier of a file that survives a move; `None` for a server, or if the file system has none.
    pub file_id: Option<String>,
}

/// A database to read from.
///
/// ```
/// use waybill::server::rows::Scan;
/// use waybill::server::source::sqlite::SqliteSource;
/// use waybill::server::source::{Predicate, Source};
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("shop.db");
/// rusqlite::Connection::open(&path).unwrap().execute_batch(
///     "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT); INSERT INTO users VALUES ('u1', 'ada@example.org')",
/// ).unwrap();
///
/// let source = SqliteSource::new(path);
/// let mut snapshot = source.open_snapshot()?;
/// let users = &snapshot.catalog()?.tables[0];
/// assert_eq!(users.name, "users");
/// assert_eq!(snapshot.count(&Scan::whole(users))?, 1);
/// let found = source.find_unique(&"users".into(), &[Predicate::equals("email", "ada@example.org")], &["id"])?;
/// assert_eq!(found, Some(vec![Some("u1".to_owned())]));
/// # Ok::<(), waybill::server::source::Error>(())
/// ```
pub trait Source: Send + Sync {
    /// The engine's name, such as "SQLite".
    fn engine(&self) -> &'static str;

    fn engine_version(&self) -> String;

    /// Returns the database's identity as the engine knows it. A physical copy of a PostgreSQL cluster has the same.
    ///
    /// # Errors
    /// When the database cannot be reached or queried.
    fn identity(&self) -> Result<SourceIdentity>;

    /// Opens one consistent view of the database. `on_handle` receives the interrupt handle as soon as the session
    /// exists, which may be long before the view does: acquiring locks can wait.
    ///
    /// # Errors
    /// When the database is missing, unreachable, locked, damaged or unsupported, or its schema keeps changing.
    fn begin_snapshot(&self, extent: Extent, on_handle: &dyn Fn(InterruptHandle)) -> Result<Box<dyn Snapshot>>;

    /// Opens a snapshot of whole tables that will not be interrupted.
    ///
    /// # Errors
    /// As `begin_snapshot`.
    fn open_snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.begin_snapshot(Extent::WholeTables, &|_| ())
    }

    /// Reads `columns` of the only row of `table` that matches every condition, as text. Reads outside any snapshot,
    /// so that it sees the newest committed state of an account. Returns `None` if no row or several rows match.
    ///
    /// # Errors
    /// When the table or a column does not exist or must not be used for sign-in; otherwise as `begin_snapshot`.
    fn find_unique(
        &self,
        table: &TableName,
        conditions: &[Predicate<'_>],
        columns: &[&str],
    ) -> Result<Option<Vec<Option<String>>>>;

    /// Returns whether any row of `table` matches every condition now, outside any snapshot.
    ///
    /// # Errors
    /// As `find_unique`.
    fn exists(&self, table: &TableName, conditions: &[Predicate<'_>]) -> Result<bool>;

    /// Lists records by their names, as they are now, outside any snapshot. Bounded in rows and time.
    ///
    /// # Errors
    /// `Stopped` or `Connection` when the database does not answer within a few seconds; otherwise as `find_unique`.
    fn list_choices(&self, query: &ChoiceQuery<'_>) -> Result<Choices>;
}

/// A session that keeps sets of keys of rows.
pub trait SelectRows {
    /// Creates these key sets, empty, with numbers from 0 on. Once, before the first step.
    ///
    /// # Errors
    /// `PermissionDenied` or `Unsuitable` when the user or the server may not keep sets; `NotFound` for an unknown table.
    fn create_key_sets(&mut self, new: &[NewKeySet]) -> Result<()>;

    /// Runs a step and returns the number of rows that it has added to its set.
    ///
    /// # Errors
    /// `NotFound` for an unknown table or column, or an error of the database.
    fn run_step(&mut self, step: &Step, round: Round) -> Result<u64>;

    /// Removes every row from a set.
    ///
    /// # Errors
    /// An error of the database.
    fn clear_key_set(&mut self, set: KeySetId) -> Result<()>;
}

/// One consistent view of a database.
pub trait Snapshot: SelectRows + Send {
    /// The isolation level, as written to the file's metadata.
    fn isolation(&self) -> &'static str;

    /// Whether writers to the database have to wait while this view is open.
    fn blocks_writers(&self) -> bool;

    /// Returns the schema.
    ///
    /// # Errors
    /// When the schema cannot be read.
    fn catalog(&mut self) -> Result<Catalog>;

    /// Returns about how many rows a step would add to its set now, for steps that name rows or follow references to a set: what
    /// the engine expects, or what its indexes tell.
    ///
    /// # Errors
    /// As `SelectRows::run_step`.
    fn estimate_step(&mut self, step: &Step) -> Result<u64>;

    /// Makes `into` hold the one row of `among` that was added first to `of`, a set of the same table, and returns the round;
    /// nothing if none of them is in it.
    ///
    /// # Errors
    /// An error of the database.
    fn find_first(&mut self, among: KeySetId, of: KeySetId, into: KeySetId) -> Result<Option<u32>>;

    /// Opens a read of which `fetch` returns a few rows at a time. Several may be open at once.
    ///
    /// # Errors
    /// `NotFound` for an unknown table or column, or an error of the database.
    fn open_cursor(&mut self, scan: &OrderedScan) -> Result<CursorId>;

    /// Pushes at most `rows` further rows, and returns their number: less at the end. Before the columns of the scan, each
    /// has two values that say which row it is nested in and which row it is. What they look like is the source's concern:
    /// equal ones are of the same row.
    ///
    /// # Errors
    /// As `read_table`.
    fn fetch(&mut self, cursor: CursorId, rows: u32, sink: &mut dyn RowSink) -> Result<u64>;

    /// Returns the exact number of rows that a read of the scan pushes.
    ///
    /// # Errors
    /// `NotFound` for an unknown table, or an error of the database.
    fn count(&mut self, scan: &Scan) -> Result<u64>;

    /// Returns about how many rows the table of the scan has, without reading it if the engine knows: for shares and sizes only.
    ///
    /// # Errors
    /// As `count`.
    fn estimate(&mut self, scan: &Scan) -> Result<u64> {
        self.count(&Scan { restrict: Restriction::All, ..scan.clone() })
    }

    /// Pushes a sample of a few hundred rows, spread over the table.
    ///
    /// # Errors
    /// `Stopped` when the sink stops; `NotFound` for an unknown table, or an error of the database.
    fn sample(&mut self, scan: &Scan, sink: &mut dyn RowSink) -> Result<()>;

    /// Pushes every row once, in the order that the scan asks for.
    ///
    /// # Errors
    /// As `sample`.
    fn read_table(&mut self, scan: &Scan, sink: &mut dyn RowSink) -> Result<()>;
}

/// Most characters that a lookup reads of a value. No real name or password hash is longer; an oversized one costs
/// no memory.
pub const MAX_LOOKUP_CHARS: usize = 4096;
/// Why a view cannot be used for sign-in: lookups for sign-in read tables only.
const NOT_A_TABLE: &str = "it is not a table; the owner of a view could choose who may sign in";

/// Quotes an identifier from a catalog or a profile with double quotes (ISO/IEC 9075-2, delimited identifier). Not for
/// engines that read those as a string.
fn double_quote_identifier(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
