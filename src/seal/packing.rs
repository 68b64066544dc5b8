//! How a packed file begins: always the same, so that a reader can hold it to that.

/// RFC 1952, 2.3: magic, deflate, no flags, no time, no hint, unknown system.
pub const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// RFC 8878, 3.1.1: magic, checksum and no size; the window's size follows.
pub const ZSTD_HEADER: [u8; 5] = [0x28, 0xb5, 0x2f, 0xfd, 0x04];

/// How a file is packed, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    None,
    Gzip,
    Zstd,
    /// Packed, but not as this program packs.
    Foreign,
}

impl Packing {
    /// Looks at the first ten bytes, or all where there are fewer.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        match head {
            _ if head.starts_with(&GZIP_HEADER) => Self::Gzip,
            _ if head.starts_with(&ZSTD_HEADER) => Self::Zstd,
            [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Foreign,
            _ => Self::None,
        }
    }
}
