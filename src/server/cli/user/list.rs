//! `waybill user list`: lists the local accounts.

use serde_json::{Value, json};

use super::super::exit::{CliError, Exit};
use super::super::terminal::{escape_control_chars, print_json, print_line};
use crate::model::text::count_with_noun;
use crate::server::identity::local_accounts::{AccountSummary, Operator};

pub async fn run(operator: &Operator, as_json: bool) -> Result<Exit, CliError> {
    let accounts = operator.list().await?;
    if as_json {
        return print_json(&accounts.into_iter().map(to_json).collect::<Vec<_>>());
    }
    if accounts.is_empty() {
        return print_line("Waybill has no accounts of its own; create one with `waybill user add --admin NAME`");
    }
    print_line(&accounts.into_iter().map(to_line).collect::<Vec<_>>().join("\n"))
}

fn to_json(summary: AccountSummary) -> Value {
    let AccountSummary { account, has_second_factor, sessions } = summary;
    json!({
        "name": account.name, "createdAt": account.created_at, "disabledAt": account.disabled_at,
        "secondFactor": has_second_factor, "sessions": sessions
    })
}

fn to_line(summary: AccountSummary) -> String {
    let AccountSummary { account, has_second_factor, sessions } = summary;
    let since = date_of(&account.created_at);
    let factor = if has_second_factor { "second factor" } else { "no second factor" };
    let status = account.disabled_at.as_deref().map_or_else(
        || count_with_noun(sessions as u64, "session"),
        |disabled_at| format!("disabled since {}", date_of(disabled_at)),
    );
    format!("{}  since {since} · {factor} · {status}", escape_control_chars(&account.name))
}

fn date_of(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}
