//! The check of a file in the browser, on a thread of its own (a worker): its own WebAssembly module, built with the
//! feature `verifier` and without the page.
//!
//! May import: `model`, `seal`. Flow: `public/check-file.js` calls `check_file` with a file that was chosen; it is read
//! from the disk slice by slice, unpacked and verified, and never sent anywhere.

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

/// Bytes between two looks at how far it has come.
const CHUNK: usize = 1 << 20;
const UNREADABLE: &str = "The browser cannot read it: was it moved or changed meanwhile?";

/// Checks a file to its end. `tell` is called with what `Check` is in JSON: how far it has come, at last what came out.
#[wasm_bindgen]
pub fn check_file(file: File, tell: &Function) {
    let tell = |check: &Check| {
        let text = serde_json::to_string(check).unwrap_or_default();
        // Whoever does not listen any more needs no answer.
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
        // The size is the file's as people have it.
        Ok(found) => Check::Whole(Box::new(Verified { bytes, ..found })),
        Err(flaw) => Check::NotWhole(flaw.to_string()),
    }
}

fn unread(error: &std::io::Error) -> Check {
    if BadPacking::is(error) { Check::NotWhole(error.to_string()) } else { Check::NotChecked(UNREADABLE.into()) }
}
