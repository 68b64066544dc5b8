//! A field to choose one of several options.

use leptos::prelude::*;

pub struct SelectOption {
    /// What the form sends.
    pub value: String,
    pub label: String,
    pub is_selected: bool,
}

/// `on_change` is called with the value that the user has chosen.
#[component]
pub fn SelectField(
    label: &'static str,
    name: &'static str,
    options: Vec<SelectOption>,
    #[prop(optional)] on_change: Option<Callback<String>>,
) -> impl IntoView {
    let options = options.into_iter().map(|SelectOption { value, label, is_selected }| {
        view! { <option value=value selected=is_selected>{label}</option> }
    });
    let report = move |event| {
        if let Some(on_change) = on_change {
            on_change.run(event_target_value(&event));
        }
    };
    view! { <label>{label}<select name=name on:change=report>{options.collect_view()}</select></label> }
}
