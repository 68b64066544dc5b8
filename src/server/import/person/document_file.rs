//! The document that an archive becomes: its records, table by table, in a file without a name.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use super::references::Values;
use super::table_shape::TableShape;
use crate::model::catalog::TableSchema;
use crate::model::manifest::Metadata;
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
pub struct TableFile<'s> {
    shape: &'s TableShape,
    file: BufWriter<File>,
    pub records: u64,
}

impl<'s> TableFile<'s> {
    pub fn new(shape: &'s TableShape) -> io::Result<Self> {
        Ok(Self { shape, file: BufWriter::new(tempfile::tempfile()?), records: 0 })
    }

    /// Adds a record. A column without a value gets null.
    pub fn write(&mut self, values: &Values) -> io::Result<()> {
        if self.records > 0 {
            self.file.write_all(layout::RECORD_SEPARATOR)?;
        }
        for (at, column) in self.shape.columns.iter().enumerate() {
            self.file.write_all(&layout::field_prefix(at, &column.name))?;
            self.file.write_all(values.get(&column.name).map_or("null", String::as_str).as_bytes())?;
        }
        self.file.write_all(&[layout::RECORD_CLOSE])?;
        self.records += 1;
        Ok(())
    }
}

/// Writes the document. `metadata` is the archive's.
pub fn write_document(metadata: &Metadata, tables: Vec<TableFile<'_>>) -> Result<File, Error> {
    let schema =
        |shape: &TableShape| TableSchema { primary_key: shape.primary_key.clone(), columns: shape.columns.clone() };
    let metadata = Metadata {
        record_counts: tables.iter().map(|table| (table.shape.table.clone(), table.records)).collect(),
        total_records: tables.iter().map(|table| table.records).sum(),
        schema: tables.iter().map(|table| (table.shape.table.clone(), schema(table.shape))).collect(),
        contents: None,
        ..metadata.clone()
    };
    let mut out = BufWriter::new(tempfile::tempfile()?);
    let mut writer = DocumentWriter::begin(&mut out, &metadata, None)?;
    let mut buffer = vec![0; 256 << 10];
    for TableFile { shape, file, records } in tables {
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        writer.write_table(layout::table_opening(&shape.table).as_bytes())?;
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
        writer.end_table(shape.table.clone(), records)?;
    }
    writer.finish()?;
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}
