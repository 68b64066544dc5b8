//! Streaming, strict decompression: one member or frame with Waybill's header, and nothing after it. The zstd decoder
//! is a type parameter: native on the server, in Rust in the browser.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::packing::{GZIP_HEADER, Packing};
use flate2::bufread::GzDecoder;

const MAGIC_BYTES: usize = GZIP_HEADER.len();

/// The compressed stream is damaged, or Waybill did not write it. Carried in an `io::Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPacking(&'static str);

impl BadPacking {
    /// Whether a read error means a bad compressed stream, not a file that cannot be read.
    #[must_use]
    pub fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}

/// Decoder of one zstd frame that stops at its end.
pub trait ZstdFrame<R: BufRead>: Read + Sized {
    /// # Errors
    /// When `raw` does not begin with a zstd frame.
    fn begin(raw: R) -> io::Result<Self>;

    /// Ends the frame and returns the reader, positioned after it.
    ///
    /// # Errors
    /// When the frame's checksum does not match its content.
    fn end(self) -> io::Result<R>;
}

/// A file's content, decompressed if the file is compressed.
pub struct Unpacker<R: Read, Z> {
    stage: Stage<R, Z>,
    /// Bytes read from the file, before decompression.
    seen: Arc<AtomicU64>,
}

/// The file before decompression.
pub type Raw<R> = BufReader<Tally<R>>;

enum Stage<R: Read, Z> {
    None(Raw<R>),
    Gzip(Box<GzDecoder<Raw<R>>>),
    Zstd(Box<Z>),
    Ended,
}

impl<R: Read, Z: ZstdFrame<Raw<R>>> Unpacker<R, Z> {
    /// Detects the compression from the first bytes.
    ///
    /// # Errors
    /// When the file cannot be read; `BadPacking` when it is compressed but does not begin with Waybill's header.
    pub fn new(file: R) -> io::Result<Self> {
        let seen = Arc::new(AtomicU64::new(0));
        let mut raw = BufReader::with_capacity(256 << 10, Tally { file, seen: seen.clone() });
        let stage = match Packing::of(peek(&mut raw)?) {
            Packing::Gzip => Stage::Gzip(Box::new(GzDecoder::new(raw))),
            Packing::Zstd => Stage::Zstd(Box::new(Z::begin(raw)?)),
            Packing::Foreign => {
                return Err(bad("the packing's header is damaged, or another program packed the file"));
            }
            Packing::None => Stage::None(raw),
        };
        Ok(Self { stage, seen })
    }

    /// Bytes read so far from the file, before decompression.
    pub fn bytes_read(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }
}

/// Returns enough bytes to detect the compression, without consuming them.
fn peek<R: Read>(raw: &mut Raw<R>) -> io::Result<&[u8]> {
    // A second `fill_buf` would not read more from a pipe: `Tally` completes a short first read.
    raw.fill_buf()?;
    let held = raw.buffer();
    Ok(&held[..held.len().min(MAGIC_BYTES)])
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, BadPacking(what))
}

impl<R: Read, Z: ZstdFrame<Raw<R>>> Read for Unpacker<R, Z> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.stage {
            Stage::None(raw) => return raw.read(out),
            Stage::Gzip(decoder) => decoder.read(out),
            Stage::Zstd(decoder) => decoder.read(out),
            Stage::Ended => return Ok(0),
        };
        match read {
            Ok(0) => self.end(),
            Err(error) if is_cut_or_bad(&error) => Err(bad("the packing is cut or damaged")),
            read => read,
        }
    }
}

fn is_cut_or_bad(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | Other | UnexpectedEof)
}

impl<R: Read, Z: ZstdFrame<Raw<R>>> Unpacker<R, Z> {
    /// Checks that nothing follows the one member or frame.
    fn end(&mut self) -> io::Result<usize> {
        let rest = match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Gzip(decoder) => decoder.into_inner().fill_buf().map(<[u8]>::len),
            Stage::Zstd(decoder) => match decoder.end() {
                Ok(mut raw) => raw.fill_buf().map(<[u8]>::len),
                Err(_) => return Err(bad("the packing is cut or damaged")),
            },
            Stage::None(_) | Stage::Ended => Ok(0),
        };
        if rest? == 0 { Ok(0) } else { Err(bad("something follows the packed file")) }
    }
}

/// Counts the bytes read. Repeats short reads at the start, until the header is complete.
pub struct Tally<R> {
    file: R,
    seen: Arc<AtomicU64>,
}

impl<R: Read> Read for Tally<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let is_first = self.seen.load(Ordering::Relaxed) == 0;
        let mut read = self.file.read(out)?;
        while is_first && read > 0 && read < MAGIC_BYTES.min(out.len()) {
            match self.file.read(&mut out[read..])? {
                0 => break,
                more => read += more,
            }
        }
        self.seen.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
