//! The URL of the current page.

use wasm_bindgen::JsCast;

/// Returns the path and the decoded query parameters of the page's URL.
pub fn current_url() -> Option<(String, Vec<(String, String)>)> {
    let location = web_sys::window()?.location();
    let parameters = web_sys::UrlSearchParams::new_with_str(&location.search().ok()?).ok()?;
    let pairs = js_sys::Array::from(&parameters);
    let text = |pair: &js_sys::Array, i| pair.get(i).as_string();
    let query = pairs.iter().filter_map(|pair| {
        let pair: js_sys::Array = pair.dyn_into().ok()?;
        Some((text(&pair, 0)?, text(&pair, 1)?))
    });
    Some((location.pathname().ok()?, query.collect()))
}

/// Takes the query from the page's address if it is this one; tells whether it was there. A page that is loaded again does
/// not find it any more.
pub fn take_query(query: &str) -> bool {
    let take = || {
        let window = web_sys::window()?;
        let location = window.location();
        if location.search().ok()? != query {
            return None;
        }
        let address = location.pathname().ok()?;
        window.history().ok()?.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address)).ok()
    };
    take().is_some()
}
