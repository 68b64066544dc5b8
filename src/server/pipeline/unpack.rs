//! The mirror of `compress`: reads a packed file as a stream and holds its packing to the letter.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use crate::seal::{GZIP_HEADER, Packing};

const MAGIC_BYTES: usize = GZIP_HEADER.len();

/// The packing itself is not as it is written by this program. Carried in an `io::Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPacking(&'static str);

impl BadPacking {
    /// Whether an error of reading says that the packing is not whole, and not that it cannot be read.
    #[must_use]
    pub fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}

/// A file's content, unpacked where it is packed.
pub struct Unpacker<R: Read> {
    stage: Stage<R>,
    /// Bytes read of the file as it lies there.
    seen: Arc<AtomicU64>,
}

type Raw<R> = BufReader<Tally<R>>;

enum Stage<R: Read> {
    None(Raw<R>),
    Gzip(Box<GzDecoder<Raw<R>>>),
    Zstd(ZstdDecoder<'static, Raw<R>>),
    Ended,
}

impl<R: Read> Unpacker<R> {
    /// Looks at the first bytes to know the packing.
    ///
    /// # Errors
    /// When the file cannot be read, or begins like a packed file of somebody else's.
    pub fn new(file: R) -> io::Result<Self> {
        let seen = Arc::new(AtomicU64::new(0));
        let mut raw = BufReader::with_capacity(256 << 10, Tally { file, seen: seen.clone() });
        let stage = match Packing::of(peek(&mut raw)?) {
            Packing::Gzip => Stage::Gzip(Box::new(GzDecoder::new(raw))),
            Packing::Zstd => Stage::Zstd(ZstdDecoder::with_buffer(raw)?.single_frame()),
            Packing::Foreign => {
                return Err(bad("the packing's header is damaged, or another program packed the file"));
            }
            Packing::None => Stage::None(raw),
        };
        Ok(Self { stage, seen })
    }

    /// Bytes read so far of the file as it lies there.
    pub fn bytes_read(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }
}

/// Enough bytes to know the packing, without taking them.
fn peek<R: Read>(raw: &mut Raw<R>) -> io::Result<&[u8]> {
    // A second look at the same buffer would not ask a pipe for more: `Tally` fills up a short first read.
    raw.fill_buf()?;
    let held = raw.buffer();
    Ok(&held[..held.len().min(MAGIC_BYTES)])
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, BadPacking(what))
}

impl<R: Read> Read for Unpacker<R> {
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

impl<R: Read> Unpacker<R> {
    /// After the one member or frame, nothing may follow.
    fn end(&mut self) -> io::Result<usize> {
        let rest = match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Gzip(decoder) => decoder.into_inner().fill_buf().map(<[u8]>::len),
            Stage::Zstd(decoder) => decoder.finish().fill_buf().map(<[u8]>::len),
            Stage::None(_) | Stage::Ended => Ok(0),
        };
        if rest? == 0 { Ok(0) } else { Err(bad("something follows the packed file")) }
    }
}

/// Counts what is read; short reads are filled up at the beginning.
struct Tally<R> {
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::model::export::Compression;
    use crate::server::pipeline::compress::Compressor;

    const KINDS: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Zstd];

    fn packed(content: &[u8], compression: Compression) -> Vec<u8> {
        let mut compressor = Compressor::new(Vec::new(), compression).unwrap();
        compressor.write_all(content).unwrap();
        compressor.finish().unwrap().0
    }

    fn unpacked(file: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        Unpacker::new(file)?.read_to_end(&mut content)?;
        Ok(content)
    }

    fn content() -> Vec<u8> {
        (0..2000)
            .flat_map(|n: u32| format!("{{\"id\":{n},\"text\":\"line {}\"}}\n", n * 7919 % 1000).into_bytes())
            .collect()
    }

    #[test]
    fn what_was_packed_comes_back_and_its_size_is_known() {
        for kind in KINDS {
            for content in [content(), Vec::new()] {
                let file = packed(&content, kind);
                assert_eq!(unpacked(&file).unwrap(), content, "{kind:?}");
                let mut unpacker = Unpacker::new(&*file).unwrap();
                io::copy(&mut unpacker, &mut io::sink()).unwrap();
                assert_eq!(unpacker.bytes_read(), file.len() as u64, "{kind:?}");
                assert_eq!(packed(&content, kind), file, "the same content gives the same file");
            }
        }
    }

    #[test]
    fn a_packed_file_that_is_cut_lengthened_or_joined_is_refused() {
        for kind in [Compression::Gzip, Compression::Zstd] {
            let file = packed(&content(), kind);
            for cut in [0, 1, 5, 9, 10, 11, file.len() / 2, file.len() - 9, file.len() - 1] {
                let read = unpacked(&file[..cut]);
                assert!(read.is_err() || read.unwrap() != content(), "{kind:?} cut at {cut}");
            }
            assert!(unpacked(&[&*file, b"\n"].concat()).is_err(), "{kind:?}");
            assert!(unpacked(&[&*file, &file].concat()).is_err(), "{kind:?}");
        }
    }

    /// A packing has bits that mean nothing (the fill of a last byte, states of a table that no symbol
    /// uses): flipped, they leave every byte of the content as it was. Any other flip is an error here or
    /// changes the content, which the seal inside then refuses.
    #[test]
    fn a_flipped_bit_is_noticed_unless_it_means_nothing() {
        for kind in [Compression::Gzip, Compression::Zstd] {
            let file = packed(&content(), kind);
            let ignored = (0..file.len() * 8).filter(|bit| {
                let mut flipped = file.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                unpacked(&flipped).is_ok_and(|read| read == content())
            });
            assert!(ignored.count() < file.len() * 8 / 1000, "{kind:?}");
        }
    }
}
