//! A gzip file's content, unpacked by the browser itself (Compression Streams), piece by piece.

use gloo_file::File;
use js_sys::{Array, Function, Reflect, Uint8Array, global};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableStreamDefaultReader};

pub struct Unpacked(ReadableStreamDefaultReader);

impl Unpacked {
    /// None where the browser cannot unpack.
    pub fn of(file: &File) -> Option<Self> {
        // By name: the bindings count this class as unstable, browsers have had it since 2023.
        let class: Function = Reflect::get(&global(), &"DecompressionStream".into()).ok()?.dyn_into().ok()?;
        let unpack = Reflect::construct(&class, &Array::of1(&"gzip".into())).ok()?;
        let blob: &Blob = file.as_ref();
        let content = blob.stream().pipe_through(unpack.unchecked_ref());
        Some(Self(content.get_reader().unchecked_into()))
    }

    /// The next piece; empty at the end.
    ///
    /// # Errors
    /// When the packing is cut, damaged or followed by something, or the file cannot be read.
    pub async fn next(&mut self) -> Result<Vec<u8>, JsValue> {
        let step = JsFuture::from(self.0.read()).await?;
        let piece = Reflect::get(&step, &"value".into())?;
        Ok(piece.dyn_into::<Uint8Array>().map_or_else(|_| Vec::new(), |bytes| bytes.to_vec()))
    }
}
