//! Checks a file in a Web Worker (`verifier`).

use std::cell::RefCell;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DragEvent, ErrorEvent, Event, File, HtmlInputElement, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::seal::Check;

const NO_THREAD: &str = "This browser cannot check it here. On the command line: waybill verify FILE.";

thread_local! {
    /// The running check; starting another one replaces and terminates it.
    static RUNNING: RefCell<Option<FileCheck>> = const { RefCell::new(None) };
}

struct FileCheck {
    worker: Worker,
    _told: Closure<dyn FnMut(MessageEvent)>,
    _failed: Closure<dyn FnMut(ErrorEvent)>,
}

impl Drop for FileCheck {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// Starts checking a file and terminates the running check. Calls `tell` with the progress and finally the result.
pub fn check(file: &File, tell: impl Fn(Check) + Clone + 'static) {
    let begun = FileCheck::start(file, tell.clone());
    if begun.is_err() {
        tell(Check::NotChecked(NO_THREAD.into()));
    }
    RUNNING.set(begun.ok());
}

impl FileCheck {
    fn start(file: &File, tell: impl Fn(Check) + Clone + 'static) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options("/check-file.js", &options)?;
        let failed = tell.clone();
        let told = Closure::new(move |event: MessageEvent| {
            let check = event.data().as_string().and_then(|text| serde_json::from_str(&text).ok());
            tell(check.unwrap_or_else(|| Check::NotChecked(NO_THREAD.into())));
        });
        let failed = Closure::new(move |_: ErrorEvent| failed(Check::NotChecked(NO_THREAD.into())));
        worker.set_onmessage(Some(told.as_ref().unchecked_ref()));
        worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
        worker.post_message(file)?;
        Ok(Self { worker, _told: told, _failed: failed })
    }
}

/// Returns the file chosen in a file input.
pub fn picked_file(event: &Event) -> Option<File> {
    let field: HtmlInputElement = event.target()?.dyn_into().ok()?;
    field.files()?.get(0)
}

/// Returns the dropped file.
pub fn dropped_file(event: &DragEvent) -> Option<File> {
    event.data_transfer()?.files()?.get(0)
}
