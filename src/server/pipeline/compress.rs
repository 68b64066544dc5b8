//! Compresses an export as one gzip member or one zstd frame, always with the same header.

use std::io::{self, Write};

use flate2::GzBuilder;
use flate2::write::GzEncoder;
use zstd::stream::write::Encoder as ZstdEncoder;

use crate::model::output::Compression;

/// Measured on the sample: the next level takes 50 % more time for 4 % fewer bytes.
const GZIP_LEVEL: u32 = 2;
const ZSTD_LEVEL: i32 = 1;

/// Compresses what is written to it and counts the compressed bytes.
pub struct Compressor<W: Write>(Encoder<W>);

enum Encoder<W: Write> {
    None(CountingWriter<W>),
    Gzip(GzEncoder<CountingWriter<W>>),
    Zstd(ZstdEncoder<'static, CountingWriter<W>>),
}

impl<W: Write> Compressor<W> {
    /// # Errors
    /// When the zstd encoder cannot be created.
    pub fn new(out: W, compression: Compression) -> io::Result<Self> {
        let out = CountingWriter { out, bytes: 0 };
        Ok(Self(match compression {
            Compression::None => Encoder::None(out),
            Compression::Gzip => {
                // No file name, no modification time: the same content gives the same file (RFC 1952, section 2.3.1).
                let builder = GzBuilder::new().mtime(0).operating_system(255);
                Encoder::Gzip(builder.write(out, flate2::Compression::new(GZIP_LEVEL)))
            }
            Compression::Zstd => {
                let mut encoder = ZstdEncoder::new(out, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                encoder.include_contentsize(false)?;
                Encoder::Zstd(encoder)
            }
        }))
    }

    /// Ends the compressed stream; returns the output and the size of the file.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(self) -> io::Result<(W, u64)> {
        let CountingWriter { mut out, bytes } = match self.0 {
            Encoder::None(out) => out,
            Encoder::Gzip(encoder) => encoder.finish()?,
            Encoder::Zstd(encoder) => encoder.finish()?,
        };
        out.flush()?;
        Ok((out, bytes))
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Encoder::None(out) => out.write(bytes),
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
        }
    }

    /// Does nothing: only `finish` flushes, because a flush in between would change the compressed bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct CountingWriter<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for CountingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
