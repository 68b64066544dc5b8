//! Compresses an export as one gzip member or one zstd frame, always with the same header.

use std::io::{self, Write};

use flate2::GzBuilder;
use flate2::write::GzEncoder;
use zstd::stream::write::Encoder as ZstdEncoder;

use crate::model::export::Compression;

/// Measured on the sample: the next level takes 50 % more time for 4 % fewer bytes.
const GZIP_LEVEL: u32 = 2;
const ZSTD_LEVEL: i32 = 1;

/// Compresses what is written to it and counts the compressed bytes.
pub struct Compressor<W: Write>(Stage<W>);

enum Stage<W: Write> {
    None(Counted<W>),
    Gzip(GzEncoder<Counted<W>>),
    Zstd(ZstdEncoder<'static, Counted<W>>),
}

impl<W: Write> Compressor<W> {
    /// # Errors
    /// When the zstd encoder cannot be created.
    pub fn new(out: W, compression: Compression) -> io::Result<Self> {
        let out = Counted { out, bytes: 0 };
        Ok(Self(match compression {
            Compression::None => Stage::None(out),
            Compression::Gzip => {
                // No file name, no modification time: the same content gives the same file (RFC 1952, section 2.3.1).
                let builder = GzBuilder::new().mtime(0).operating_system(255);
                Stage::Gzip(builder.write(out, flate2::Compression::new(GZIP_LEVEL)))
            }
            Compression::Zstd => {
                let mut encoder = ZstdEncoder::new(out, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                encoder.include_contentsize(false)?;
                Stage::Zstd(encoder)
            }
        }))
    }

    /// Ends the compressed stream; returns the output and the size of the file.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(self) -> io::Result<(W, u64)> {
        let Counted { mut out, bytes } = match self.0 {
            Stage::None(out) => out,
            Stage::Gzip(encoder) => encoder.finish()?,
            Stage::Zstd(encoder) => encoder.finish()?,
        };
        out.flush()?;
        Ok((out, bytes))
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Stage::None(out) => out.write(bytes),
            Stage::Gzip(encoder) => encoder.write(bytes),
            Stage::Zstd(encoder) => encoder.write(bytes),
        }
    }

    /// Does nothing: only `finish` flushes, because a flush in between would change the compressed bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
