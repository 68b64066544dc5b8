//! `waybill export`: exports to a file, a folder or standard output.

mod report;

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::{ApplicationArgs, SelectionArgs, SigningArgs, SourceArgs, StateArgs};
use super::connect::{AppOptions, build_app, is_same_file, system_user};
use super::exit::{CliError, Exit};
use super::terminal::{eprint_line, print_line};
use crate::model::export::{DriftPolicy, Stage};
use crate::model::manifest::RecordOrder;
use crate::model::output::Compression;
use crate::model::text;
use crate::server::export::{Destination, ExportRequest, RunningExport, StopReason};
use crate::server::identity::Caller;
use report::{to_json, to_text};

#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    application: ApplicationArgs,
    /// Where to write: a file, an existing folder (the profile names the file), or - for standard output.
    #[arg(long, short, value_name = "FILE|DIR|-", default_value = ".")]
    output: PathBuf,
    /// Write what this application itself exports: an organisation's documents, into a new folder in --output (with
    /// --organization), or a person's archive, .tar.gz (with --person and --media).
    #[arg(long, value_name = "APPLICATION", conflicts_with_all = ["compress", "order", "force"])]
    layout: Option<String>,
    /// Order of the records within a table.
    #[arg(long, value_enum, default_value_t)]
    order: RecordOrderArg,
    /// Compress the file; in a folder, the suffix is added to its name [default: by the output's suffix, .gz or .zst].
    #[arg(long, value_enum)]
    compress: Option<CompressionArg>,
    /// Write nothing if more records than this are selected.
    #[arg(long, value_name = "N")]
    max_records: Option<u64>,
    /// What to do when database and profile differ.
    #[arg(long, value_enum, default_value_t)]
    drift: DriftPolicyArg,
    /// Overwrite an existing file.
    #[arg(long)]
    force: bool,
    /// Print the result as JSON (on standard error when the export itself goes to standard output).
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum RecordOrderArg {
    /// As stored on disk: the fastest.
    #[default]
    Storage,
    /// By primary key, so that exports of the same data can be compared.
    Key,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CompressionArg {
    Gzip,
    Zstd,
}

impl From<CompressionArg> for Compression {
    fn from(arg: CompressionArg) -> Self {
        match arg {
            CompressionArg::Gzip => Self::Gzip,
            CompressionArg::Zstd => Self::Zstd,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum DriftPolicyArg {
    /// Export what the profile knows and exit with code 6; refuse if a table is missing.
    #[default]
    Report,
    /// Write nothing and exit with code 3.
    Refuse,
    /// Export what there is, even if tables are missing, and exit with code 0.
    Allow,
}

impl Export {
    pub async fn run(self) -> Result<Exit, CliError> {
        let state = self.state.file.path()?;
        let source = self.source.database.url()?;
        if source.file().into_iter().chain([&*state]).any(|existing| is_same_file(&self.output, existing)) {
            return Err(CliError::new(
                Exit::Usage,
                "the output would replace the database itself: choose another name",
            ));
        }
        let selection = self.selection.parse()?;
        let destination = self.destination();
        let compression = self.compression(&destination)?;
        let options = AppOptions { application: self.application.application(), ..AppOptions::default() };
        let (app, url) = build_app(&self.source, &self.state, &self.signing, options).await?;
        let caller = Caller::command_line(&system_user());
        let order = match self.order {
            RecordOrderArg::Storage => RecordOrder::Storage,
            RecordOrderArg::Key => RecordOrder::Key,
        };
        let drift = match self.drift {
            DriftPolicyArg::Report => DriftPolicy::Report,
            DriftPolicyArg::Refuse => DriftPolicy::Refuse,
            DriftPolicyArg::Allow => DriftPolicy::Allow,
        };
        let is_standard_output = destination == Destination::StandardOutput;
        let on_start = |run: Arc<RunningExport>| {
            tokio::spawn(stop_on_signal(run.clone()));
            if std::io::stderr().is_terminal() {
                tokio::spawn(show_progress(run));
            }
        };
        let request = ExportRequest {
            selection,
            order,
            compression,
            drift,
            max_records: self.max_records,
            layout: self.layout.clone(),
        };
        let exported = app.exports.export_to_file(&caller, destination, request, on_start).await;
        let exported = exported.map_err(|error| url.with_context(CliError::from(error)))?;
        if self.json && !is_standard_output {
            print_line(&to_json(&exported).to_string())?;
        } else {
            eprint_line(&if self.json { to_json(&exported).to_string() } else { to_text(&exported) });
        }
        let deviations = &exported.summary.deviations;
        let has_drifted = deviations.has_drifted() && self.drift != DriftPolicyArg::Allow;
        Ok(if has_drifted || deviations.gaps().is_some() { Exit::Drift } else { Exit::Success })
    }

    /// The requested compression, else the one that the file's suffix implies. A folder's name implies none.
    fn compression(&self, destination: &Destination) -> Result<Compression, CliError> {
        let implied = match destination {
            Destination::File { path, .. } => implied_compression(path),
            Destination::Folder { .. } | Destination::StandardOutput => Compression::None,
        };
        match self.compress.map(Compression::from) {
            None => Ok(implied),
            Some(asked) if implied == Compression::None || implied == asked => Ok(asked),
            Some(_) => Err(CliError::new(
                Exit::Usage,
                "the suffix of the output and --compress name different compressions: change one of them",
            )),
        }
    }

    fn destination(&self) -> Destination {
        let (path, replace) = (self.output.clone(), self.force);
        if path == Path::new("-") {
            Destination::StandardOutput
        } else if path.is_dir() || self.layout.is_some() && !exists_or_is_named_as_file(&path) {
            Destination::Folder { path, replace }
        } else {
            Destination::File { path, replace }
        }
    }
}

/// A layout makes the folder that is named, but none that was meant as a file.
fn exists_or_is_named_as_file(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    path.symlink_metadata().is_ok() || matches!(extension, Some("json" | "gz" | "zst" | "tgz"))
}

fn implied_compression(path: &Path) -> Compression {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.map_or(Compression::None, |extension| Compression::from_file_name(&format!(".{extension}")))
}

/// Cancels the run on SIGINT or SIGTERM, as the Cancel button does: no partial file remains.
async fn stop_on_signal(run: Arc<RunningExport>) {
    crate::server::cli::serve::shutdown_signal().await;
    run.stop(StopReason::Cancelled);
}

async fn show_progress(run: Arc<RunningExport>) {
    let bar = ProgressBar::new(0);
    if let Ok(style) =
        ProgressStyle::with_template("{msg:26!} {wide_bar} {human_pos} of {human_len} records  {elapsed}")
    {
        bar.set_style(style);
    }
    loop {
        let progress = run.progress();
        match progress.stage {
            Stage::Counting => bar.set_message("counting"),
            Stage::Writing { table, records, total_records, .. } => {
                bar.set_length(total_records);
                bar.set_position(records);
                bar.set_message(text::one_line(table.as_str()));
            }
        }
        tokio::select! {
            () = run.ended() => break,
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
    bar.finish_and_clear();
}
