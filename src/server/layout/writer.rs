//! Writes the documents of a layout by merging the cursors of their tables.

use std::collections::BTreeMap;
use std::io::Write;

use super::cursor::{Reading, RowCursor};
use super::encoder::{Row, RowEncoder, Style};
use super::error::Error;
use super::format::{DocumentFormat, Place};
use crate::model::name::TableName;
use crate::model::redaction::Treatment;
use crate::server::profile::{Layout, Node, PlannedTable};
use crate::server::rows::{Ancestor, OrderedScan, Scan};

/// The tables that may be read.
pub type Tables = [PlannedTable];

/// Writes the documents of a layout.
pub struct LayoutWriter<'l> {
    layout: &'l Layout,
    format: DocumentFormat,
    tables: &'l Tables,
    reading: Reading<'l>,
    documents: Vec<OpenNode<'l>>,
    /// Records of each table that were written where they belong: not as a look-up, not as a stub.
    written: BTreeMap<TableName, u64>,
}

/// Where a document is written.
struct DocumentOutput<'o> {
    format: DocumentFormat,
    out: &'o mut dyn Write,
    written: &'o mut BTreeMap<TableName, u64>,
}

/// A node with its cursor; none if nothing of its table is in the part.
struct OpenNode<'l> {
    place: Place<'l>,
    cursor: Option<RowCursor>,
    children: Vec<OpenNode<'l>>,
}

impl<'l> LayoutWriter<'l> {
    /// Opens the cursors. Blocks.
    ///
    /// # Errors
    /// `Source` if the database refuses one.
    pub fn open(layout: &'l Layout, tables: &'l Tables, mut reading: Reading<'l>) -> Result<Self, Error> {
        let format = DocumentFormat::of(&layout.output);
        let open = |node| OpenNode::open(Place::of_document(node), layout, tables, &[], &mut reading);
        let documents = layout.documents.iter().map(open).collect::<Result<Vec<_>, Error>>()?;
        Ok(Self { layout, format, tables, reading, documents, written: BTreeMap::new() })
    }

    /// The names of the documents, in their order.
    pub fn names(&self) -> impl Iterator<Item = &'l str> + use<'l> {
        self.layout.documents.iter().map(|node| node.name.as_str())
    }

    /// Writes the document at this place, and returns the number of its records, nested ones not counted. Blocks.
    ///
    /// # Errors
    /// `Source` if the database cannot be read; `Write` if the output cannot be written; `Stopped` after a cancellation;
    /// `Inconsistent` if rows are left over.
    pub fn write_document(&mut self, place: usize, out: &mut dyn Write) -> Result<u64, Error> {
        let document = &mut self.documents[place];
        if let Some(table) = self.tables.iter().position(|planned| planned.scan.table == document.place.node.table) {
            self.reading.progress.set_table(table);
        }
        let mut output = DocumentOutput { format: self.format, out, written: &mut self.written };
        let records = document.write(&mut self.reading, None, &mut output)?;
        document.check_ended(&mut self.reading)?;
        Ok(records)
    }

    /// Checks that every record of every table was written once. `counted` is the number of records of a table in the part.
    ///
    /// # Errors
    /// `Inconsistent` if one was not.
    pub fn finish(self, counted: impl Fn(&TableName) -> u64) -> Result<(), Error> {
        for (table, written) in &self.written {
            let expected = counted(table);
            if *written != expected {
                let what =
                    format!("{expected} records of {table} were counted, and {written} belong into the documents");
                return Err(Error::Inconsistent(what));
            }
        }
        Ok(())
    }
}

