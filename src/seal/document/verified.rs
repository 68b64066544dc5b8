//! What a check of a file reports.

use serde::{Deserialize, Serialize};

use crate::model::manifest::MetadataSummary;
use crate::seal::signature::UncheckedSignature;

/// More of the filters of a part is not shown.
const MAX_FILTER_CHARS: usize = 120;

/// A file that matches its own seal. Only a trusted signature shows that it is unaltered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    pub metadata: MetadataSummary,
    pub records: u64,
    pub tables: u64,
    /// Size of the content, decompressed.
    pub bytes: u64,
    /// The seal's digest (`Integrity::sha256`), which identifies the content.
    pub sha256: String,
    /// The signature and the message it should be of; not checked yet.
    pub signature: Option<UncheckedSignature>,
}

impl std::fmt::Display for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use crate::model::text::{count_with_noun, one_line};
        let (records, tables) = (count_with_noun(self.records, "record"), count_with_noun(self.tables, "table"));
        let source = one_line(&self.metadata.source.name);
        if self.metadata.import_plan.is_some() {
            f.write_str("the plan of an import, which changes ")?;
        }
        write!(f, "{records} in {tables} of {source}, sealed {}", self.metadata.exported_at)?;
        if let Some(missing) = self.metadata.missing_media {
            let files = count_with_noun(missing, "file");
            write!(f, ", without {files} that could not be exported")?;
        }
        let filters = self.metadata.filters_applied.iter();
        let filters: Vec<String> = filters.map(|(name, values)| format!("{name} {}", values.join(", "))).collect();
        let filters = one_line(&filters.join("; "));
        match filters.char_indices().nth(MAX_FILTER_CHARS) {
            _ if filters.is_empty() => Ok(()),
            Some((end, _)) => write!(f, ", a part: {}…", &filters[..end]),
            None => write!(f, ", a part: {filters}"),
        }
    }
}

/// The progress of checking a file, or its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CheckUpdate {
    Progress {
        percent: u64,
    },
    Valid(Box<Verified>),
    Invalid(String),
    /// The file could not be read, and may be valid.
    NotChecked(String),
}
