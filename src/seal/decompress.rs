//! Streaming, strict decompression: one member or frame with Waybill's header, and nothing after it. The zstd decoder
//! is a type parameter: native on the server, in Rust in the browser.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::compression_header::{DetectedCompression, GZIP_HEADER};
use flate2::bufread::GzDecoder;

const HEADER_LEN: usize = GZIP_HEADER.len();

/// The compressed stream is damaged, or Waybill did not write it. Carried in an `io::Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CorruptStream(&'static str);

impl CorruptStream {
    /// Whether a read error means a bad compressed stream, not a file that cannot be read.
    #[must_use]
    pub fn is_cause_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}

/// Decoder of one zstd frame that stops at its end.
pub trait ZstdFrameDecoder<R: BufRead>: Read + Sized {
    /// # Errors
    /// When `raw` does not begin with a zstd frame.
    fn new(raw: R) -> io::Result<Self>;

    /// Ends the frame and returns the reader, positioned after it.
    ///
    /// # Errors
    /// When the frame's checksum does not match its content.
    fn finish(self) -> io::Result<R>;
}

/// A file's content, decompressed if the file is compressed.
pub struct Decompressor<R: Read, Z> {
    decoder: Decoder<R, Z>,
    /// Bytes read from the file, before decompression.
    bytes_read: Arc<AtomicU64>,
}

/// The file before decompression.
pub type CompressedReader<R> = BufReader<CountingReader<R>>;

enum Decoder<R: Read, Z> {
    None(CompressedReader<R>),
    Gzip(Box<GzDecoder<CompressedReader<R>>>),
    Zstd(Box<Z>),
    Ended,
}

impl<R: Read, Z: ZstdFrameDecoder<CompressedReader<R>>> Decompressor<R, Z> {
    /// Detects the compression from the first bytes.
    ///
    /// # Errors
    /// When the file cannot be read; `CorruptStream` when it is compressed but does not begin with Waybill's header.
    pub fn new(file: R) -> io::Result<Self> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let mut raw = BufReader::with_capacity(256 << 10, CountingReader { file, bytes_read: bytes_read.clone() });
        let decoder = match DetectedCompression::detect(peek(&mut raw)?) {
            DetectedCompression::Gzip => Decoder::Gzip(Box::new(GzDecoder::new(raw))),
            DetectedCompression::Zstd => Decoder::Zstd(Box::new(Z::new(raw)?)),
            DetectedCompression::Unrecognised => {
                return Err(corrupt(
                    "the compression header is damaged, or another program compressed the file: decompress it first, then check the result",
                ));
            }
            DetectedCompression::None => Decoder::None(raw),
        };
        Ok(Self { decoder, bytes_read })
    }

    /// Bytes read so far from the file, before decompression.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }
}

/// Returns enough bytes to detect the compression, without consuming them.
fn peek<R: Read>(raw: &mut CompressedReader<R>) -> io::Result<&[u8]> {
    // A second `fill_buf` would not read more from a pipe: `CountingReader` completes a short first read.
    raw.fill_buf()?;
    let buffered = raw.buffer();
    Ok(&buffered[..buffered.len().min(HEADER_LEN)])
}

fn corrupt(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, CorruptStream(what))
}

impl<R: Read, Z: ZstdFrameDecoder<CompressedReader<R>>> Read for Decompressor<R, Z> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.decoder {
            Decoder::None(raw) => return raw.read(out),
            Decoder::Gzip(decoder) => decoder.read(out),
            Decoder::Zstd(decoder) => decoder.read(out),
            Decoder::Ended => return Ok(0),
        };
        match read {
            Ok(0) => self.finish(),
            Err(error) if is_corrupt(&error) => Err(corrupt("the compressed data is cut off or damaged")),
            read => read,
        }
    }
}

fn is_corrupt(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | Other | UnexpectedEof)
}

impl<R: Read, Z: ZstdFrameDecoder<CompressedReader<R>>> Decompressor<R, Z> {
    /// Checks that nothing follows the one member or frame.
    fn finish(&mut self) -> io::Result<usize> {
        let rest = match std::mem::replace(&mut self.decoder, Decoder::Ended) {
            Decoder::Gzip(decoder) => decoder.into_inner().fill_buf().map(<[u8]>::len),
            Decoder::Zstd(decoder) => match decoder.finish() {
                Ok(mut raw) => raw.fill_buf().map(<[u8]>::len),
                Err(_) => return Err(corrupt("the compressed data is cut off or damaged")),
            },
            Decoder::None(_) | Decoder::Ended => Ok(0),
        };
        if rest? == 0 { Ok(0) } else { Err(corrupt("there is more data after the compressed file")) }
    }
}

/// Counts the bytes read. Repeats short reads at the start, until the header is complete.
pub struct CountingReader<R> {
    file: R,
    bytes_read: Arc<AtomicU64>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let is_first = self.bytes_read.load(Ordering::Relaxed) == 0;
        let mut read = self.file.read(out)?;
        while is_first && read > 0 && read < HEADER_LEN.min(out.len()) {
            match self.file.read(&mut out[read..])? {
                0 => break,
                n => read += n,
            }
        }
        self.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
