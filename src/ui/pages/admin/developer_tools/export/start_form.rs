//! The form that starts an export, with warning, file name and equivalent command.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::preview_header::PartField;
use super::preview_tracker::PreviewTracker;
use super::run_tracker::RunTracker;
use crate::model::output::Compression;
use crate::model::preview::Preview;
use crate::model::text;
use crate::rpc::export::RequestExport;
use crate::ui::components::{CopyButton, Icon, SelectField, SelectOption, text_signal};

/// `is_repeat` changes the label for the form below a result. While another part is chosen than the one that is shown, nothing
/// can be started: it would be the part that was chosen before.
#[component]
pub fn StartForm(previews: PreviewTracker, tracker: RunTracker, is_repeat: bool) -> impl IntoView {
    let preview = previews.preview;
    let compression = RwSignal::new(Compression::None);
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if previews.is_pending.get_untracked() {
            return;
        }
        tracker.start(&preview.read_untracked(), compression.get_untracked());
    };
    let records = text_signal(move || {
        let preview = preview.read();
        match (preview.total_records(), preview.records_text()) {
            (Some(records), _) => text::count_with_noun(records, "record"),
            (None, Some(about)) => format!("{about} records"),
            (None, None) => "all records".to_owned(),
        }
    });
    let label = text_signal(move || match (&preview.read().part, preview.read().records_text()) {
        (Some(_), Some(_)) => format!("Export {}", records.get()),
        (Some(_), None) => "Export this part".to_owned(),
        (None, _) if is_repeat => "Export again".to_owned(),
        (None, _) => "Export Full Database".to_owned(),
    });
    let file_name = text_signal(move || format!("{}{}", preview.read().file_name, compression.get().suffix()));
    view! {
        <section class="card panel" aria-label="Export">
            <DataWarning preview />
            <RequestError tracker />
            <form class="action-row" method="post" action=RequestExport::PATH on:submit=submit>
                <PartField preview />
                <button class="button primary" disabled=previews.is_pending>{label}</button>
                <span class="muted">{records}" → "<code class="file">{file_name}</code></span>
                <CompressionField compression />
            </form>
            <EquivalentCommand preview compression />
        </section>
    }
}

#[component]
fn CompressionField(compression: RwSignal<Compression>) -> impl IntoView {
    let options = Compression::ALL.map(|method| SelectOption {
        value: method.as_str().into(),
        label: method.as_str().into(),
        is_selected: false,
    });
    let on_change = Callback::new(move |value: String| {
        if let Some(method) = Compression::parse(&value) {
            compression.set(method);
        }
    });
    view! { <SelectField label="Compression " name="compression" options=options.into() on_change /> }
}

#[component]
fn EquivalentCommand(preview: RwSignal<Preview>, compression: RwSignal<Compression>) -> impl IntoView {
    let command = text_signal(move || match compression.get() {
        Compression::None => preview.read().command.clone(),
        method => format!("{} --compress {}", preview.read().command, method.as_str()),
    });
    view! {
        <p class="command">
            <span>"The same on the command line"</span>
            <code tabindex="0">{command}</code>
            <CopyButton text=command object="the command" />
        </p>
    }
}

#[component]
fn DataWarning(preview: RwSignal<Preview>) -> impl IntoView {
    let text = text_signal(move || {
        let preview = preview.read();
        match (&preview.contains, preview.total_records()) {
            (_, Some(0)) => "The database is empty. An export of it is still a valid, sealed file.".to_owned(),
            (Some(contents), _) => format!("Contains {contents}. This download is recorded under your name."),
            (None, _) => "Contains personal data. This download is recorded under your name.".to_owned(),
        }
    });
    view! { <p class="data-warning"><Icon name="triangle-alert" /><span>{text}</span></p> }
}

/// Why the last request failed.
#[component]
fn RequestError(tracker: RunTracker) -> impl IntoView {
    move || tracker.error.get().map(|text| view! { <p class="form-error" role="alert">{text}</p> })
}
