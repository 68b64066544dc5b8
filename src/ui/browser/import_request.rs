//! Sending a file to be imported, and keeping the plan that comes back.
//!
//! Flow: `keep_file` keeps the chosen file; `request_plan` and `request_import` send it; `post` sends nothing but the request.
//! Browser objects are kept here and not in signals: they must never reach a server thread.

use std::cell::RefCell;

use leptos::task::spawn_local;
use serde::Deserialize;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, ProgressEvent, XmlHttpRequest, XmlHttpRequestResponseType};

use crate::model::import_update::ImportUpdate;

/// The lines before a plan are fewer.
const MAX_LINES_BYTES: f64 = 1_048_576.0;

const UNREADABLE: &str = "The server's answer cannot be read. Load the page again.";

thread_local! {
    static FILE: RefCell<Option<File>> = const { RefCell::new(None) };
    static PLAN: RefCell<Option<Blob>> = const { RefCell::new(None) };
    /// The request that runs; another one ends it.
    static RUNNING: RefCell<Option<RunningRequest>> = const { RefCell::new(None) };
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestUpdate {
    Sending {
        percent: u64,
    },
    Answer(ImportUpdate),
    /// Why there is no answer, for people.
    Failed(String),
    /// The connection broke.
    Broken,
}

struct RunningRequest {
    request: XmlHttpRequest,
    _on_sending: Closure<dyn FnMut(ProgressEvent)>,
    _on_answer: Closure<dyn FnMut()>,
    _on_end: Closure<dyn FnMut()>,
    _on_error: Closure<dyn FnMut()>,
}

impl Drop for RunningRequest {
    fn drop(&mut self) {
        let _ = self.request.abort();
    }
}

/// Keeps the file that is sent later. The plan of another one is forgotten.
pub fn keep_file(file: File) {
    FILE.set(Some(file));
    PLAN.set(None);
}

/// The plan that was received last.
pub fn kept_plan() -> Option<Blob> {
    PLAN.with_borrow(Clone::clone)
}

/// Sends the kept file, and keeps the plan that comes back.
pub fn request_plan(address: &str, on_update: impl Fn(RequestUpdate) + Clone + 'static) {
    PLAN.set(None);
    let on_end = on_update.clone();
    send(address, kept_file().as_ref(), true, on_update, move |request| {
        let on_end = on_end.clone();
        spawn_local(async move {
            let blob = request.response().ok().and_then(|response| response.dyn_into::<Blob>().ok());
            let end = match blob {
                Some(blob) if request.status() == Ok(200) => read_plan(blob).await,
                Some(blob) => {
                    let text = JsFuture::from(blob.text()).await.ok().and_then(|text| text.as_string());
                    RequestUpdate::Failed(detail(&text.unwrap_or_default()))
                }
                None => RequestUpdate::Failed(UNREADABLE.into()),
            };
            on_end(end);
        });
    });
}

/// Sends the kept file, and tells what the server says meanwhile.
pub fn request_import(address: &str, on_update: impl Fn(RequestUpdate) + Clone + 'static) {
    let on_end = on_update.clone();
    send(address, kept_file().as_ref(), false, on_update, move |request| on_end(last_update(&request)));
}

/// Sends a request without a file.
pub fn post(address: &str, on_update: impl Fn(RequestUpdate) + Clone + 'static) {
    let on_end = on_update.clone();
    send(address, None, false, on_update, move |request| on_end(last_update(&request)));
}

/// The file that was chosen last.
pub fn kept_file() -> Option<Blob> {
    FILE.with_borrow(|file| file.as_ref().map(|file| file.clone().unchecked_into()))
}

fn send(
    address: &str,
    body: Option<&Blob>,
    is_blob: bool,
    on_update: impl Fn(RequestUpdate) + Clone + 'static,
    on_end: impl Fn(XmlHttpRequest) + 'static,
) {
    let failed = on_update.clone();
    match RunningRequest::start(address, body, is_blob, on_update, on_end) {
        Ok(request) => RUNNING.set(Some(request)),
        Err(_) => failed(RequestUpdate::Broken),
    }
}

impl RunningRequest {
    fn start(
        address: &str,
        body: Option<&Blob>,
        is_blob: bool,
        on_update: impl Fn(RequestUpdate) + Clone + 'static,
        on_end: impl Fn(XmlHttpRequest) + 'static,
    ) -> Result<Self, JsValue> {
        let request = XmlHttpRequest::new()?;
        request.open_with_async("POST", address, true)?;
        if is_blob {
            request.set_response_type(XmlHttpRequestResponseType::Blob);
        }
        let sending = on_update.clone();
        let on_sending = Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
            let percent = (event.loaded() * 100.0 / event.total().max(1.0)) as u64;
            sending(RequestUpdate::Sending { percent });
        });
        let (answering, answered) = (on_update.clone(), request.clone());
        let on_answer = Closure::<dyn FnMut()>::new(move || {
            if !is_blob && let Some(update) = newest_line(&answered.response_text().ok().flatten().unwrap_or_default())
            {
                answering(RequestUpdate::Answer(update));
            }
        });
        let ended = request.clone();
        let on_end = Closure::<dyn FnMut()>::new(move || on_end(ended.clone()));
        let on_error = Closure::<dyn FnMut()>::new(move || on_update(RequestUpdate::Broken));
        request.upload()?.set_onprogress(Some(on_sending.as_ref().unchecked_ref()));
        request.set_onprogress(Some(on_answer.as_ref().unchecked_ref()));
        request.set_onload(Some(on_end.as_ref().unchecked_ref()));
        request.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        request.send_with_opt_blob(body)?;
        Ok(Self { request, _on_sending: on_sending, _on_answer: on_answer, _on_end: on_end, _on_error: on_error })
    }
}

