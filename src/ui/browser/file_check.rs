//! Checks a file in a Web Worker (`verifier`).

use std::cell::RefCell;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DragEvent, ErrorEvent, Event, File, HtmlInputElement, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::model::route;
use crate::seal::CheckUpdate;

const WORKER_UNAVAILABLE: &str = "This browser cannot check the file. On the command line: waybill verify FILE.";

thread_local! {
    /// The running check; starting another one replaces and terminates it.
    static RUNNING_CHECK: RefCell<Option<FileCheck>> = const { RefCell::new(None) };
}

struct FileCheck {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Drop for FileCheck {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// Starts checking a file and terminates the running check. Calls `report` with the progress and finally the result.
pub fn check_file(file: &File, report: impl Fn(CheckUpdate) + Clone + 'static) {
    let started = FileCheck::start(file, report.clone());
    if started.is_err() {
        report(CheckUpdate::NotChecked(WORKER_UNAVAILABLE.into()));
    }
    RUNNING_CHECK.set(started.ok());
}

impl FileCheck {
    fn start(file: &File, report: impl Fn(CheckUpdate) + Clone + 'static) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(route::FILE_CHECKER, &options)?;
        let report_error = report.clone();
        let on_message = Closure::new(move |event: MessageEvent| {
            let check = event.data().as_string().and_then(|text| serde_json::from_str(&text).ok());
            report(check.unwrap_or_else(|| CheckUpdate::NotChecked(WORKER_UNAVAILABLE.into())));
        });
        let on_error =
            Closure::new(move |_: ErrorEvent| report_error(CheckUpdate::NotChecked(WORKER_UNAVAILABLE.into())));
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        worker.post_message(file)?;
        Ok(Self { worker, _on_message: on_message, _on_error: on_error })
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
