//! `waybill audit`: prints, verifies and exports the audit trail.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use comfy_table::{Table, TableStyle};
use serde_json::{Value, json};

use super::args::{SigningArgs, StateArgs, StateFileArgs};
use super::exit::{CliError, Exit};
use super::terminal::{eprint_line, print_line};
use super::verify;
use crate::model::manifest::{AuditHead, Metadata};
use crate::model::text;
use crate::seal::VerifyError;
use crate::server::audit::{self, AuditRecord, Filter};
use crate::server::binding;
use crate::server::inspect::DocumentReader;
use crate::server::pipeline::decompress::Decompressor;
use crate::server::signing::{PublicKeys, SignatureStatus};
use crate::server::state::StateDatabase;

#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the newest entries.
    Show(Show),
    /// Check that the trail is unbroken, and that it still agrees with earlier exports.
    Verify(Verify),
    /// Print all entries of all databases with their hashes, one JSON object per line.
    Export(StateFileArgs),
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    state: StateArgs,
    /// Show only entries of this actor, an account or a program, such as ada@example.org or cli:root.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    #[arg(
        long,
        value_name = "KIND",
        help = "Show only events of this kind, such as sign_in_refused; an unknown kind prints the list of kinds",
        value_parser = PossibleValuesParser::new(audit::EVENT_NAMES),
        hide_possible_values = true
    )]
    event: Option<String>,
    /// Show only entries from this time on (UTC), such as 2026-11-01 or 2026-11-01T08:00.
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<String>,
    /// Number of entries to show; the newest come last.
    #[arg(long, value_name = "N", default_value_t = 50)]
    last: u32,
    /// Print one JSON object per line instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Verify {
    /// Exports of this installation to compare the trail with.
    ///
    /// Each export stores the head of the trail at the time it began: the number and the hash of the newest entry.
    /// Without any head to compare with, a trail that was shortened at its end or completely rewritten looks intact.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Head of the trail noted earlier, as `waybill export` prints it after "audit"; may be given several times.
    #[arg(long, value_name = "ENTRY:HASH", value_parser = parse_head)]
    head: Vec<AuditHead>,
    #[command(flatten)]
    state: StateFileArgs,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Accepts a prefix of an entry's timestamp that has at least the year.
fn parse_since(text: &str) -> Result<String, &'static str> {
    let is_prefix = text.len() >= 4 && text::is_timestamp_prefix(text);
    if is_prefix { Ok(text.to_owned()) } else { Err("write a time in UTC, such as 2026-11-01 or 2026-11-01T08:00") }
}

fn parse_head(text: &str) -> Result<AuditHead, &'static str> {
    let message = "write the entry's number, a colon and its hash";
    let (entries, hash) = text.split_once(':').ok_or(message)?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let entries = entries.parse().map_err(|_| message)?;
    if is_hash { Ok(AuditHead { entries, hash: hash.to_ascii_lowercase() }) } else { Err(message) }
}

impl Audit {
    pub async fn run(self) -> Result<Exit, CliError> {
        match self.command {
            Command::Show(show) => show.run().await,
            Command::Verify(verify) => verify.run().await,
            Command::Export(state) => export_all(&state).await,
        }
    }
}

/// Opens an existing state file: a command that only reads must not create one.
async fn open_existing_state(state: &StateFileArgs) -> Result<StateDatabase, CliError> {
    let path = state.path()?;
    if !path.exists() {
        return Err(CliError::new(
            Exit::Usage,
            format!("{} does not exist: nothing has been recorded yet", path.display()),
        ));
    }
    StateDatabase::open(&path).await.map_err(CliError::from)
}

impl Show {
    async fn run(self) -> Result<Exit, CliError> {
        let file = open_existing_state(&self.state.file).await?;
        let source = match &self.state.source_name {
            Some(name) => binding::find_state(&file, Some(name)).await?.source_id().map(str::to_owned),
            None => None,
        };
        let all = file.for_source(None);
        let names = all.connect().await?.sources().all().await?;
        let name = |id: &Option<String>| {
            let known = names.iter().find(|source| Some(&source.id) == id.as_ref());
            known.map_or_else(String::new, |source| source.name.clone())
        };
        let filter =
            Filter { source_id: source, actor: self.actor, event: self.event, since: self.since, before: None };
        let mut entries = audit::newest(&all, &filter, self.last).await?;
        entries.reverse();
        if self.json {
            let lines: Vec<String> = entries.iter().map(|entry| to_json(entry).to_string()).collect();
            return if lines.is_empty() { Ok(Exit::Success) } else { print_line(&lines.join("\n")) };
        }
        if entries.is_empty() {
            eprint_line("no entry matches");
            return Ok(Exit::Success);
        }
        let mut table = Table::new();
        table.load_style(TableStyle::new()).set_header([
            "Entry",
            "When (UTC)",
            "Who",
            "From",
            "What",
            "Database",
            "Details",
        ]);
        for entry in entries {
            let AuditRecord { sequence, at, actor, network, event, detail, source_id, .. } = entry;
            let row = [
                sequence.to_string(),
                at,
                actor,
                network.unwrap_or_default(),
                event,
                name(&source_id),
                audit::format_detail(&detail),
            ];
            table.add_row(row.map(|cell| text::one_line(&cell)));
        }
        print_line(&table.to_string())
    }
}

