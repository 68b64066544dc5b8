//! `waybill audit`: prints, verifies and exports the audit trail.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use comfy_table::{Table, TableStyle};
use serde_json::{Value, json};

use super::{Exit, Failed, SigningArgs, StateArgs, StateFileArgs, print, tell, verify};
use crate::model::manifest::{AuditHead, Metadata};
use crate::model::text;
use crate::seal::Flaw;
use crate::server::audit::{self, Filter, Recorded};
use crate::server::inspect::Snapshot;
use crate::server::pipeline::unpack::Unpacker;
use crate::server::signing::{PublicKeys, Trust};
use crate::server::state::StateFile;
use crate::server::{binding, export};

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
        help = "Only events of this kind, such as sign_in_refused; any other word lists them all",
        value_parser = PossibleValuesParser::new(audit::KINDS),
        hide_possible_values = true
    )]
    event: Option<String>,
    /// Show only entries from this time on (UTC), such as 2026-11-01 or 2026-11-01T08:00.
    #[arg(long, value_name = "TIME", value_parser = time)]
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
    #[arg(long, value_name = "ENTRY:HASH", value_parser = head)]
    head: Vec<AuditHead>,
    #[command(flatten)]
    state: StateFileArgs,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Accepts a prefix of an entry's timestamp that has at least the year.
fn time(text: &str) -> Result<String, &'static str> {
    let is_beginning = text.len() >= 4 && text::begins_a_time(text);
    if is_beginning { Ok(text.to_owned()) } else { Err("write a time in UTC, such as 2026-11-01 or 2026-11-01T08:00") }
}

fn head(text: &str) -> Result<AuditHead, &'static str> {
    let wrong = "write the entry's number, a colon and its hash";
    let (entries, hash) = text.split_once(':').ok_or(wrong)?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let entries = entries.parse().map_err(|_| wrong)?;
    if is_hash { Ok(AuditHead { entries, hash: hash.to_ascii_lowercase() }) } else { Err(wrong) }
}

impl Audit {
    pub async fn run(self) -> Result<Exit, Failed> {
        match self.command {
            Command::Show(show) => show.run().await,
            Command::Verify(verify) => verify.run().await,
            Command::Export(state) => export_all(&state).await,
        }
    }
}

/// Opens an existing state file: a command that only reads must not create one.
async fn open(state: &StateFileArgs) -> Result<StateFile, Failed> {
    let path = state.path()?;
    if !path.exists() {
        return Err(Failed::new(Exit::Usage, format!("{} is not there: nothing was recorded yet", path.display())));
    }
    StateFile::open(&path).await.map_err(|error| export::Error::from(error).into())
}

impl Show {
    async fn run(self) -> Result<Exit, Failed> {
        let file = open(&self.state.file).await?;
        let source = match &self.state.source_name {
            Some(name) => binding::by_name(&file, Some(name)).await?.source_id().map(str::to_owned),
            None => None,
        };
        let names = file.sources().await.map_err(export::Error::from)?;
        let name = |id: &Option<String>| {
            let known = names.iter().find(|source| Some(&source.id) == id.as_ref());
            known.map_or_else(String::new, |source| source.name.clone())
        };
        let filter = Filter { source_id: source, actor: self.actor, event: self.event, since: self.since };
        let entries = audit::newest(&file, &filter, self.last).await.map_err(export::Error::from)?;
        if self.json {
            let lines: Vec<String> = entries.iter().map(|entry| as_json(entry).to_string()).collect();
            return if lines.is_empty() { Ok(Exit::Done) } else { print(&lines.join("\n")) };
        }
        if entries.is_empty() {
            tell("no entry fits");
            return Ok(Exit::Done);
        }
        let mut table = Table::new();
        table.load_style(TableStyle::new()).set_header([
            "Entry",
            "When (UTC)",
            "Who",
            "From",
            "What",
            "Database",
            "More",
        ]);
        for entry in entries {
            let Recorded { entry, at, actor, network, event, detail, source_id, .. } = entry;
            let row = [
                entry.to_string(),
                at,
                actor,
                network.unwrap_or_default(),
                event,
                name(&source_id),
                audit::more(&detail),
            ];
            table.add_row(row.map(|cell| text::one_line(&cell)));
        }
        print(&table.to_string())
    }
}

