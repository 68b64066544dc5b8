//! Writes one snapshot as nested documents, in a folder, in one JSON object or in an archive, and seals it. Blocks.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::app_version::app_version;
use super::media::Media;
use super::plan::ExportPlan;
use super::running::RunningExport;
use super::write::{container_error, output_error, output_error_for};
use super::{Application, Error, Result};
use crate::model::name::TableName;
use crate::seal::{DocumentSummary, SealSigner};
use crate::server::layout::{self, DocumentFormat, LayoutWriter, Reading};
use crate::server::pipeline::container::{ArchiveWriter, FolderWriter, MembersWriter, PartsWriter};
use crate::server::profile::{Layout, ManifestEntry, ManifestValue, Profile};
use crate::server::source::Snapshot;

/// The name of the product's own manifest.
const MANIFEST: &str = "manifest";
/// What an archive is, for whoever opens it.
const README: &str = "README.txt";

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
    let output = DocumentsOutput { parts: &mut files, name_of: &file_name_of(layout), written: &written };
    write_documents(snapshot, plan, layout, &ManifestFacts::default(), running, output)?;
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
    let output = DocumentsOutput { parts: &mut members, name_of: &key, written: &output_error };
    write_documents(snapshot, plan, layout, &ManifestFacts::default(), running, output)?;
    members.finish(&plan.metadata, &plan.metadata.source.profile, signer).map_err(container_error)
}

/// What an archive needs besides the database.
pub struct ArchiveContext<'s> {
    pub profile: &'s Profile,
    pub application: &'s Application,
    /// Asked whether so many bytes of files fit.
    pub check_space: &'s dyn Fn(u64) -> Result<()>,
}

/// Writes the same, and the files that are there, as the entries of an archive, and returns the output. What is missing is added
/// to the plan.
///
/// # Errors
/// As `write_folder`; `InsufficientStorage`; `Output` if the folder of the files cannot be read.
pub fn write_archive<W: Write>(
    snapshot: &mut dyn Snapshot,
    plan: &mut ExportPlan,
    layout: &Layout,
    context: &ArchiveContext<'_>,
    out: W,
    signer: &dyn SealSigner,
    running: &RunningExport,
) -> Result<(W, DocumentSummary)> {
    let ArchiveContext { profile, application, check_space } = context;
    let folder = layout.media.as_ref().map(|_| application.open_media()).transpose()?;
    let table = layout.media.as_ref().and_then(|media| plan.tables.iter().find(|it| it.scan.table == media.table));
    let table = table.cloned();
    let media = match (&layout.media, &table, &folder) {
        (Some(media), Some(table), Some(folder)) => Some(Media::check(media, table, folder, snapshot, running)?),
        _ => None,
    };
    if let Some(media) = &media {
        check_space(media.bytes())?;
        plan.deviations.missing_media = media.missing();
        plan.deviations.missing_media_examples = media.examples();
        plan.metadata.missing_media = Some(media.missing()).filter(|missing| *missing > 0);
    }
    let missing_media = media.as_ref().map_or_else(|| json!([]), Media::missing_list);
    let facts = ManifestFacts { app_version: app_version(snapshot, profile, application)?, missing_media };
    let mut archive = ArchiveWriter::new(out).map_err(|error| output_error(&error))?;
    let output = DocumentsOutput { parts: &mut archive, name_of: &file_name_of(layout), written: &output_error };
    write_documents(snapshot, plan, layout, &facts, running, output)?;
    if let Some(media) = &media {
        media.write(snapshot, &mut archive)?;
    }
    archive.finish(&plan.metadata, &plan.metadata.source.profile, signer).map_err(container_error)
}

/// Where documents are written.
struct DocumentsOutput<'o> {
    parts: &'o mut dyn PartsWriter,
    /// The name of a part for that of its document.
    name_of: &'o dyn Fn(&str) -> String,
    /// What an error of writing becomes.
    written: &'o dyn Fn(&io::Error) -> Error,
}

fn file_name_of(layout: &Layout) -> impl Fn(&str) -> String {
    let suffix = DocumentFormat::of(&layout.output).suffix();
    move |name| format!("{name}{suffix}")
}

fn write_documents(
    snapshot: &mut dyn Snapshot,
    plan: &ExportPlan,
    layout: &Layout,
    facts: &ManifestFacts,
    running: &RunningExport,
    output: DocumentsOutput<'_>,
) -> Result<()> {
    let DocumentsOutput { parts: out, name_of, written } = output;
    let manifest = DocumentFormat::of(&layout.output).object(&manifest(plan, layout, facts));
    out.begin(&name_of(MANIFEST)).map_err(|error| written(&error))?;
    out.write_all(&manifest).map_err(|error| written(&error))?;
    out.end(1).map_err(|error| written(&error))?;
    if let Some(readme) = &layout.readme {
        out.begin(README).map_err(|error| written(&error))?;
        out.write_all(readme.as_bytes()).map_err(|error| written(&error))?;
        out.end(0).map_err(|error| written(&error))?;
    }
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

/// What a manifest says and a plan does not know.
#[derive(Default)]
struct ManifestFacts {
    app_version: Option<String>,
    missing_media: Value,
}

/// The entries of the product's own manifest.
fn manifest(plan: &ExportPlan, layout: &Layout, facts: &ManifestFacts) -> Vec<(String, Value)> {
    let metadata = &plan.metadata;
    let entry = |entry: &ManifestEntry| {
        let value = match &entry.value {
            ManifestValue::Constant(value) => value.clone(),
            ManifestValue::ExportedAt => metadata.exported_at.clone().into(),
            ManifestValue::AppVersion => facts.app_version.clone().unwrap_or_else(|| "unknown".to_owned()).into(),
            ManifestValue::Scope => {
                json!(metadata.filters_applied.get(layout.scope.as_str()).and_then(|ids| ids.first()))
            }
            ManifestValue::Tables => metadata.record_counts.iter().map(|(table, _)| table.as_str()).collect(),
            ManifestValue::Counts => {
                let counts = layout.manifest.counts.iter();
                let counts = counts.map(|(name, table)| (name.clone(), records_without_stubs(plan, table).into()));
                Value::Object(counts.collect())
            }
            ManifestValue::MissingMedia => facts.missing_media.clone(),
        };
        (entry.key.clone(), value)
    };
    layout.manifest.entries.iter().map(entry).collect()
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
