//! What must come next in a document, and the words for when it does not.

/// What must come next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Metadata,
    DataOpening,
    /// A table's opening line, or the data's end where `may_end`.
    Table {
        may_end: bool,
    },
    /// A record, or the table's end where `may_end`.
    Record {
        may_end: bool,
    },
    TableClosing,
    Seal,
}

impl Expected {
    /// Says that something else has come.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Metadata => "the metadata should be here",
            Self::DataOpening => "the data should begin here",
            Self::Table { .. } => "a table should begin here",
            Self::Record { may_end: false } => "a record should follow here",
            Self::Record { may_end: true } | Self::TableClosing => "the table should end here",
            Self::Seal => "the seal should be here",
        }
    }
}
