//! Drafts `[auth]` and a role, commented out: a wrong guess would grant access.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::infer::PASSWORD_COLUMNS;
use super::toml_text::{toml_key, toml_string};
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::name::TableName;
use crate::model::text::count_with_noun;
use crate::server::rows::Table;
use crate::server::support::password::HashStats;

/// Tallies of stored password hashes, by table and column.
pub type HashStatsByColumn = BTreeMap<(TableName, String), HashStats>;

const ID_COLUMNS: &[&str] = &["id", "_id", "uuid", "user_id"];
const EMAIL_COLUMNS: &[&str] = &["email", "email_address", "mail"];
const ROLE_COLUMNS: &[&str] = &["role", "is_admin", "admin", "is_superuser", "isadmin"];
const ACCOUNT_ID_COLUMNS: &[&str] = &["user_id", "userid", "account_id", "owner_id"];
const PROVIDER_COLUMNS: &[&str] = &["provider_id", "providerid", "provider"];
/// Columns that mark active accounts, with the value of an active one.
const ACTIVE_CONDITIONS: [(&str, &str); 9] = [
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

/// Columns that mark accounts which the application asks for a second factor.
const SECOND_FACTOR_COLUMNS: &[&str] =
    &["two_factor_enabled", "twofactorenabled", "mfa_enabled", "totp_enabled", "otp_enabled", "otp_required_for_login"];

/// The table and columns that seem to hold accounts.
struct Accounts<'a> {
    table: &'a Table,
    id: &'a str,
    email: &'a str,
    password_table: &'a Table,
    password: &'a str,
}

/// Returns `[auth]` and a role as TOML, every line commented out.
pub fn suggest_auth<'a>(tables: impl Iterator<Item = &'a Table> + Clone, stored: &HashStatsByColumn) -> String {
    let in_one_table = tables.clone().find_map(|table| {
        let (id, email) = (find_column(table, ID_COLUMNS)?, find_column(table, EMAIL_COLUMNS)?);
        Some(Accounts { table, id, email, password_table: table, password: find_column(table, PASSWORD_COLUMNS)? })
    });
    let Some(accounts) = in_one_table.or_else(|| accounts_with_password_table(tables)) else {
        return "# No accounts table was recognised: Waybill uses its own accounts.\n\n".into();
    };
    let mut out = String::from("# Sign-in with the application's own accounts; without it, Waybill uses its own.\n");
    let place = (accounts.password_table.name.clone(), accounts.password.to_owned());
    for line in stored.get(&place).into_iter().flat_map(unsupported_hash_lines) {
        let _ = writeln!(out, "# {line}");
    }
    let (table, id, email) =
        (toml_string(accounts.table.name.as_str()), toml_string(accounts.id), toml_string(accounts.email));
    let _ = write!(
        out,
        "# [auth]\n# table = {table}\n# id = {id}\n# email = {email}\n# password = {}\n",
        password_toml(&accounts)
    );
    let active =
        ACTIVE_CONDITIONS.iter().filter_map(|(name, wanted)| Some((find_column(accounts.table, &[name])?, wanted)));
    let active: Vec<String> = active.map(|(column, wanted)| format!("{} = {wanted}", toml_key(column))).collect();
    if !active.is_empty() {
        let _ = writeln!(out, "# active = {{ {} }}", active.join(", "));
    }
    if let Some(column) = find_column(accounts.table, SECOND_FACTOR_COLUMNS) {
        let _ = writeln!(out, "# application_second_factor = {{ {} = true }}", toml_key(column));
    }
    let role = accounts.table.columns.iter().find(|column| ROLE_COLUMNS.contains(&&*column.name.to_lowercase()));
    let _ = write!(
        out,
        "# [roles.admin]\n# label = \"Admin\"\n# when = {{ {} }}\n# capabilities = [\"export_database\"]\n\n",
        role.map_or_else(|| "role = \"admin\"".to_owned(), role_condition_toml)
    );
    out
}

/// Accounts whose passwords are in a separate table, as in better-auth and others.
fn accounts_with_password_table<'a>(tables: impl Iterator<Item = &'a Table> + Clone) -> Option<Accounts<'a>> {
    let password_table = tables.clone().find(|table| {
        find_column(table, PASSWORD_COLUMNS).is_some() && find_column(table, ACCOUNT_ID_COLUMNS).is_some()
    })?;
    let password = find_column(password_table, PASSWORD_COLUMNS)?;
    let holds_accounts = |table: &&Table| {
        password_table.parents().any(|parent| *parent == table.name) || is_named_users(table.name.as_str())
    };
    tables.filter(holds_accounts).find_map(|table| {
        Some(Accounts {
            table,
            id: find_column(table, ID_COLUMNS)?,
            email: find_column(table, EMAIL_COLUMNS)?,
            password_table,
            password,
        })
    })
}

fn is_named_users(name: &str) -> bool {
    matches!(name.rsplit('.').next().unwrap_or(name).to_lowercase().as_str(), "user" | "users")
}

fn password_toml(accounts: &Accounts<'_>) -> String {
    let table = accounts.password_table;
    if table.name == accounts.table.name {
        return toml_string(accounts.password);
    }
    let owner = find_column(table, ACCOUNT_ID_COLUMNS).unwrap_or("user_id");
    let provider = find_column(table, PROVIDER_COLUMNS)
        .map(|column| format!(", when = {{ {} = \"credential\" }}", toml_key(column)));
    format!(
        "{{ table = {}, user = {}, column = {}{} }}",
        toml_string(table.name.as_str()),
        toml_string(owner),
        toml_string(accounts.password),
        provider.unwrap_or_default()
    )
}

fn role_condition_toml(column: &ColumnSchema) -> String {
    // SQLite has no boolean type; names such as `is_admin` imply one.
    let is_boolean = column.codec == Codec::Boolean || column.name.to_lowercase() != "role";
    format!("{} = {}", toml_key(&column.name), if is_boolean { "true" } else { "\"admin\"" })
}

fn find_column<'a>(table: &'a Table, names: &[&str]) -> Option<&'a str> {
    let column = table.columns.iter().find(|column| names.contains(&column.name.to_lowercase().as_str()));
    column.map(|column| column.name.as_str())
}

/// A line for each kind of hash that Waybill cannot check.
fn unsupported_hash_lines(stats: &HashStats) -> impl Iterator<Item = String> {
    let all = count_with_noun(stats.total, "stored password");
    stats.errors.iter().map(move |(problem, count)| {
        format!("{count} of {all} sampled are {problem}, which Waybill cannot check: these accounts cannot sign in.")
    })
}
