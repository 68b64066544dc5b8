//! The HTML document around every page.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use super::page_view::{ImportPageView, LivePageView, OwnImportPageView, StaticPageView};
use super::routes::Page;
use crate::model::route;

/// Renders the document. `theme` comes from a cookie, so that the first paint has the right colours.
/// Only live pages load scripts.
pub fn shell(page: Page) -> impl IntoView {
    let live = |script, program, entry, body| {
        let script = hydrate_script(script, program, entry);
        (Some(view! { <script type="module" nonce=use_nonce() inner_html=script></script> }), body)
    };
    let (scripts, body) = match page {
        Page::Live(page) => {
            live(route::PAGE_SCRIPT, route::PAGE_PROGRAM, "hydrate", view! { <LivePageView page /> }.into_any())
        }
        Page::Import => {
            live(route::IMPORT_SCRIPT, route::IMPORT_PROGRAM, "hydrate_import", view! { <ImportPageView /> }.into_any())
        }
        Page::OwnImport => {
            let page = view! { <OwnImportPageView /> }.into_any();
            live(route::OWN_IMPORT_SCRIPT, route::OWN_IMPORT_PROGRAM, "hydrate_import", page)
        }
        Page::Static(page) => (None, view! { <StaticPageView page /> }.into_any()),
    };
    let theme = use_context::<Theme>().map_or("system", |theme| theme.0);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content="Exports an application's database and proves that the export is complete." />
                <link rel="stylesheet" href=route::PAGE_STYLES />
                <link rel="icon" href=route::FAVICON type="image/svg+xml" />
                {scripts}
                <MetaTags />
            </head>
            <body>{body}</body>
        </html>
    }
}

/// Hydrates a live page after its first paint, so that loading WebAssembly does not delay the rendered numbers.
/// A hidden tab is never painted, so it hydrates at once. Whoever leaves the page meanwhile ends the load, which is no error.
fn hydrate_script(script: &str, program: &str, entry: &str) -> String {
    format!(
        "let isLeft = false;
addEventListener('beforeunload', () => isLeft = true);
const wake = async () => {{
    try {{
        const page = await import('{script}');
        await page.default({{ module_or_path: '{program}' }});
        page.{entry}();
    }} catch (error) {{
        if (!isLeft) throw error;
    }}
}};
document.hidden ? wake() : requestAnimationFrame(() => setTimeout(wake));"
    )
}

/// The chosen colour theme: `light`, `dark` or `system`.
#[derive(Clone, Copy, Debug)]
pub struct Theme(pub &'static str);
