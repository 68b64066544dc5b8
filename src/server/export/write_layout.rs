//! Writes one snapshot into a folder of nested documents, and seals it. Blocks.

use std::path::Path;

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::plan::ExportPlan;
use super::write::{container_error, output_error_for};
use super::{Error, Result};
use crate::model::name::TableName;
use crate::seal::{DocumentSummary, SealSigner};
use crate::server::layout::{self, LayoutWriter, Reading};
use crate::server::pipeline::container::FolderWriter;
use crate::server::profile::Layout;
use crate::server::source::Snapshot;

/// The manifest's file.
const MANIFEST_FILE: &str = "manifest.json";

/// Writes the documents of a layout, the product's own manifest and the seal into the folder.
///
/// # Errors
/// `Stopped` after a cancellation; `Source` if the database cannot be read; `Output` if the folder cannot be written;
/// `Inconsistent` if the documents would not hold every record of the part once.
pub fn write_layout(
    snapshot: &mut dyn Snapshot,
    plan: &ExportPlan,
    layout: &Layout,
    folder: &Path,
    signer: &dyn SealSigner,
    cancellation: &CancellationToken,
) -> Result<DocumentSummary> {
    let written = |error: &std::io::Error| output_error_for(folder, error);
    let mut files = FolderWriter::new(folder.to_owned());
    let reading = Reading { snapshot, pseudonym_key: &plan.pseudonym_key, cancellation };
    let mut writer = LayoutWriter::open(layout, &plan.tables, reading).map_err(layout_error)?;
    let mut names = Vec::new();
    for (place, name) in writer.names().enumerate() {
        let name = format!("{name}.json");
        let mut file = files.create(&name).map_err(|error| written(&error))?;
        let records = writer.write_document(place, &mut file).map_err(layout_error)?;
        files.close(file, records).map_err(|error| written(&error))?;
        names.push(name);
    }
    writer.finish(|table| records_without_stubs(plan, table)).map_err(layout_error)?;
    let mut manifest = files.create(MANIFEST_FILE).map_err(|error| written(&error))?;
    let text = serde_json::to_vec_pretty(&manifest_json(plan, layout)).map_err(|error| written(&error.into()))?;
    std::io::Write::write_all(&mut manifest, &text).map_err(|error| written(&error))?;
    files.close(manifest, 1).map_err(|error| written(&error))?;
    files.finish(&plan.metadata, &plan.metadata.source.profile, signer).map_err(container_error)
}

/// The product's own manifest.
fn manifest_json(plan: &ExportPlan, layout: &Layout) -> Value {
    let counts: Map<String, Value> = layout
        .manifest
        .counts
        .iter()
        .map(|(name, table)| (name.clone(), records_without_stubs(plan, table).into()))
        .collect();
    let scope = plan.metadata.filters_applied.get("organization").and_then(|ids| ids.first());
    let tables: Vec<&str> = plan.metadata.record_counts.iter().map(|(table, _)| table.as_str()).collect();
    let mut manifest = json!({
        "exportDate": plan.metadata.exported_at,
        "format": layout.manifest.format,
        "version": layout.manifest.version,
    });
    manifest[&layout.manifest.scope] = json!(scope);
    manifest["tables"] = json!(tables);
    manifest["counts"] = Value::Object(counts);
    manifest
}

fn records_without_stubs(plan: &ExportPlan, table: &TableName) -> u64 {
    let all = plan.metadata.record_counts.get(table).copied().unwrap_or(0);
    all - plan.metadata.selected_records.get(table).map_or(0, |records| records.stubs)
}

fn layout_error(error: layout::Error) -> Error {
    match error {
        layout::Error::Source(error) => Error::Source(error),
        layout::Error::Write(error) => super::write::output_error(&error),
        layout::Error::Inconsistent(what) => Error::Inconsistent(what),
        layout::Error::Stopped => Error::Stopped,
    }
}
