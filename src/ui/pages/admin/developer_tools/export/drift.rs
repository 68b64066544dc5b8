//! Drift between database and profile. Rendered on the server only.

use leptos::prelude::*;

use crate::model::drift::{Drift, MissingField, TypeChange, Unclassified};
use crate::ui::components::Icon;

/// Lists the drift; renders nothing if there is none.
#[component]
pub fn DriftPanel(drift: Drift) -> impl IntoView {
    let Drift { unclassified, missing, type_changed } = Some(drift).filter(|drift| !drift.is_empty())?;
    let items = unclassified.into_iter().map(unclassified_item);
    let items = items.chain(missing.into_iter().map(missing_item));
    let items = items.chain(type_changed.iter().map(type_changed_item));
    Some(view! {
        <section class="card drift" aria-labelledby="drift">
            <h2 id="drift"><Icon name="triangle-alert" />"Database and profile differ"</h2>
            <ul>{items.collect_view()}</ul>
        </section>
    })
}

fn unclassified_item(new: Unclassified) -> AnyView {
    let under = new.under.map(|under| view! { " under "<code>{under}</code> });
    let rest = view! { "is not exported. To classify it, add"{under}<code class="profile-line">{new.line}</code> };
    item("unclassified", new.field.to_string(), rest.into_any())
}

fn missing_item(gone: MissingField) -> AnyView {
    let rest = gone
        .nearest
        .map_or("is not in the database.".into(), |near| format!("is not in the database. Did you mean {near}?"));
    item("missing", gone.field.to_string(), rest.into_any())
}

fn type_changed_item(changed: &TypeChange) -> AnyView {
    let rest = format!("was {} and is now {}.", changed.was, changed.is);
    item("type changed", changed.field.to_string(), rest.into_any())
}

fn item(kind: &'static str, field: String, rest: AnyView) -> AnyView {
    view! { <li><span class="tag">{kind}</span>" "<code>{field}</code>" "{rest}</li> }.into_any()
}
