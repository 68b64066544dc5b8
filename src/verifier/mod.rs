//! Verifies a file in the browser, in a web worker: a separate WebAssembly module, built with the feature `verifier`
//! and without the page.
//!
//! May import: `model`, `seal`. Flow: `public/check-file.js` calls `check_file` with the chosen file, which is read
//! slice by slice, decompressed and verified, and never sent anywhere.

mod file;
mod zstd;

use std::io::Read;

use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::File;

use crate::seal::{BadPacking, Check, Raw, Unpacker, Verified, Verifier};
use file::FileReader;
use zstd::RustZstd;

type Content = Unpacker<FileReader, RustZstd<Raw<FileReader>>>;

/// Bytes read between two updates of the progress.
const CHUNK: usize = 1 << 20;
const UNREADABLE: &str = "The browser cannot read it: was it moved or changed meanwhile?";

/// Checks a file. Calls `tell` with `Check` as JSON: first the progress, at the end the result.
#[wasm_bindgen]
pub fn check_file(file: File, tell: &Function) {
    let tell = |check: &Check| {
        let text = serde_json::to_string(check).unwrap_or_default();
        // An error means that the page no longer listens.
        let _ = tell.call1(&JsValue::NULL, &text.into());
    };
    let checked = check(file, |percent| tell(&Check::Read { percent }));
    tell(&checked);
}

fn check(file: File, show: impl Fn(u64)) -> Check {
    let reader = FileReader::of(file);
    let bytes = reader.size();
    let mut content = match Content::new(reader) {
        Ok(content) => content,
        Err(error) => return unread(&error),
    };
    let mut verifier = Verifier::default();
    let (mut chunk, mut shown) = (vec![0; CHUNK], 0);
    loop {
        let read = match content.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => return unread(&error),
        };
        if let Err(flaw) = verifier.feed(&chunk[..read]) {
            return Check::NotWhole(flaw.to_string());
        }
        let percent = (content.bytes_read() * 100).checked_div(bytes).unwrap_or_default();
        if percent > shown {
            shown = percent;
            show(percent);
        }
    }
    match verifier.finish() {
        // Report the size of the file, not of its decompressed content.
        Ok(found) => Check::Whole(Box::new(Verified { bytes, ..found })),
        Err(flaw) => Check::NotWhole(flaw.to_string()),
    }
}

fn unread(error: &std::io::Error) -> Check {
    if BadPacking::is(error) { Check::NotWhole(error.to_string()) } else { Check::NotChecked(UNREADABLE.into()) }
}