fn as_json(recorded: &Recorded) -> Value {
    let Recorded { entry, at, actor, network, event, export_id, detail, source_id, previous_hash, hash } = recorded;
    // `detail` stays the stored text, not parsed JSON: the hash covers its exact bytes.
    json!({
        "entry": entry, "at": at, "actor": actor, "network": network, "event": event, "export_id": export_id,
        "detail": detail, "source_id": source_id, "previous_hash": previous_hash, "hash": hash,
    })
}

async fn export_all(state: &StateFileArgs) -> Result<Exit, Failed> {
    let file = open(state).await?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut written = Ok(());
    let read = audit::each(&file, |entry| {
        if written.is_ok() {
            written = writeln!(out, "{}", as_json(&entry));
        }
    });
    read.await.map_err(export::Error::from)?;
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::output(&error)),
        _ => Ok(Exit::Done),
    }
}

impl Verify {
    async fn run(self) -> Result<Exit, Failed> {
        let file = open(&self.state).await?;
        let mut seen: Vec<(String, AuditHead)> =
            self.head.into_iter().map(|head| (format!("entry {}", head.entries), head)).collect();
        let own = PublicKeys::of_installation(&self.signing.path(&self.state)?);
        let own = own.map_err(|error| Failed::new(Exit::Failed, error.to_string()))?;
        for path in &self.files {
            seen.push((path.display().to_string(), seen_by(path, &own)?));
        }
        let heads: Vec<AuditHead> = seen.iter().map(|(_, head)| head.clone()).collect();
        let checked = audit::check(&file, &heads).await.map_err(export::Error::from)?;
        if let Some(fault) = checked.fault {
            let whose = seen.iter().find(|(_, head)| Some(head.entries) == fault.seen());
            let whose = whose.map_or_else(String::new, |(name, _)| format!(", as {name} shows"));
            return Err(Failed::new(Exit::NotWhole, format!("the audit trail is not whole: {fault}{whose}")));
        }
        let AuditHead { entries, hash } = checked.head;
        let agreed = match heads.len() {
            0 => "; no kept head was given, so a trail that was shortened would look the same".to_owned(),
            1 => "; the kept head agrees with it".to_owned(),
            count => format!("; {count} kept heads agree with it"),
        };
        print(&format!("unbroken up to {entries}:{hash}{agreed}"))
    }
}

/// Reads the audit head from an export signed by this installation. Any other file proves nothing and is refused.
fn seen_by(path: &Path, own: &PublicKeys) -> Result<AuditHead, Failed> {
    let no_evidence = |why: String| {
        let message = format!("{} says nothing about the trail: {why}", path.display());
        Failed::new(Exit::NotWhole, message)
    };
    let verified = verify::read(path)?.map_err(|flaw| no_evidence(format!("it is not whole: {flaw}")))?;
    match own.judge(verified.signed.as_ref()) {
        Trust::Trusted(_) => metadata(path).map(|metadata| metadata.audit),
        Trust::Untrusted(_) | Trust::Unsigned => Err(no_evidence("this installation has not signed it".into())),
        Trust::Broken => Err(no_evidence(Flaw::Signature.to_string())),
    }
}

/// Reads the metadata of a file that has passed verification.
fn metadata(path: &Path) -> Result<Metadata, Failed> {
    let unreadable =
        |error: std::io::Error| Failed::new(Exit::Failed, format!("{} cannot be read: {error}", path.display()));
    let content = Unpacker::new(File::open(path).map_err(unreadable)?).map_err(unreadable)?;
    Ok(Snapshot::open(BufReader::with_capacity(256 << 10, content)).map_err(Failed::from)?.metadata)
}
