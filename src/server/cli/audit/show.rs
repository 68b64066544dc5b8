//! `waybill audit show`: prints the newest entries.

use clap::Args;
use clap::builder::PossibleValuesParser;
use comfy_table::{Table, TableStyle};

use super::super::args::StateArgs;
use super::super::exit::{CliError, Exit};
use super::super::terminal::{eprint_line, print_line};
use super::entry_json::to_json;
use crate::model::text;
use crate::server::audit::{self, AuditRecord, Filter};
use crate::server::binding;
use crate::server::state::StateDatabase;
use crate::server::state::sources::KnownSource;

const COLUMNS: [&str; 7] = ["Entry", "When (UTC)", "Who", "From", "What", "Database", "Details"];

#[derive(Debug, Args)]
pub struct Show {
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

/// Accepts a prefix of an entry's timestamp that has at least the year.
fn parse_since(text: &str) -> Result<String, &'static str> {
    let is_prefix = text.len() >= 4 && text::is_timestamp_prefix(text);
    if is_prefix { Ok(text.to_owned()) } else { Err("write a time in UTC, such as 2026-11-01 or 2026-11-01T08:00") }
}

impl Show {
    pub async fn run(self) -> Result<Exit, CliError> {
        let file = self.state.file.open_existing().await?;
        let as_json = self.json;
        let entries = self.find_entries(&file).await?;
        if as_json {
            let lines: Vec<String> = entries.iter().map(|entry| to_json(entry).to_string()).collect();
            return if lines.is_empty() { Ok(Exit::Success) } else { print_line(&lines.join("\n")) };
        }
        if entries.is_empty() {
            eprint_line("no entry matches");
            return Ok(Exit::Success);
        }
        print_line(&to_table(entries, &binding::list(&file).await?).to_string())
    }

    /// The newest entries that match, the newest last.
    async fn find_entries(self, file: &StateDatabase) -> Result<Vec<AuditRecord>, CliError> {
        let source_id = match &self.state.source_name {
            Some(name) => binding::find_state(file, Some(name)).await?.source_id().map(str::to_owned),
            None => None,
        };
        let filter = Filter { source_id, actor: self.actor, event: self.event, since: self.since, before: None };
        let mut entries = audit::newest(&file.for_source(None), &filter, self.last).await?;
        entries.reverse();
        Ok(entries)
    }
}

fn to_table(entries: Vec<AuditRecord>, sources: &[KnownSource]) -> Table {
    // An entry about no source has no name of one.
    let name_of = |id: Option<String>| {
        let known = sources.iter().find(|source| Some(&source.id) == id.as_ref());
        known.map_or_else(String::new, |source| source.name.clone())
    };
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(COLUMNS);
    for entry in entries {
        let AuditRecord { sequence, at, actor, network, event, detail, source_id, .. } = entry;
        let (network, detail) = (network.unwrap_or_default(), audit::format_detail(&detail));
        let row = [sequence.to_string(), at, actor, network, event, name_of(source_id), detail];
        table.add_row(row.map(|cell| text::one_line(&cell)));
    }
    table
}
