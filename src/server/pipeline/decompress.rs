//! Decompression on the server, with native zstd: the inverse of `compress`.

use std::io::{self, BufRead, Read};

use zstd::stream::read::Decoder;

use crate::seal::decompress::{self, CompressedReader, ZstdFrameDecoder};

/// A file's content, decompressed if the file is compressed.
pub type Decompressor<R> = decompress::Decompressor<R, NativeZstd<CompressedReader<R>>>;

/// Decoder of one zstd frame, on libzstd.
pub struct NativeZstd<R: BufRead>(Decoder<'static, R>);

impl<R: BufRead> ZstdFrameDecoder<R> for NativeZstd<R> {
    fn new(raw: R) -> io::Result<Self> {
        Ok(Self(Decoder::with_buffer(raw)?.single_frame()))
    }

    fn finish(self) -> io::Result<R> {
        Ok(self.0.finish())
    }
}

impl<R: BufRead> Read for NativeZstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::model::output::Compression;
    use crate::server::pipeline::compress::Compressor;

    const COMPRESSIONS: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Zstd];

    fn compressed(content: &[u8], compression: Compression) -> Vec<u8> {
        let mut compressor = Compressor::new(Vec::new(), compression).unwrap();
        compressor.write_all(content).unwrap();
        compressor.finish().unwrap().0
    }

    fn decompressed(file: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        Decompressor::new(file)?.read_to_end(&mut content)?;
        Ok(content)
    }

    fn content() -> Vec<u8> {
        (0..2000)
            .flat_map(|n: u32| format!("{{\"id\":{n},\"text\":\"line {}\"}}\n", n * 7919 % 1000).into_bytes())
            .collect()
    }

    #[test]
    fn compressed_content_comes_back_and_its_size_is_known() {
        for compression in COMPRESSIONS {
            for content in [content(), Vec::new()] {
                let file = compressed(&content, compression);
                assert_eq!(decompressed(&file).unwrap(), content, "{compression:?}");
                let mut decompressor = Decompressor::new(&*file).unwrap();
                io::copy(&mut decompressor, &mut io::sink()).unwrap();
                assert_eq!(decompressor.bytes_read(), file.len() as u64, "{compression:?}");
                assert_eq!(compressed(&content, compression), file, "the same content gives the same file");
            }
        }
    }

    #[test]
    fn a_compressed_file_that_is_cut_lengthened_or_joined_is_refused() {
        for kind in [Compression::Gzip, Compression::Zstd] {
            let file = compressed(&content(), kind);
            for cut in [0, 1, 5, 9, 10, 11, file.len() / 2, file.len() - 9, file.len() - 1] {
                let read = decompressed(&file[..cut]);
                assert!(read.is_err() || read.unwrap() != content(), "{kind:?} cut at {cut}");
            }
            assert!(decompressed(&[&*file, b"\n"].concat()).is_err(), "{kind:?}");
            assert!(decompressed(&[&*file, &file].concat()).is_err(), "{kind:?}");
        }
    }

    /// Compressed streams contain bits without meaning (padding of the last byte, table states that no symbol
    /// uses): flipping one leaves the content unchanged. Any other flip is an error here or changes the
    /// content, which then fails the check of its seal.
    #[test]
    fn a_flipped_bit_is_noticed_unless_it_means_nothing() {
        for kind in [Compression::Gzip, Compression::Zstd] {
            let file = compressed(&content(), kind);
            let ignored = (0..file.len() * 8).filter(|bit| {
                let mut flipped = file.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                decompressed(&flipped).is_ok_and(|read| read == content())
            });
            assert!(ignored.count() < file.len() * 8 / 1000, "{kind:?}");
        }
    }
}
