//! Decoder of one zstd frame in Rust: browsers have no built-in one.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::seal::decompress::ZstdFrameDecoder;

pub struct RustZstd<R: BufRead>(StreamingDecoder<R, FrameDecoder>);

impl<R: BufRead> ZstdFrameDecoder<R> for RustZstd<R> {
    fn new(raw: R) -> io::Result<Self> {
        // A damaged header is bad data, not a failure to read the file.
        let invalid = |_| io::Error::from(io::ErrorKind::InvalidData);
        Ok(Self(StreamingDecoder::new(raw).map_err(invalid)?))
    }

    fn finish(self) -> io::Result<R> {
        let (raw, decoder) = self.0.into_parts();
        let checksum_matches = decoder.get_checksum_from_data() == decoder.get_calculated_checksum();
        if checksum_matches { Ok(raw) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

impl<R: BufRead> Read for RustZstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}
