//! `waybill explain`: why a record is in a part of a database, or why not.

use clap::Args;

use super::args::{SelectionArgs, SourceArgs};
use super::connect::{OpenedSource, run_blocking, system_user};
use super::exit::{CliError, Exit};
use super::record_key::parse_key;
use super::terminal::{print_json, print_line};
use crate::model::explanation::{Explanation, Verdict};
use crate::model::name::TableName;
use crate::model::text;
use crate::server::export::{RecordKey, explain_source};
use crate::server::identity::Caller;

#[derive(Debug, Args)]
pub struct Explain {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    /// The record's table.
    #[arg(long)]
    table: String,
    /// The value of its primary key; COLUMN=VALUE, repeated, for a key of several columns.
    #[arg(long, required = true, value_name = "VALUE")]
    key: Vec<String>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub async fn run(self) -> Result<Exit, CliError> {
        let selection = self.selection.parse()?;
        if selection.is_whole_database() {
            let message =
                "every record of an exported table is in a full export: add --organization, --filter or --tables";
            return Err(CliError::new(Exit::Usage, message));
        }
        let key = RecordKey { table: TableName::from(self.table.as_str()), values: parse_key(&self.key) };
        let OpenedSource { url, source, profile } = self.source.open().await?;
        let caller = Caller::command_line(&system_user());
        let explanation = run_blocking(move || {
            let explained = explain_source(&caller, &*source, &profile, &selection, &key);
            explained.map_err(|error| url.with_context(error.into()))
        })
        .await?;
        if self.json { print_json(&explanation) } else { print_line(&to_text(&explanation)) }
    }
}

fn to_text(explanation: &Explanation) -> String {
    let verdict = match explanation.verdict {
        Verdict::In => "is in",
        Verdict::Stub => "is in as a stub",
        Verdict::Out => "is not in",
    };
    let first = format!("{} {verdict}", text::one_line(&explanation.record));
    let reasons = explanation.reasons.iter();
    let lines = reasons.map(|reason| format!("{}{}", "  ".repeat(reason.depth + 1), text::one_line(&reason.text)));
    std::iter::once(first).chain(lines).collect::<Vec<_>>().join("\n")
}
