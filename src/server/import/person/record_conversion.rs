//! Makes the records of an archive the importer's, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::super::conversion::{
    IdChanges, IdMap, UniqueNames, Values, find_disguised, json_text, rewrite, rewrite_media_names, text_of,
};
use super::super::{Error, Result};
use super::media::Media;
use super::table_shape::TableShape;
use crate::model::name::TableName;
use crate::server::layout::DocumentRecord;
use crate::server::profile::Layout;

/// More of what is wrong is not told at once.
const MAX_FINDINGS: usize = 100;
/// Longer ids are nobody's.
const MAX_ID_BYTES: usize = 512;

/// Which ids, files and names records get.
pub type Mappings<'a> = (IdMap, Option<Media<'a>>, BTreeMap<TableName, UniqueNames>);

/// Converts records, and collects what is wrong with them.
pub struct RecordConversion<'c, 'a> {
    layout: &'c Layout,
    person: &'c str,
    ids: IdMap,
    media: Option<Media<'a>>,
    names: BTreeMap<TableName, UniqueNames>,
    id_changes: IdChanges,
    findings: Vec<String>,
    emptied: BTreeSet<String>,
}

/// What is known once all records are converted.
pub struct ConvertedRecords<'a> {
    pub id_changes: IdChanges,
    pub media: Option<Media<'a>>,
    /// Columns that refer to what no archive has.
    pub emptied: BTreeSet<String>,
}

impl<'c, 'a> RecordConversion<'c, 'a> {
    pub fn new(layout: &'c Layout, person: &'c str, (ids, media, names): Mappings<'a>) -> Result<Self> {
        let (id_changes, findings, emptied) = (IdChanges::new()?, Vec::new(), BTreeSet::new());
        Ok(Self { layout, person, ids, media, names, id_changes, findings, emptied })
    }

    /// The values of the record here; nothing if something is wrong with it. `place` says where it stands.
    ///
    /// # Errors
    /// `Temporary` if the ids cannot be kept.
    pub fn convert(&mut self, place: &str, shape: &TableShape, record: &DocumentRecord) -> Result<Option<Values>> {
        if let Some(column) = find_disguised(shape.references.iter(), &record.values) {
            return Ok(self.find(place, &format!("{column} is not written as a reference is")));
        }
        let mut values = record.values.clone();
        let old_id = shape.id.as_ref().and_then(|id| text_of(values.get(id)?));
        match (&shape.id, &old_id) {
            (Some(_), Some(id)) if id.len() > MAX_ID_BYTES => {
                return Ok(self.find(place, "the id of the record is too long"));
            }
            (Some(id), Some(old)) => {
                let new = self.ids.map(&shape.table, old);
                if new != *old {
                    self.id_changes.add(&shape.table, old, &new)?;
                    values.insert(id.clone(), json_text(&new));
                }
            }
            (Some(_), None) => return Ok(self.find(place, "the id of the record is no text")),
            (None, _) => {}
        }
        for key in &shape.references {
            rewrite(key, &mut values, &self.ids);
        }
        self.make_own(shape, &mut values);
        self.rewrite_texts(shape, &mut values);
        if let Some(names) = self.names.get_mut(&shape.table) {
            names.make_unique(&mut values);
        }
        let of_file = self.layout.media.as_ref().is_some_and(|media| media.table == shape.table);
        if let Some(media) = self.media.as_mut().filter(|_| of_file)
            && let Err(what) = media.take(record, &old_id.unwrap_or_default(), &mut values)
        {
            return Ok(self.find(place, &what));
        }
        Ok(Some(values))
    }

    /// # Errors
    /// `Refused` with all that is wrong.
    pub fn finish(self) -> Result<ConvertedRecords<'a>> {
        let Self { id_changes, media, findings, emptied, .. } = self;
        if findings.is_empty() {
            Ok(ConvertedRecords { id_changes, media, emptied })
        } else {
            Err(Error::Refused(findings))
        }
    }

    fn find(&mut self, place: &str, what: &str) -> Option<Values> {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(format!("{place}: {what}"));
        }
        None
    }

    /// Whoever the record was of, and whoever it names: they are the importer now.
    fn make_own(&mut self, shape: &TableShape, values: &mut Values) {
        let is_set = |values: &Values, column: &String| values.get(column).is_some_and(|json| json != "null");
        for column in &shape.people {
            if *column == shape.owner || is_set(values, column) {
                values.insert(column.clone(), json_text(self.person));
            }
        }
        for column in &shape.outside {
            // A reference to a record of the archive may share the column.
            let is_inside = shape.references.iter().any(|key| key.columns[0] == *column);
            if !is_inside && is_set(values, column) {
                values.insert(column.clone(), "null".to_owned());
                self.emptied.insert(shape.table.field(column).to_string());
            }
        }
    }

    fn rewrite_texts(&self, shape: &TableShape, values: &mut Values) {
        let Some(media) = &self.layout.media else { return };
        for named in media.named_in.iter().filter(|named| named.0.table == shape.table) {
            let column = &named.0.column;
            if let Some(json) = values.get(column).and_then(|json| rewrite_media_names(json, &media.table, &self.ids)) {
                values.insert(column.clone(), json);
            }
        }
    }
}
