//! Queries whose rows are read at once, and statements without rows.

use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

use super::super::row::{ColumnNames, Row};
use super::super::{Error, Result};
use super::{Connection, statement};

impl Connection {
    /// Runs statements that return no rows.
    ///
    /// # Errors
    /// As `query`.
    pub fn execute(&mut self, sql: &str) -> Result<()> {
        self.send(|out| frontend::query(sql, out))?;
        self.receive_until_ready(|_| Ok(()))
    }

    /// Runs a query with `values` for `$1`, `$2`, …, each as text of the type that the statement infers.
    ///
    /// # Errors
    /// `Server` for an error of the server, after which the connection stays usable; otherwise as `start_select`.
    pub fn query(&mut self, sql: &str, values: &[&str]) -> Result<Vec<Row>> {
        self.query_typed(sql, &[], values)
    }

    /// Runs a statement that returns no rows, with values as `query`, and returns how many rows it has changed.
    ///
    /// # Errors
    /// As `query`.
    pub fn change(&mut self, sql: &str, values: &[&str]) -> Result<u64> {
        self.send(|out| {
            statement::write_bound(sql, &[], values, &[], out)?;
            statement::write_execute(out)
        })?;
        self.receive_row_count()
    }

    /// Receives the end of a statement: how many rows it has returned or changed.
    pub(super) fn receive_row_count(&mut self) -> Result<u64> {
        let mut rows = None;
        self.receive_until_ready(|message| {
            if let Message::CommandComplete(body) = message {
                rows = statement::rows_of(&body);
            }
            Ok(())
        })?;
        rows.ok_or(Error::Protocol)
    }

    /// Like `query`, with the OID of each value's type, whose input function reads it; the type is inferred where
    /// none is given. No user-defined cast is involved.
    ///
    /// # Errors
    /// As `query`.
    pub fn query_typed(&mut self, sql: &str, types: &[u32], values: &[&str]) -> Result<Vec<Row>> {
        self.send(|out| {
            statement::write_bound(sql, types, values, &[], out)?;
            statement::write_describe(out)?;
            statement::write_execute(out)
        })?;
        let (mut columns, mut rows) = (ColumnNames::default(), Vec::new());
        self.receive_until_ready(|message| {
            match message {
                Message::RowDescription(body) => columns = ColumnNames::from_body(&body)?,
                Message::DataRow(body) => rows.push(Row::from_body(&columns, &body)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(rows)
    }
}
