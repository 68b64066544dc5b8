//! A run's progress channel (server-sent events).

use std::cell::RefCell;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

use crate::model::export::{ExportId, RunView};

thread_local! {
    /// The channel of the run in hand. Kept here and not in a signal, because what belongs to the
    /// browser's only thread must never be made, moved or dropped on one of the server's.
    static OPEN: RefCell<Option<RunEvents>> = const { RefCell::new(None) };
}

/// Tells `show` about each state of a run, until the last one; ends the channel that was open before.
pub fn follow(id: ExportId, show: impl Fn(RunView) + 'static) {
    OPEN.set(RunEvents::open(id, show));
}

/// An open channel; dropped, it closes. The browser opens it again by itself after a lost connection.
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
