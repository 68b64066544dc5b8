//! Verifies a file in the browser, in a web worker: a separate WebAssembly module, built with the feature `verifier`
//! and without the page.
//!
//! May import: `model`, `seal`. Flow: `public/check-file.js` calls `check_file` with the chosen file, which is read
//! slice by slice, decompressed and verified, and never sent anywhere.

mod slice_reader;
mod zstd;

use std::io::Read;

use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::File;

use crate::seal::decompress::{CompressedReader, CorruptStream, Decompressor};
use crate::seal::{CheckUpdate, FileVerifier, Verified};
use slice_reader::SliceReader;
use zstd::RustZstd;

type Content = Decompressor<SliceReader, RustZstd<CompressedReader<SliceReader>>>;

/// Bytes read between two updates of the progress.
const CHUNK_BYTES: usize = 1 << 20;
const UNREADABLE: &str = "The browser cannot read this file. It may have been moved or changed: choose it again.";

/// Checks a file. Calls `callback` with `CheckUpdate` as JSON: first the progress, at the end the result.
#[wasm_bindgen]
pub fn check_file(file: File, callback: &Function) {
    let report = |check: &CheckUpdate| {
        let text = serde_json::to_string(check).unwrap_or_else(|_| unreachable!("plain data into memory"));
        // An error means that the page no longer listens.
        let _ = callback.call1(&JsValue::NULL, &text.into());
    };
    let result = check(file, |percent| report(&CheckUpdate::Progress { percent }));
    report(&result);
}

fn check(file: File, on_progress: impl Fn(u64)) -> CheckUpdate {
    let reader = SliceReader::new(file);
    let bytes = reader.size();
    let mut content = match Content::new(reader) {
        Ok(content) => content,
        Err(error) => return check_failed(&error),
    };
    let mut verifier = FileVerifier::default();
    let (mut chunk, mut reported) = (vec![0; CHUNK_BYTES], 0);
    loop {
        let read = match content.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => return check_failed(&error),
        };
        if let Err(error) = verifier.feed(&chunk[..read]) {
            return CheckUpdate::Invalid(error.to_string());
        }
        let percent = (content.bytes_read() * 100).checked_div(bytes).unwrap_or_default();
        if percent > reported {
            reported = percent;
            on_progress(percent);
        }
    }
    match verifier.finish() {
        // Report the size of the file, not of its decompressed content.
        Ok(found) => CheckUpdate::Valid(Box::new(Verified { bytes, ..found })),
        Err(error) => CheckUpdate::Invalid(error.to_string()),
    }
}

fn check_failed(error: &std::io::Error) -> CheckUpdate {
    if CorruptStream::is_cause_of(error) {
        CheckUpdate::Invalid(error.to_string())
    } else {
        CheckUpdate::NotChecked(UNREADABLE.into())
    }
}