fn to_json(recorded: &AuditRecord) -> Value {
    let AuditRecord { sequence, at, actor, network, event, export_id, detail, source_id, previous_hash, hash } =
        recorded;
    // `detail` stays the stored text, not parsed JSON: the hash covers its exact bytes.
    json!({
        "entry": sequence, "at": at, "actor": actor, "network": network, "event": event, "export_id": export_id,
        "detail": detail, "source_id": source_id, "previous_hash": previous_hash, "hash": hash,
    })
}

async fn export_all(state: &StateFileArgs) -> Result<Exit, CliError> {
    let file = open_existing_state(state).await?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut write_result = Ok(());
    let read = audit::for_each(&file, |entry| {
        if write_result.is_ok() {
            write_result = writeln!(out, "{}", to_json(&entry));
        }
    });
    read.await?;
    match write_result.and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(CliError::output(&error)),
        _ => Ok(Exit::Success),
    }
}

impl Verify {
    async fn run(self) -> Result<Exit, CliError> {
        let file = open_existing_state(&self.state).await?;
        let mut known_heads: Vec<(String, AuditHead)> =
            self.head.into_iter().map(|head| (format!("entry {}", head.entries), head)).collect();
        let own_keys = PublicKeys::of_installation(&self.signing.key_path(&self.state)?);
        let own = own_keys.map_err(|error| CliError::new(Exit::Failure, error.to_string()))?;
        for path in &self.files {
            known_heads.push((path.display().to_string(), read_signed_head(path, &own)?));
        }
        let heads: Vec<AuditHead> = known_heads.iter().map(|(_, head)| head.clone()).collect();
        let checked = audit::verify_chain(&file, &heads).await?;
        if let Some(error) = checked.error {
            let evidence = known_heads.iter().find(|(_, head)| Some(head.entries) == error.contradicted_entry());
            let whose = evidence.map_or_else(String::new, |(name, _)| format!(", as {name} shows"));
            return Err(CliError::new(Exit::NotIntact, format!("the audit trail is not intact: {error}{whose}")));
        }
        let AuditHead { entries, hash } = checked.head;
        let comparison = match heads.len() {
            0 => "; no head was given to compare with, so a shortened trail would look the same: give exports of this installation or --head".to_owned(),
            1 => "; the given head agrees with it".to_owned(),
            count => format!("; the {count} given heads agree with it"),
        };
        print_line(&format!("unbroken up to {entries}:{hash}{comparison}"))
    }
}

/// Reads the audit head from an export signed by this installation. Any other file proves nothing and is refused.
fn read_signed_head(path: &Path, own_keys: &PublicKeys) -> Result<AuditHead, CliError> {
    let rejected = |why: String| {
        let message = format!("{} proves nothing about the audit trail: {why}", path.display());
        CliError::new(Exit::NotIntact, message)
    };
    let verified = verify::verify_file(path)?.map_err(|error| rejected(format!("it is not intact: {error}")))?;
    match own_keys.check_signature(verified.signature.as_ref()) {
        SignatureStatus::Trusted(_) => read_metadata(path).map(|metadata| metadata.audit),
        SignatureStatus::Untrusted(_) | SignatureStatus::Unsigned => {
            Err(rejected("it is not signed by this installation".into()))
        }
        SignatureStatus::Invalid => Err(rejected(VerifyError::InvalidSignature.to_string())),
    }
}

/// Reads the metadata of a file that has passed verification.
fn read_metadata(path: &Path) -> Result<Metadata, CliError> {
    let read_error =
        |error: std::io::Error| CliError::new(Exit::Failure, format!("{} cannot be read: {error}", path.display()));
    let content = Decompressor::new(File::open(path).map_err(read_error)?).map_err(read_error)?;
    Ok(DocumentReader::open(BufReader::with_capacity(256 << 10, content)).map_err(CliError::from)?.metadata)
}
