//! Drafts `[auth]` and a role, commented out: a wrong guess would grant access.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::draft::{key, string};
use super::guess::STORED_PASSWORDS;
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::text::counted;
use crate::server::rows::Table;
use crate::server::support::password::HashTally;

/// Tallies of stored password hashes, by table and column.
pub type StoredPasswords = BTreeMap<(String, String), HashTally>;

const IDS: &[&str] = &["id", "_id", "uuid", "user_id"];
const EMAILS: &[&str] = &["email", "email_address", "mail"];
const ROLES: &[&str] = &["role", "is_admin", "admin", "is_superuser", "isadmin"];
const OWNERS: &[&str] = &["user_id", "userid", "account_id", "owner_id"];
const PROVIDERS: &[&str] = &["provider_id", "providerid", "provider"];
/// Columns that mark active accounts, with the value of an active one.
const ACTIVE: [(&str, &str); 9] = [
    ("is_active", "true"),
    ("active", "true"),
    ("enabled", "true"),
    ("banned", "[false, { null = true }]"),
    ("is_banned", "[false, { null = true }]"),
    ("disabled", "[false, { null = true }]"),
    ("suspended", "[false, { null = true }]"),
    ("deleted_at", "{ null = true }"),
    ("disabled_at", "{ null = true }"),
];

/// The table and columns that seem to hold accounts.
struct Accounts<'a> {
    table: &'a Table,
    id: &'a str,
    email: &'a str,
    password_table: &'a Table,
    password: &'a str,
}

/// Returns `[auth]` and a role as TOML, every line commented out.
pub fn suggest_auth<'a>(tables: impl Iterator<Item = &'a Table> + Clone, stored: &StoredPasswords) -> String {
    let own = tables.clone().find_map(|table| {
        let (id, email) = (find(table, IDS)?, find(table, EMAILS)?);
        Some(Accounts { table, id, email, password_table: table, password: find(table, STORED_PASSWORDS)? })
    });
    let Some(accounts) = own.or_else(|| elsewhere(tables)) else {
        return "# No table of accounts was recognised: Waybill keeps its own.\n\n".into();
    };
    let mut out = String::from("# Sign-in with the application's own accounts; without it, Waybill keeps its own.\n");
    let place = (accounts.password_table.name.clone(), accounts.password.to_owned());
    for line in stored.get(&place).into_iter().flat_map(unreadable_lines) {
        let _ = writeln!(out, "# {line}");
    }
    let (table, id, email) = (string(&accounts.table.name), string(accounts.id), string(accounts.email));
    let _ = write!(
        out,
        "# [auth]\n# table = {table}\n# id = {id}\n# email = {email}\n# password = {}\n",
        password(&accounts)
    );
    let active = ACTIVE.iter().filter_map(|(name, wanted)| Some((find(accounts.table, &[name])?, wanted)));
    let active: Vec<String> = active.map(|(column, wanted)| format!("{} = {wanted}", key(column))).collect();
    if !active.is_empty() {
        let _ = writeln!(out, "# active = {{ {} }}", active.join(", "));
    }
    let role = accounts.table.columns.iter().find(|column| ROLES.contains(&&*column.name.to_lowercase()));
    let _ = write!(
        out,
        "# [roles.admin]\n# label = \"Admin\"\n# when = {{ {} }}\n# capabilities = [\"export_database\"]\n\n",
        role.map_or_else(|| "role = \"admin\"".to_owned(), role_condition)
    );
    out
}

/// Accounts whose passwords are in a separate table, as in better-auth and others.
fn elsewhere<'a>(tables: impl Iterator<Item = &'a Table> + Clone) -> Option<Accounts<'a>> {
    let password_table =
        tables.clone().find(|table| find(table, STORED_PASSWORDS).is_some() && find(table, OWNERS).is_some())?;
    let password = find(password_table, STORED_PASSWORDS)?;
    let is_of = |table: &&Table| password_table.parents.contains(&table.name) || is_named_users(&table.name);
    tables.filter(is_of).find_map(|table| {
        Some(Accounts { table, id: find(table, IDS)?, email: find(table, EMAILS)?, password_table, password })
    })
}

fn is_named_users(name: &str) -> bool {
    matches!(name.rsplit('.').next().unwrap_or(name).to_lowercase().as_str(), "user" | "users")
}

fn password(accounts: &Accounts<'_>) -> String {
    let table = accounts.password_table;
    if table.name == accounts.table.name {
        return string(accounts.password);
    }
    let owner = find(table, OWNERS).unwrap_or("user_id");
    let provider = find(table, PROVIDERS).map(|column| format!(", when = {{ {} = \"credential\" }}", key(column)));
    format!(
        "{{ table = {}, user = {}, column = {}{} }}",
        string(&table.name),
        string(owner),
        string(accounts.password),
        provider.unwrap_or_default()
    )
}

fn role_condition(column: &ColumnSchema) -> String {
    // SQLite has no boolean type; names such as `is_admin` imply one.
    let is_boolean = column.codec == Codec::Boolean || column.name.to_lowercase() != "role";
    format!("{} = {}", key(&column.name), if is_boolean { "true" } else { "\"admin\"" })
}

fn find<'a>(table: &'a Table, names: &[&str]) -> Option<&'a str> {
    let column = table.columns.iter().find(|column| names.contains(&column.name.to_lowercase().as_str()));
    column.map(|column| column.name.as_str())
}

/// A line for each kind of hash that Waybill cannot check.
fn unreadable_lines(tally: &HashTally) -> impl Iterator<Item = String> {
    let all = counted(tally.all, "stored password");
    tally.unreadable.iter().map(move |(problem, count)| {
        format!("{count} of {all} looked at are {problem}, which Waybill does not check: those people cannot sign in.")
    })
}
