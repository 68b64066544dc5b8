//! The document that an archive becomes: its records, table by table, in a file without a name.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use super::references::Values;
use crate::model::catalog::TableSchema;
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::seal::{DocumentWriter, Error, layout};
use crate::server::support::disk;

/// Whether there is room for documents of so many bytes: they are written twice, table by table and then as one.
///
/// # Errors
/// `StorageFull`.
pub fn check_room(bytes: u64) -> io::Result<()> {
    disk::check_room(disk::available_bytes(&std::env::temp_dir()).ok(), bytes.saturating_mul(2))
}

/// The records of one table.
pub struct TableFile {
    table: TableName,
    schema: TableSchema,
    file: BufWriter<File>,
    pub records: u64,
}

impl TableFile {
    /// `schema` has the columns that the records get.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn new(table: TableName, schema: TableSchema) -> io::Result<Self> {
        Ok(Self { table, schema, file: BufWriter::new(tempfile::tempfile()?), records: 0 })
    }

    /// Adds a record. A column without a value gets null.
    pub fn write(&mut self, values: &Values) -> io::Result<()> {
        if self.records > 0 {
            self.file.write_all(layout::RECORD_SEPARATOR)?;
        }
        for (at, column) in self.schema.columns.iter().enumerate() {
            self.file.write_all(&layout::field_prefix(at, &column.name))?;
            self.file.write_all(values.get(&column.name).map_or("null", String::as_str).as_bytes())?;
        }
        self.file.write_all(&[layout::RECORD_CLOSE])?;
        self.records += 1;
        Ok(())
    }
}

/// Writes the document. `metadata` is that of the file which its records are from.
pub fn write_document(metadata: &Metadata, tables: Vec<TableFile>) -> Result<File, Error> {
    let metadata = Metadata {
        record_counts: tables.iter().map(|table| (table.table.clone(), table.records)).collect(),
        total_records: tables.iter().map(|table| table.records).sum(),
        schema: tables.iter().map(|table| (table.table.clone(), table.schema.clone())).collect(),
        contents: None,
        ..metadata.clone()
    };
    let mut out = BufWriter::new(tempfile::tempfile()?);
    let mut writer = DocumentWriter::begin(&mut out, &metadata, None)?;
    let mut buffer = vec![0; 256 << 10];
    for TableFile { table, file, records, .. } in tables {
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        writer.write_table(layout::table_opening(&table).as_bytes())?;
        let mut content = BufReader::new(file);
        loop {
            match content.read(&mut buffer)? {
                0 => break,
                read => writer.write_table(&buffer[..read])?,
            }
        }
        if records > 0 {
            writer.write_table(layout::RECORDS_END)?;
        }
        writer.end_table(table, records)?;
    }
    writer.finish()?;
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}