impl<'l> OpenNode<'l> {
    fn open(
        place: Place<'l>,
        layout: &'l Layout,
        tables: &Tables,
        ancestors: &[Ancestor],
        reading: &mut Reading<'_>,
    ) -> Result<Self, Error> {
        let node = place.node;
        let planned = tables.iter().find(|planned| planned.scan.table == node.table);
        let scan = planned.and_then(|planned| if node.stubs { planned.stubs.as_ref() } else { Some(&planned.scan) });
        let (Some(planned), Some(scan)) = (planned, scan) else {
            return Ok(Self { place, cursor: None, children: Vec::new() });
        };
        let ordered = OrderedScan {
            scan: Scan { order: node.order.clone(), ..scan.clone() },
            ancestors: ancestors.iter().cloned().enumerate().map(|(at, ancestor)| joined(node, at, ancestor)).collect(),
            null_columns: node.null.clone(),
        };
        let treatment = |name: &str| {
            let place = planned.scan.columns.iter().position(|column| column.name == name);
            place.and_then(|place| planned.treatments.get(place)).copied().unwrap_or(Treatment::Omit)
        };
        let treatments = scan.columns.iter().map(|column| treatment(&column.name)).collect();
        let style = Style { format: DocumentFormat::of(&layout.output), keys: layout.keys };
        let encoder = RowEncoder::new(style, place, &scan.columns, layout.media.as_ref());
        let around = Ancestor {
            table: node.table.clone(),
            restrict: scan.restrict,
            order: node.order.clone(),
            null_columns: node.null.clone(),
            on: Vec::new(),
        };
        let inner: Vec<Ancestor> = std::iter::once(around).chain(ordered.ancestors.iter().cloned()).collect();
        let cursor = Some(RowCursor::open(reading, ordered, treatments, encoder)?);
        let children =
            node.children.iter().map(|child| Self::open(place.of_child(child), layout, tables, &inner, reading));
        Ok(Self { place, cursor, children: children.collect::<Result<_, Error>>()? })
    }

    /// Writes what is nested in a row: a list, or an object. Returns the number of records.
    fn write(
        &mut self,
        reading: &mut Reading<'_>,
        parent: Option<&[u8]>,
        output: &mut DocumentOutput<'_>,
    ) -> Result<u64, Error> {
        let (place, format) = (self.place, output.format);
        let is_look_up = place.node.single && parent.is_some();
        let mut next = self.next(reading, parent)?;
        format.begin(output.out, place, next.is_none())?;
        let mut records = 0;
        while let Some(row) = next {
            if records > 0 {
                if place.node.single {
                    return Err(Error::Inconsistent(format!(
                        "{} has several records where one is expected",
                        place.node.table
                    )));
                }
                format.separate(output.out, place)?;
            }
            self.write_row(reading, &row, output)?;
            reading.progress.add_records(u64::from(!is_look_up));
            records += 1;
            next = self.next(reading, parent)?;
        }
        format.end(output.out, place)?;
        if !is_look_up && !place.node.stubs {
            *output.written.entry(place.node.table.clone()).or_default() += records;
        }
        Ok(records)
    }

    fn write_row(
        &mut self,
        reading: &mut Reading<'_>,
        row: &Row,
        output: &mut DocumentOutput<'_>,
    ) -> Result<(), Error> {
        output.out.write_all(&row.text)?;
        reading.progress.add_bytes(row.text.len());
        for child in &mut self.children {
            output.format.begin_child(output.out, self.place, child.place.node)?;
            child.write(reading, Some(&row.key), output)?;
        }
        output.format.end_record(output.out)?;
        Ok(())
    }

    fn next(&mut self, reading: &mut Reading<'_>, parent: Option<&[u8]>) -> Result<Option<Row>, Error> {
        match &mut self.cursor {
            Some(cursor) => cursor.take_if_in(reading, parent),
            None => Ok(None),
        }
    }

    /// A row that is left over belongs to none that was written.
    fn check_ended(&mut self, reading: &mut Reading<'_>) -> Result<(), Error> {
        if self.next(reading, None)?.is_some() {
            let table = &self.place.node.table;
            return Err(Error::Inconsistent(format!("a record of {table} is nested in none that was written")));
        }
        self.children.iter_mut().try_for_each(|child| child.check_ended(reading))
    }
}

/// The nearest table around a node, with the columns by which the node's records are nested in it.
fn joined(node: &Node, distance: usize, ancestor: Ancestor) -> Ancestor {
    match distance {
        0 => Ancestor { on: node.on.clone().into_iter().collect(), ..ancestor },
        _ => ancestor,
    }
}
