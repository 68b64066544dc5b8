//! The form that chooses a part of the database: what it says, and showing what the server has rendered for it.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, Event, FormData, HtmlFormElement, HtmlInputElement, UrlSearchParams};

use crate::model::route;

/// What the form would send, as a query.
pub fn form_query(id: &str) -> Option<String> {
    let form: HtmlFormElement = document().get_element_by_id(id)?.dyn_into().ok()?;
    let data = FormData::new_with_form(&form).ok()?;
    let query = UrlSearchParams::new_with_record_from_str_to_str(&data).ok()?;
    Some(query.to_string().into())
}

/// The name of the field that an event is about.
pub fn field_name(event: &Event) -> String {
    let field: Option<HtmlInputElement> = event.target().and_then(|target| target.dyn_into().ok());
    field.map(|field| field.name()).unwrap_or_default()
}

/// The part that a clicked link leads to; nothing for a click that should open another window.
pub fn linked_part(event: &web_sys::MouseEvent) -> Option<String> {
    if event.ctrl_key() || event.meta_key() || event.shift_key() {
        return None;
    }
    let clicked: Element = event.target()?.dyn_into().ok()?;
    clicked.closest("a[data-part]").ok()??.get_attribute("data-part")
}

/// Replaces the content of each element of the class `region` by that of the one of the same id in `html`. Where the focus is, nothing changes: what is
/// focused shows already what was chosen.
pub fn replace_regions(html: &str) {
    let page = document();
    let Ok(fresh) = page.create_element("div") else { return };
    fresh.set_inner_html(html);
    let regions = fresh.get_elements_by_class_name("region");
    let focused = page.active_element();
    for i in 0..regions.length() {
        let Some(region) = regions.item(i) else { continue };
        let Some(shown) = page.get_element_by_id(&region.id()) else { continue };
        if !focused.as_ref().is_some_and(|focused| shown.contains(Some(focused))) {
            let was_open = shown.query_selector("details[open]").is_ok_and(|open| open.is_some());
            shown.set_inner_html(&region.inner_html());
            if let (true, Ok(Some(details))) = (was_open, shown.query_selector("details")) {
                let _ = details.set_attribute("open", "");
            }
        }
    }
}

/// Moves the focus to an element.
pub fn focus(id: &str) {
    let element = document().get_element_by_id(id).and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(element) = element {
        let _ = element.focus();
    }
}

/// Puts the part into the page's address, as a new entry of the history.
pub fn show_address(part: &str) {
    let Some(window) = web_sys::window() else { return };
    let address = if part.is_empty() { route::EXPORT.to_owned() } else { format!("?{part}") };
    if let Ok(history) = window.history() {
        let _ = history.push_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address));
    }
}

/// Loads the page anew when the browser goes back or forward to another address of it.
pub fn reload_on_navigation() {
    let Some(window) = web_sys::window() else { return };
    let reload = Closure::<dyn FnMut()>::new(|| {
        if let Some(window) = web_sys::window() {
            let _ = window.location().reload();
        }
    });
    window.set_onpopstate(Some(reload.as_ref().unchecked_ref()));
    // For as long as the page is shown.
    reload.forget();
}
