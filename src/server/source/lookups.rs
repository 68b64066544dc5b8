//! Looks up single rows of a database that is, or will be, written to.

use super::Result;
use crate::model::name::TableName;
use crate::server::rows::Catalog;

/// Which rows are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLookup {
    pub table: TableName,
    pub key: String,
    /// The columns of which the texts are wanted.
    pub columns: Vec<String>,
}

/// Reads a database's schema and single rows. Without a load, each lookup sees what is committed by then.
pub trait Lookups: Send {
    /// # Errors
    /// When the schema cannot be read.
    fn catalog(&mut self) -> Result<Catalog>;

    /// Calls `found` with each row that has one of `values`, of which it gets the place, in the lookup's column, and with the texts of
    /// columns. Values that no such column can have are passed over.
    ///
    /// # Errors
    /// `NotFound` for an unknown table or column; `Unsuitable` for a column that holds no texts; otherwise an error of the database.
    fn find_rows(
        &mut self,
        lookup: &RowLookup,
        values: &[String],
        found: &mut dyn FnMut(usize, Vec<Option<String>>),
    ) -> Result<()>;
}