/// The newest whole line that is no outcome: that one is told at the end.
fn newest_line(text: &str) -> Option<ImportUpdate> {
    let whole = &text[..text.rfind('\n')?];
    let update = serde_json::from_str(whole.rsplit('\n').next()?).ok()?;
    matches!(update, ImportUpdate::Records(_)).then_some(update)
}

fn last_update(request: &XmlHttpRequest) -> RequestUpdate {
    let text = request.response_text().ok().flatten().unwrap_or_default();
    if request.status() != Ok(200) {
        return RequestUpdate::Failed(detail(&text));
    }
    let last = text.trim_end().rsplit('\n').next().unwrap_or_default();
    match serde_json::from_str(last) {
        Ok(ImportUpdate::Records(_)) | Err(_) => RequestUpdate::Broken,
        Ok(update) => RequestUpdate::Answer(update),
    }
}

/// What problem details say (RFC 9457).
fn detail(problem: &str) -> String {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    serde_json::from_str(problem).map_or_else(|_| UNREADABLE.to_owned(), |problem: Problem| problem.detail)
}

/// Finds the line before the plan, and keeps what follows it.
async fn read_plan(answer: Blob) -> RequestUpdate {
    let unreadable = || RequestUpdate::Failed(UNREADABLE.into());
    let Ok(head) = answer.slice_with_f64_and_f64(0.0, MAX_LINES_BYTES) else { return unreadable() };
    let text = JsFuture::from(head.text()).await.ok().and_then(|text| text.as_string()).unwrap_or_default();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        offset += line.len();
        match serde_json::from_str(line) {
            Ok(ImportUpdate::Records(_)) => {}
            Ok(update @ ImportUpdate::Plan(bytes)) => {
                #[expect(clippy::cast_precision_loss, reason = "files are much smaller than 2^53 bytes")]
                let (start, length) = (offset as f64, bytes as f64);
                if answer.size() < start + length {
                    return RequestUpdate::Broken;
                }
                PLAN.set(answer.slice_with_f64(start).ok());
                return RequestUpdate::Answer(update);
            }
            Ok(update) => return RequestUpdate::Answer(update),
            Err(_) => return unreadable(),
        }
    }
    unreadable()
}
