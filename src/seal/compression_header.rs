//! Headers of compressed files: always the same, so that a reader can insist on them.

/// RFC 1952, section 2.3: magic, deflate, no flags, no time, no extra flags, unknown system.
pub const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// RFC 8878, section 3.1.1: magic, checksum and no content size; the window size follows.
pub const ZSTD_HEADER: [u8; 5] = [0x28, 0xb5, 0x2f, 0xfd, 0x04];

/// A file's compression, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetectedCompression {
    None,
    Gzip,
    Zstd,
    /// Compressed, but not by Waybill.
    Unrecognised,
}

impl DetectedCompression {
    /// Detects the compression from the first ten bytes, or from all of a shorter file.
    #[must_use]
    pub fn detect(head: &[u8]) -> Self {
        match head {
            _ if head.starts_with(&GZIP_HEADER) => Self::Gzip,
            _ if head.starts_with(&ZSTD_HEADER) => Self::Zstd,
            [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Unrecognised,
            _ => Self::None,
        }
    }
}
