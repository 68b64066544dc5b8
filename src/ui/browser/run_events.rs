//! The event stream of a run (server-sent events).

use std::cell::RefCell;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

use crate::model::export::{ExportId, RunView};

thread_local! {
    /// The event stream of the followed run. Not kept in a signal: browser objects belong to the
    /// browser's only thread and must never be created, moved or dropped on a server thread.
    static OPEN: RefCell<Option<RunEvents>> = const { RefCell::new(None) };
}

/// Calls `show` with each state of a run up to the final one; closes the previous event stream.
pub fn follow(id: ExportId, show: impl Fn(RunView) + 'static) {
    OPEN.set(RunEvents::open(id, show));
}

/// An open event stream, closed on drop. The browser reconnects automatically after a lost connection.
struct RunEvents {
    source: EventSource,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl RunEvents {
    fn open(id: ExportId, show: impl Fn(RunView) + 'static) -> Option<Self> {
        let source = EventSource::new(&format!("/api/v1/exports/{id}/events")).ok()?;
        let closing = source.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let Some(data) = event.data().as_string() else { return };
            let Ok(view) = serde_json::from_str::<RunView>(&data) else { return };
            if view.state.is_over() {
                closing.close();
            }
            show(view);
        });
        source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Self { source, _on_message: on_message })
    }
}

impl Drop for RunEvents {
    fn drop(&mut self) {
        self.source.close();
    }
}
