//! `waybill user sessions`: lists or ends sessions.

use serde_json::{Value, json};

use super::super::exit::{CliError, Exit};
use super::super::terminal::{escape_control_chars, print_json, print_line};
use crate::model::text::count_with_noun;
use crate::server::identity::local_accounts::{Operator, SessionSummary};

pub async fn end(operator: &Operator, name: Option<&str>) -> Result<Exit, CliError> {
    let count = operator.end_sessions(name).await?;
    print_line(&format!("{} ended", count_with_noun(count, "session")))
}

pub async fn list(operator: &Operator, name: Option<&str>, as_json: bool) -> Result<Exit, CliError> {
    let sessions = operator.sessions(name).await?;
    if as_json {
        return print_json(&sessions.iter().map(to_json).collect::<Vec<_>>());
    }
    if sessions.is_empty() {
        return print_line(
            &name.map_or_else(|| "nobody is signed in".into(), |name| format!("\"{name}\" is not signed in")),
        );
    }
    print_line(&sessions.iter().map(to_line).collect::<Vec<_>>().join("\n"))
}

fn to_json(session: &SessionSummary) -> Value {
    json!({
        "name": session.name, "network": session.network, "createdAt": session.created_at,
        "lastSeenAt": session.last_seen_at
    })
}

fn to_line(session: &SessionSummary) -> String {
    let network = session.network.as_deref().unwrap_or("an unknown address");
    let (since, seen) = (&session.created_at, &session.last_seen_at);
    format!("{}  from {network} · since {since} · last seen {seen}", escape_control_chars(&session.name))
}
