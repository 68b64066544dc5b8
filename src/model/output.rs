//! The form of an export's output: what its tables are written as, what holds them together and how that is compressed.

use serde::{Deserialize, Serialize};

/// How a table's records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Json,
}

/// What holds the tables of an export together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Container {
    /// One file with all tables.
    #[default]
    Document,
}

/// How a file is compressed.
///
/// ```
/// use waybill::model::output::Compression;
///
/// assert_eq!(Compression::from_file_name("shop.json.zst"), Compression::Zstd);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Zstd,
}

impl Compression {
    pub const ALL: [Self; 3] = [Self::None, Self::Gzip, Self::Zstd];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Last suffix of a compressed file's name.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// Parses the output of `as_str`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|compression| compression.as_str() == text)
    }

    /// The compression that a file name implies.
    #[must_use]
    pub fn from_file_name(name: &str) -> Self {
        let compression = [Self::Gzip, Self::Zstd].into_iter().find(|known| name.ends_with(known.suffix()));
        compression.unwrap_or_default()
    }
}

/// The form of an export's output.
///
/// ```
/// use waybill::model::output::{Compression, Output};
///
/// let output = Output::document(Compression::Gzip);
/// assert_eq!(output.file_name("shop-2026-11-20.json"), "shop-2026-11-20.json.gz");
/// assert_eq!(Output::from_file_name("shop-2026-11-20.json.gz"), output);
/// assert_eq!(output.media_type(), "application/gzip");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub format: Format,
    pub container: Container,
    pub compression: Compression,
}

impl Output {
    /// One JSON file with all tables.
    #[must_use]
    pub fn document(compression: Compression) -> Self {
        Self { format: Format::Json, container: Container::Document, compression }
    }

    /// The form that a file name implies.
    #[must_use]
    pub fn from_file_name(name: &str) -> Self {
        Self::document(Compression::from_file_name(name))
    }

    /// Suffix of the file's name without compression.
    fn plain_suffix(self) -> &'static str {
        match (self.container, self.format) {
            (Container::Document, Format::Json) => ".json",
        }
    }

    /// Completes the name that a profile gives its files. It keeps a suffix of its own, and needs none.
    #[must_use]
    pub fn file_name(self, given: &str) -> String {
        let json = Self::default().plain_suffix();
        let name = given.strip_suffix(json).map(|stem| format!("{stem}{}", self.plain_suffix()));
        name.unwrap_or_else(|| given.to_owned()) + self.compression.suffix()
    }

    /// The file's media type. A compressed file is itself what is served, not an encoding of it (RFC 6713, RFC 8878).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match (self.compression, self.container, self.format) {
            (Compression::Gzip, ..) => "application/gzip",
            (Compression::Zstd, ..) => "application/zstd",
            (Compression::None, Container::Document, Format::Json) => "application/json",
        }
    }
}
