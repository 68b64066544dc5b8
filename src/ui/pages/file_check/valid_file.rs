//! The result for a file that matches its seal: who made it, and what it contains.

use leptos::prelude::*;

use super::checker::SignatureStatus;
use crate::model::history::KnownExport;
use crate::model::manifest::MetadataSummary;
use crate::model::name::TableName;
use crate::model::ordered_map::OrderedMap;
use crate::model::text;
use crate::seal::Verified;
use crate::ui::components::Icon;

const OWN_KEY: &str = "Signed by this console.";
/// One installation may serve several databases with different admins, so the export may be in another history.
const OWN_KEY_OF_UNKNOWN_EXPORT: &str = "It is signed with this installation's key, but is not in the history that you \
    can see: it may be from another database.";
const UNKNOWN_KEY: &str = "The file matches its seal. It is signed with a key that this installation has never used: \
    check it with its maker's public key (waybill verify --key).";
const NOT_SIGNED: &str = "The file matches its seal. It is not signed, so nothing proves who made it, or that it was not \
    changed and sealed again.";
const KEYS_UNAVAILABLE: &str = "The file matches its seal. The console's own keys could not be looked up: \
    sign in and choose the file again.";
const NOT_CHECKED: &str = "The file matches its seal. This browser cannot check the signature: \
    use waybill verify on the command line.";

#[component]
pub fn ValidFile(
    name: String,
    verified: Verified,
    signature: SignatureStatus,
    export: Option<KnownExport>,
    has_counts: bool,
) -> impl IntoView {
    let is_own = signature == SignatureStatus::OwnKey;
    let (class, icon) = if is_own { ("card panel is-success", "shield-check") } else { ("card panel", "file-search") };
    let heading = if is_own { "Complete and unaltered" } else { "Complete" };
    let summary = summary(&verified);
    let signature_text = signature_text(signature, export.is_some());
    let Verified { metadata, sha256, .. } = verified;
    view! {
        <section class=class aria-label="File">
            <h2><Icon name=icon />{heading}</h2>
            <p><strong>{name}</strong>": "{summary}</p>
            <p>{signature_text}{export.map(known_export_text)}</p>
            <p>{origin(&metadata)}</p>
            {part(&metadata)}
            {missing_media(&metadata)}
            <p class="muted">"Columns left out: "{left_out(&metadata)}</p>
            <p class="command"><span>"Seal"</span><code tabindex="0" data-testid="sha256">{sha256}</code></p>
        </section>
        {has_counts.then(|| view! { <RecordCounts counts=metadata.record_counts.clone() /> })}
    }
}

fn summary(verified: &Verified) -> String {
    let records = text::count_with_noun(verified.records, "record");
    let tables = text::count_with_noun(verified.tables, "table");
    format!("{records} in {tables}, {}.", text::bytes(verified.bytes))
}

fn signature_text(signature: SignatureStatus, is_known: bool) -> &'static str {
    match signature {
        SignatureStatus::OwnKey if is_known => OWN_KEY,
        SignatureStatus::OwnKey => OWN_KEY_OF_UNKNOWN_EXPORT,
        SignatureStatus::UnknownKey => UNKNOWN_KEY,
        SignatureStatus::Missing => NOT_SIGNED,
        SignatureStatus::KeysUnavailable => KEYS_UNAVAILABLE,
        SignatureStatus::NotChecked => NOT_CHECKED,
    }
}

fn known_export_text(export: KnownExport) -> String {
    let KnownExport { requested_by, requested_at } = export;
    format!(" It is the export that {requested_by} requested on {} UTC.", text::to_minute(&requested_at))
}

fn origin(metadata: &MetadataSummary) -> String {
    let (at, source) = (text::to_minute(&metadata.exported_at), &metadata.source);
    format!("Exported {at} UTC from {} ({} {}).", source.name, source.engine, source.engine_version)
}

/// What a part of a database was chosen by; nothing of a whole one.
fn part(metadata: &MetadataSummary) -> Option<AnyView> {
    let chosen = metadata.filters_applied.iter().map(|(name, values)| format!("{name}: {}", values.join(", ")));
    let chosen = chosen.collect::<Vec<_>>().join("; ");
    let text = format!("It is a part of the database, chosen by {chosen}.");
    (!metadata.filters_applied.is_empty()).then(|| view! { <p>{text}</p> }.into_any())
}

/// What an archive should have and has not.
fn missing_media(metadata: &MetadataSummary) -> Option<AnyView> {
    metadata.missing_media.map(|missing| {
        let files = text::count_with_noun(missing, "file");
        let text = format!("{files} could not be exported: manifest.yaml in the archive says which, and why.");
        view! { <p class="data-warning"><Icon name="triangle-alert" /><span>{text}</span></p> }.into_any()
    })
}

fn left_out(metadata: &MetadataSummary) -> String {
    match metadata.redaction.removed_fields.join(", ") {
        none if none.is_empty() => "none".to_owned(),
        fields => fields,
    }
}

#[component]
fn RecordCounts(counts: OrderedMap<TableName, u64>) -> impl IntoView {
    let rows = counts.0.into_iter().map(|(table, records)| {
        view! { <tr><th scope="row">{String::from(table)}</th><td class="number">{text::count(records)}</td></tr> }
    });
    view! {
        <section class="card">
            <table class="tables">
                <caption class="visually-hidden">"Tables in the file"</caption>
                <thead><tr><th scope="col">"Table"</th><th scope="col" class="number">"Records"</th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </section>
    }
}
