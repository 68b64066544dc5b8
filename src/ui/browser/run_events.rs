//! The event stream of a run (server-sent events).

use std::cell::RefCell;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

use crate::model::export::{ExportId, RunView};
use crate::model::route;

thread_local! {
    /// The event stream of the followed run. Not kept in a signal: browser objects belong to the
    /// browser's only thread and must never be created, moved or dropped on a server thread.
    static OPEN_STREAM: RefCell<Option<RunEventStream>> = const { RefCell::new(None) };
}

/// Calls `on_update` with each state of a run up to the final one, and `on_refused` if the server no longer tells this
/// browser; closes the previous event stream.
pub fn follow_run(id: ExportId, on_update: impl Fn(RunView) + 'static, on_refused: impl Fn() + 'static) {
    OPEN_STREAM.set(RunEventStream::open(id, on_update, on_refused));
}

/// An open event stream, closed on drop. The browser reconnects automatically after a lost connection, but not after a
/// refusal.
struct RunEventStream {
    source: EventSource,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut()>,
}

impl RunEventStream {
    fn open(id: ExportId, on_update: impl Fn(RunView) + 'static, on_refused: impl Fn() + 'static) -> Option<Self> {
        let source = EventSource::new(&route::with_id(route::EXPORT_EVENTS, id)).ok()?;
        let event_source = source.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let Some(data) = event.data().as_string() else { return };
            let Ok(view) = serde_json::from_str::<RunView>(&data) else { return };
            if view.state.is_finished() {
                event_source.close();
            }
            on_update(view);
        });
        source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let event_source = source.clone();
        let on_error = Closure::<dyn FnMut()>::new(move || {
            if event_source.ready_state() == EventSource::CLOSED {
                on_refused();
            }
        });
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self { source, _on_message: on_message, _on_error: on_error })
    }
}

impl Drop for RunEventStream {
    fn drop(&mut self) {
        self.source.close();
    }
}
