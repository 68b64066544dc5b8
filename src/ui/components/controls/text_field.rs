//! A field for one line of text, such as a name or a code.

use leptos::prelude::*;

/// Required unless told otherwise. A property that is not given is left to the browser.
#[component]
pub fn TextField(
    label: &'static str,
    name: &'static str,
    #[prop(optional)] value: Option<String>,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] autocapitalize: Option<&'static str>,
    #[prop(optional)] inputmode: Option<&'static str>,
    #[prop(optional)] placeholder: Option<&'static str>,
    /// In characters.
    #[prop(optional)]
    maxlength: Option<u32>,
    #[prop(default = true)] required: bool,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    view! {
        <label>
            {label}
            <input type="text" name=name value=value autocomplete=autocomplete autocapitalize=autocapitalize inputmode=inputmode
                placeholder=placeholder maxlength=maxlength required=required autofocus=autofocus />
        </label>
    }
}
