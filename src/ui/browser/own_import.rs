//! Sending the kept file as a form, to be imported into one's own data.

use std::cell::RefCell;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::JsValue;
use web_sys::{FormData, ProgressEvent, XmlHttpRequest};

use super::import_request::kept_file;

thread_local! {
    /// The request that runs; another one ends it.
    static RUNNING: RefCell<Option<RunningForm>> = const { RefCell::new(None) };
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum FormUpdate<T> {
    Sending {
        percent: u64,
    },
    Answer(T),
    /// Why it was refused, one sentence each.
    Refused(Vec<String>),
    /// The connection broke.
    Broken,
}

struct RunningForm {
    request: XmlHttpRequest,
    _on_sending: Closure<dyn FnMut(ProgressEvent)>,
    _on_end: Closure<dyn FnMut()>,
    _on_error: Closure<dyn FnMut()>,
}

impl Drop for RunningForm {
    fn drop(&mut self) {
        let _ = self.request.abort();
    }
}

/// Sends fields, and the kept file with them if `has_file`.
pub fn send_form<T: DeserializeOwned + 'static>(
    address: &str,
    fields: &[(&str, &str)],
    has_file: bool,
    on_update: impl Fn(FormUpdate<T>) + Clone + 'static,
) {
    match start(address, fields, has_file, on_update.clone()) {
        Ok(running) => RUNNING.set(Some(running)),
        Err(_) => on_update(FormUpdate::Broken),
    }
}

fn start<T: DeserializeOwned + 'static>(
    address: &str,
    fields: &[(&str, &str)],
    has_file: bool,
    on_update: impl Fn(FormUpdate<T>) + Clone + 'static,
) -> Result<RunningForm, JsValue> {
    let form = FormData::new()?;
    for (name, value) in fields {
        form.append_with_str(name, value)?;
    }
    if let Some(file) = kept_file().filter(|_| has_file) {
        form.append_with_blob("file", &file)?;
    }
    let request = XmlHttpRequest::new()?;
    request.open_with_async("POST", address, true)?;
    let sending = on_update.clone();
    let on_sending = Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
        let percent = (event.loaded() * 100.0 / event.total().max(1.0)) as u64;
        sending(FormUpdate::Sending { percent });
    });
    let (ended, answer) = (request.clone(), on_update.clone());
    let on_end = Closure::<dyn FnMut()>::new(move || answer(read_answer(&ended)));
    let on_error = Closure::<dyn FnMut()>::new(move || on_update(FormUpdate::Broken));
    if has_file {
        request.upload()?.set_onprogress(Some(on_sending.as_ref().unchecked_ref()));
    }
    request.set_onload(Some(on_end.as_ref().unchecked_ref()));
    request.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    request.send_with_opt_form_data(Some(&form))?;
    Ok(RunningForm { request, _on_sending: on_sending, _on_end: on_end, _on_error: on_error })
}

/// Problem details say more than one sentence in `findings` (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    detail: String,
    #[serde(default)]
    findings: Vec<String>,
}

fn read_answer<T: DeserializeOwned>(request: &XmlHttpRequest) -> FormUpdate<T> {
    let text = request.response_text().ok().flatten().unwrap_or_default();
    if request.status() == Ok(200) {
        return serde_json::from_str(&text).map_or(FormUpdate::Broken, FormUpdate::Answer);
    }
    match serde_json::from_str::<Problem>(&text) {
        Ok(Problem { detail, findings }) if findings.is_empty() => FormUpdate::Refused(vec![detail]),
        Ok(Problem { findings, .. }) => FormUpdate::Refused(findings),
        Err(_) => FormUpdate::Broken,
    }
}
