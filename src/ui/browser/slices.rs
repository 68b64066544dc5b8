//! Reading a file of any size slice by slice: it never leaves the browser, and never lies in memory whole.

use gloo_file::File;
use gloo_file::futures::read_as_bytes;
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, Event, HtmlInputElement};

const SLICE_BYTES: u64 = 4 << 20;

/// A file and how far it has been read.
pub struct Slices {
    file: File,
    at: u64,
}

impl Slices {
    pub fn of(file: File) -> Self {
        Self { file, at: 0 }
    }

    pub fn bytes(&self) -> u64 {
        self.file.size()
    }

    pub fn read(&self) -> u64 {
        self.at
    }

    /// The next slice; empty at the end of the file.
    ///
    /// # Errors
    /// When the browser cannot read the file: it was moved or changed meanwhile.
    pub async fn next(&mut self) -> Result<Vec<u8>, gloo_file::FileReadError> {
        let end = (self.at + SLICE_BYTES).min(self.bytes());
        if end == self.at {
            return Ok(Vec::new());
        }
        let slice = self.file.slice(self.at, end);
        let bytes = read_as_bytes(&slice).await?;
        self.at = end;
        Ok(bytes)
    }
}

/// The file that was chosen in a file field.
pub fn picked_file(event: &Event) -> Option<File> {
    let field: HtmlInputElement = event.target()?.dyn_into().ok()?;
    field.files()?.get(0).map(File::from)
}

/// The file that was dropped.
pub fn dropped_file(event: &DragEvent) -> Option<File> {
    event.data_transfer()?.files()?.get(0).map(File::from)
}
