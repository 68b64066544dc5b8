//! Writes one snapshot as nested documents, in a folder or in one JSON object, and seals it. Blocks.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::plan::ExportPlan;
use super::running::RunningExport;
use super::write::{container_error, output_error, output_error_for};
use super::{Error, Result};
use crate::model::name::TableName;
use crate::seal::{DocumentSummary, SealSigner};
use crate::server::layout::{self, LayoutWriter, Reading};
use crate::server::pipeline::container::{FolderWriter, MembersWriter, PartsWriter};
use crate::server::profile::Layout;
use crate::server::source::Snapshot;

/// The name of the product's own manifest.
const MANIFEST: &str = "manifest";

/// Writes the documents of a layout, the product's own manifest and the seal into the folder.
///
/// # Errors
/// `Stopped` after a cancellation; `Source` if the database cannot be read; `Output` if the folder cannot be written;
/// `Inconsistent` if the documents would not hold every record of the part once.
pub fn write_folder(
    snapshot: &mut dyn Snapshot,
    plan: &ExportPlan,
    layout: &Layout,
    folder: &Path,
    signer: &dyn SealSigner,
    running: &RunningExport,
) -> Result<DocumentSummary> {
    let mut files = FolderWriter::new(folder.to_owned());
    let written = |error: &io::Error| output_error_for(folder, error);
    let file_name = |name: &str| format!("{name}.json");
    write_documents(snapshot, plan, layout, &mut files, &file_name, running, &written)?;
    files.finish(&plan.metadata, &plan.metadata.source.profile, signer).map_err(container_error)
}

/// Writes the same as the members of one JSON object, and returns the output.
///
/// # Errors
/// As `write_folder`.
pub fn write_object<W: Write>(
    snapshot: &mut dyn Snapshot,
    plan: &ExportPlan,
    layout: &Layout,
    out: W,
    signer: &dyn SealSigner,
    running: &RunningExport,
) -> Result<(W, DocumentSummary)> {
    let mut members = MembersWriter::new(out).map_err(|error| output_error(&error))?;
    let key = |name: &str| layout::key(layout.keys, &name.replace('-', "_"));
    write_documents(snapshot, plan, layout, &mut members, &key, running, &output_error)?;
    members.finish(&plan.metadata, &plan.metadata.source.profile, signer).map_err(container_error)
}

fn write_documents(
    snapshot: &mut dyn Snapshot,
    plan: &ExportPlan,
    layout: &Layout,
    out: &mut dyn PartsWriter,
    name_of: &dyn Fn(&str) -> String,
    running: &RunningExport,
    written: &dyn Fn(&io::Error) -> Error,
) -> Result<()> {
    let manifest = serde_json::to_vec_pretty(&manifest_json(plan, layout)).map_err(|error| written(&error.into()))?;
    out.begin(&name_of(MANIFEST)).map_err(|error| written(&error))?;
    out.write_all(&manifest).map_err(|error| written(&error))?;
    out.end(1).map_err(|error| written(&error))?;
    let (pseudonym_key, cancellation) = (&plan.pseudonym_key, &running.cancellation);
    let reading = Reading { snapshot, pseudonym_key, cancellation, progress: &running.progress };
    let mut writer = LayoutWriter::open(layout, &plan.tables, reading).map_err(layout_error)?;
    for (place, name) in writer.names().enumerate() {
        out.begin(&name_of(name)).map_err(|error| written(&error))?;
        let records = writer.write_document(place, out).map_err(layout_error)?;
        out.end(records).map_err(|error| written(&error))?;
    }
    writer.finish(|table| records_without_stubs(plan, table)).map_err(layout_error)
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
        layout::Error::Write(error) => output_error(&error),
        layout::Error::Inconsistent(what) => Error::Inconsistent(what),
        layout::Error::Stopped => Error::Stopped,
    }
}
