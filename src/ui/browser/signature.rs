//! Verifies Ed25519 signatures with Web Crypto.

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array, global};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::seal::UncheckedSignature;

/// Verifies the signature of the message with the public key stored beside it. `None` if the browser cannot: it is
/// too old, or the page was loaded over plain HTTP from another machine (no secure context).
pub async fn verify_signature(signed: &UncheckedSignature) -> Option<bool> {
    let (Some(key), Some(signature)) = (decode_base64(&signed.signature.key), decode_base64(&signed.signature.ed25519))
    else {
        return Some(false);
    };
    let subtle: Object = get_property(&get_property(&global(), "crypto")?, "subtle")?.dyn_into().ok()?;
    let algorithm = JsValue::from("Ed25519");
    let usages = Array::of1(&"verify".into());
    let import = Array::of5(&"raw".into(), &key, &algorithm, &false.into(), &usages);
    let key = call_method(&subtle, "importKey", &import).await?;
    let message = Uint8Array::from(&signed.message[..]);
    let verified = call_method(&subtle, "verify", &Array::of4(&algorithm, &key, &signature, &message)).await?;
    verified.as_bool()
}

fn get_property(object: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(object, &name.into()).ok().filter(|value| !value.is_undefined())
}

async fn call_method(object: &Object, name: &str, arguments: &Array) -> Option<JsValue> {
    let function: Function = get_property(object, name)?.dyn_into().ok()?;
    let promise: Promise = function.apply(object, arguments).ok()?.dyn_into().ok()?;
    JsFuture::from(promise).await.ok()
}

/// Decodes base64 with `atob`, which returns one character per byte.
fn decode_base64(base64: &str) -> Option<Uint8Array> {
    let decode: Function = get_property(&global(), "atob")?.dyn_into().ok()?;
    let text = decode.call1(&JsValue::UNDEFINED, &base64.into()).ok()?.as_string()?;
    // Accept the canonical encoding only.
    let encode: Function = get_property(&global(), "btoa")?.dyn_into().ok()?;
    encode
        .call1(&JsValue::UNDEFINED, &text.as_str().into())
        .ok()?
        .as_string()
        .filter(|reencoded| reencoded == base64)?;
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<_>>()?;
    Some(Uint8Array::from(&bytes[..]))
}
