//! A person's own data: what there is, one button, and what was exported before. Rendered on the server only: it works the
//! same without JavaScript.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::own_exports::OwnExports;
use super::strings;
use crate::model::own_data::OwnData;
use crate::model::{route, text};
use crate::rpc::own_data::{RequestOwnData, open_own_data};
use crate::ui::components::{Icon, Layout, Loaded};

#[component]
pub fn OwnDataPage(problem: String) -> impl IntoView {
    let data = Resource::new(|| (), |()| open_own_data());
    let problem = StoredValue::new(problem);
    view! {
        <Layout title=strings::TITLE crumbs=vec![(strings::TOOLS, route::ADMIN)] actions=actions>
            <Loaded data show=move |data| view! { <Content data problem=problem.get_value() /> }.into_any() />
        </Layout>
    }
}

fn actions() -> impl IntoView {
    view! {
        <a class="button" href=route::OWN_DATA_IMPORT><Icon name="database" />{strings::IMPORT}</a>
        <a class="button" href=route::OWN_DATA_VERIFY><Icon name="shield-check" />{strings::VERIFY}</a>
    }
}

#[component]
fn Content(data: OwnData, problem: String) -> impl IntoView {
    let OwnData { counts, records, left_out, file_name, settled, run, history, failure } = data;
    if let Some(reason) = failure {
        let reason = text::to_sentence(&reason);
        return view! { <section class="card message"><h2>{strings::UNREADABLE}</h2><p>{reason}</p></section> }
            .into_any();
    }
    let unfinished = run.map(|id| {
        let progress = route::with_id(route::OWN_DATA_RUN, id);
        view! { <p class="card panel"><a class="button" href=progress>{strings::EXPORT_RUNNING}</a></p> }
    });
    view! {
        {unfinished}
        {form_error(&problem, run.is_some())}
        <ExportCard file_name />
        <Contents counts records settled />
        {details(strings::LEFT_OUT, left_out)}
        <h2>{strings::EARLIER}</h2>
        <OwnExports exports=history />
    }
    .into_any()
}

/// Why the form was refused. That an export runs is not told once it has ended.
fn form_error(problem: &str, is_running: bool) -> Option<AnyView> {
    let text = match problem {
        "busy" if is_running => strings::PROBLEM_BUSY,
        "" | "busy" => return None,
        _ => strings::PROBLEM_FAILED,
    };
    Some(view! { <p class="form-error" role="alert">{text}</p> }.into_any())
}

#[component]
fn ExportCard(file_name: String) -> impl IntoView {
    view! {
        <section class="card panel" aria-label=strings::EXPORT_TITLE>
            <h2>{strings::EXPORT_TITLE}</h2>
            <p>{strings::INTRODUCTION}</p>
            <p class="data-warning"><Icon name="triangle-alert" /><span>{strings::EXPORT_NOTICE}</span></p>
            <form class="action-row" method="post" action=RequestOwnData::PATH>
                <button class="button primary"><Icon name="download" />{strings::EXPORT}</button>
                <span class="muted">"→ "<code class="file">{file_name}</code></span>
            </form>
        </section>
    }
}

#[component]
fn Contents(counts: Vec<(String, Option<u64>)>, records: Option<u64>, settled: bool) -> impl IntoView {
    let number = |number: Option<u64>| number.map_or_else(|| strings::COUNTING.to_owned(), text::count);
    let rows = counts.into_iter().map(|(what, count)| {
        view! { <tr><th scope="row">{what}</th><td class="number">{number(count)}</td></tr> }
    });
    let again = (!settled).then(|| {
        view! { <p class="muted">{strings::STILL_COUNTING}<a href=route::OWN_DATA>{strings::COUNT_AGAIN}</a></p> }
    });
    view! {
        {again}
        <details class="card panel" open=!settled>
            <summary>{strings::CONTENTS}" ("<span data-testid="records">{number(records)}</span>" "{strings::RECORDS}")"</summary>
            <table>
                <caption class="visually-hidden">{strings::CONTENTS}</caption>
                <thead>
                    <tr>
                        <th scope="col">{strings::CONTENTS_WHAT}</th>
                        <th scope="col" class="number">{strings::CONTENTS_RECORDS}</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </details>
    }
}

/// Lines that are shown on demand; nothing if there are none.
fn details(title: &'static str, lines: Vec<String>) -> Option<AnyView> {
    (!lines.is_empty()).then(|| {
        let title = format!("{title} ({})", lines.len());
        let lines = lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
        view! { <details class="card panel"><summary>{title}</summary><ul>{lines}</ul></details> }.into_any()
    })
}
