//! Reads the plan of an import in slices: its head at once, its records only when they are looked for.

use std::mem;

use js_sys::{Array, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlAnchorElement, Url};

use super::import_request::kept_plan;
use crate::model::import_plan::{ImportPlanHead, PlannedChange};
use crate::model::name::TableName;
use crate::model::plan_csv;
use crate::seal::{Event, EventReader, MAX_METADATA_BYTES, layout};

const SLICE_BYTES: f64 = 1_048_576.0;
/// So much of a file is made at a time.
const MAX_LINES_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlanMetadata {
    import_plan: ImportPlanHead,
}

/// Records of a plan that were looked for.
#[derive(Debug, Default)]
pub struct FoundChanges {
    /// The first ones.
    pub changes: Vec<PlannedChange>,
    pub total: u64,
}

/// The head of the kept plan.
pub async fn plan_head() -> Option<ImportPlanHead> {
    let plan = kept_plan()?;
    let mut found = None;
    read(&plan, |event| {
        if let Event::Metadata(text) = event {
            found = serde_json::from_slice(text).ok();
        }
        found.is_none()
    })
    .await?;
    found.map(|metadata: PlanMetadata| metadata.import_plan)
}

/// Finds the changes to a table whose key has this text somewhere; all of them if it is empty.
pub async fn find_changes(table: &TableName, key: &str, first: usize) -> Option<FoundChanges> {
    let plan = kept_plan()?;
    let (mut found, mut has_begun) = (FoundChanges::default(), false);
    read_changes(&plan, |name, record| {
        if name != table {
            return !has_begun;
        }
        has_begun = true;
        add_change(&mut found, record, key, first);
        true
    })
    .await?;
    Some(found)
}

fn add_change(found: &mut FoundChanges, record: &[u8], key: &str, first: usize) {
    // Most records need not be parsed.
    if !key.is_empty() && memchr::memmem::find(record, key.as_bytes()).is_none() {
        return;
    }
    if key.is_empty() && found.changes.len() >= first {
        found.total += 1;
        return;
    }
    let Ok(change) = serde_json::from_slice::<PlannedChange>(layout::record_text(record)) else { return };
    if change.key_text().contains(key) {
        found.total += 1;
        if found.changes.len() < first {
            found.changes.push(change);
        }
    }
}

/// Calls `visit` with each change, as its line of the file, until it returns false. `None` if the plan cannot be read.
async fn read_changes(plan: &Blob, mut visit: impl FnMut(&TableName, &[u8]) -> bool) -> Option<()> {
    let (mut open, mut record) = (None, Vec::new());
    read(plan, |event| {
        match event {
            Event::TableOpened { name } => open = Some(name.clone()),
            Event::Record { bytes, ends_line } => {
                record.extend_from_slice(bytes);
                if *ends_line {
                    let goes_on = open.as_ref().is_none_or(|table| visit(table, &record));
                    record.clear();
                    return goes_on;
                }
            }
            _ => {}
        }
        true
    })
    .await
}

/// Calls `visit` with each event until it returns false. `None` if the plan cannot be read.
async fn read(plan: &Blob, mut visit: impl FnMut(&Event<'_>) -> bool) -> Option<()> {
    let mut reader = EventReader::new(MAX_METADATA_BYTES);
    let (mut start, size) = (0.0, plan.size());
    while start < size {
        let end = (start + SLICE_BYTES).min(size);
        let slice = plan.slice_with_f64_and_f64(start, end).ok()?;
        let buffer = JsFuture::from(slice.array_buffer()).await.ok()?;
        let bytes = Uint8Array::new(&buffer).to_vec();
        let mut rest = &bytes[..];
        while let Some(event) = reader.next(&mut rest).ok()? {
            if !visit(&event) {
                return Some(());
            }
        }
        start = end;
    }
    Some(())
}

/// Saves the kept plan as a file.
pub fn save_plan(name: &str) {
    if let Some(plan) = kept_plan() {
        save(&plan, name);
    }
}

/// Saves the changes of the kept plan as CSV.
pub async fn save_changes(name: &str) {
    if let Some(plan) = kept_plan()
        && let Some(file) = changes_as_csv(&plan).await
    {
        save(&file, name);
    }
}

/// `None` if the plan cannot be read: a part of its changes would look like all of them.
async fn changes_as_csv(plan: &Blob) -> Option<Blob> {
    let (parts, mut lines, mut is_whole) = (Array::new(), plan_csv::header(), true);
    let keep = |lines: &mut String| {
        // A blob is in the browser's memory, or on its disk, and not in the module's.
        parts.push(&Blob::new_with_str_sequence(&Array::of1(&mem::take(lines).into())).ok()?.into());
        Some(())
    };
    read_changes(plan, |table, record| {
        let change = serde_json::from_slice::<PlannedChange>(layout::record_text(record)).ok();
        is_whole = change.is_some_and(|change| {
            lines += &plan_csv::lines(table, &change);
            lines.len() < MAX_LINES_BYTES || keep(&mut lines).is_some()
        });
        is_whole
    })
    .await?;
    keep(&mut lines).filter(|()| is_whole)?;
    Blob::new_with_blob_sequence(&parts).ok()
}

fn save(file: &Blob, name: &str) {
    let save = || {
        let url = Url::create_object_url_with_blob(file).ok()?;
        let link: HtmlAnchorElement = leptos::prelude::document().create_element("a").ok()?.dyn_into().ok()?;
        link.set_href(&url);
        link.set_download(name);
        link.click();
        Url::revoke_object_url(&url).ok()
    };
    let _ = save();
}
