//! Implements `Read` for a chosen file, slice by slice, with `FileReaderSync` (File API), which only workers have.

use std::io::{self, Read};

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::{File, FileReaderSync};

const SLICE_BYTES: u64 = 4 << 20;

pub struct SliceReader {
    file: File,
    offset: u64,
    slice: Vec<u8>,
    /// How many bytes of the slice were returned.
    consumed: usize,
}

impl SliceReader {
    pub fn new(file: File) -> Self {
        Self { file, offset: 0, slice: Vec::new(), consumed: 0 }
    }

    pub fn size(&self) -> u64 {
        // JavaScript numbers are doubles; no file is larger than they hold exactly.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size is a whole number")]
        let size = self.file.size() as u64;
        size
    }

    fn next_slice(&mut self) -> Result<Vec<u8>, JsValue> {
        let end = (self.offset + SLICE_BYTES).min(self.size());
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let blob = self.file.slice_with_f64_and_f64(self.offset as f64, end as f64)?;
        let bytes = Uint8Array::new(&FileReaderSync::new()?.read_as_array_buffer(&blob)?.into());
        self.offset = end;
        Ok(bytes.to_vec())
    }
}

impl Read for SliceReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.consumed == self.slice.len() {
            if self.offset >= self.size() {
                return Ok(0);
            }
            self.slice = self.next_slice().map_err(|_| io::Error::from(io::ErrorKind::PermissionDenied))?;
            self.consumed = 0;
        }
        let rest = &self.slice[self.consumed..];
        let read = rest.len().min(out.len());
        out[..read].copy_from_slice(&rest[..read]);
        self.consumed += read;
        Ok(read)
    }
}
