//! Checks whether the accounts that a profile names can sign in.

use std::collections::BTreeMap;

use super::error::Error;
use crate::model::catalog::ColumnSchema;
use crate::model::text::count_with_noun;
use crate::server::identity::is_role_assigned;
use crate::server::profile::{Auth, Comparison, PasswordLocation, Profile};
use crate::server::rows::{Catalog, RowSink, Scan, Stopped, Value};
use crate::server::source::{Snapshot, Source};
use crate::server::support::password::{HashStats, StoredHash};

/// The result of checking a sample of the accounts.
#[derive(Debug, Default)]
pub struct AccountsCheck {
    /// Sampled hashes that Waybill can verify.
    pub hashes: Vec<StoredHash>,
    hash_stats: HashStats,
    /// Labels of roles that grant a capability and that no account has.
    pub unassigned_roles: Vec<String>,
    /// Number of roles that grant a capability.
    role_count: usize,
    /// Whether owners of organisations, or people, may export what is theirs.
    has_owners: bool,
}

/// Checks a sample of the stored hashes, and whether each role with a capability has an account. Returns `None` where
/// accounts are Waybill's own. Blocks.
///
/// # Errors
/// When the database cannot be read.
pub fn check_accounts(source: &dyn Source, profile: &Profile) -> Result<Option<AccountsCheck>, Error> {
    let mut snapshot = source.open_snapshot()?;
    let catalog = snapshot.catalog()?;
    check_in_snapshot(source, &mut *snapshot, &catalog, profile)
}

/// The same in an open snapshot.
pub(super) fn check_in_snapshot(
    source: &dyn Source,
    snapshot: &mut dyn Snapshot,
    catalog: &Catalog,
    profile: &Profile,
) -> Result<Option<AccountsCheck>, Error> {
    let Some(auth) = &profile.auth else { return Ok(None) };
    let mut check = AccountsCheck::default();
    sample_hashes(snapshot, catalog, auth, &mut check)?;
    for role in profile.roles.values().filter(|role| !role.grants.is_empty()) {
        check.role_count += 1;
        if !is_role_assigned(source, auth, role)? {
            check.unassigned_roles.push(role.label.clone());
        }
    }
    check.has_owners = profile.owners().is_some() || profile.serves_persons();
    Ok(Some(check))
}

fn sample_hashes(
    snapshot: &mut dyn Snapshot,
    catalog: &Catalog,
    auth: &Auth,
    check: &mut AccountsCheck,
) -> Result<(), Error> {
    let (table, hash) = auth.password_column();
    let Some(table) = catalog.table(table) else { return Ok(()) };
    // Sign-in reports an unreadable table.
    if catalog.is_unreadable(&table.name) {
        return Ok(());
    }
    let conditions = match &auth.password {
        PasswordLocation::Column(_) => BTreeMap::new(),
        PasswordLocation::Table(place) => place.when.iter().collect(),
    };
    let find_column = |name: &String| table.columns.iter().find(|column| column.name == *name).cloned();
    // The hash first, then the columns that say whether the row is about a password.
    let columns: Option<Vec<ColumnSchema>> =
        [&hash.to_owned()].into_iter().chain(conditions.keys().copied()).map(find_column).collect();
    let Some(columns) = columns else { return Ok(()) };
    let mut sink = HashSink { check, conditions: conditions.into_values().collect(), row: Vec::new() };
    Ok(snapshot.sample(&Scan { columns, ..Scan::whole(table) }, &mut sink)?)
}

/// The sink for sampled rows of the table with the hashes.
struct HashSink<'a> {
    check: &'a mut AccountsCheck,
    /// Conditions on the columns after the hash, in column order.
    conditions: Vec<&'a Comparison>,
    row: Vec<Option<String>>,
}

impl RowSink for HashSink<'_> {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).into_owned();
        self.row.push(match value {
            Value::Text(bytes) | Value::SafeAscii(bytes) => Some(text(bytes)),
            Value::Boolean(value) => Some(value.to_string()),
            Value::Integer(n) => Some(n.to_string()),
            Value::Null | Value::Float(_) | Value::Double(_) | Value::Blob(_) => None,
        });
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        let row = std::mem::take(&mut self.row);
        let Some((hash, values)) = row.split_first() else { return Ok(()) };
        let is_password_row =
            self.conditions.iter().zip(values).all(|(comparison, value)| comparison.accepts(value.as_deref()));
        if let Some(hash) = hash.as_deref().filter(|_| is_password_row) {
            self.check.hashes.extend(self.check.hash_stats.record(hash));
        }
        Ok(())
    }
}

impl AccountsCheck {
    /// Reasons why people cannot sign in, one per line.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let all = self.hash_stats.total;
        let unreadable = self.hash_stats.errors.iter().map(|(problem, count)| {
            format!(
                "{count} of {} sampled cannot be used to sign in: Waybill cannot check {problem}",
                count_with_noun(all, "stored password")
            )
        });
        let empty = self
            .unassigned_roles
            .iter()
            .map(|label| format!("no account has the role {label}: compare its condition with the data"));
        let none = (self.role_count == 0 && !self.has_owners)
            .then(|| "no role of the profile may export: add capabilities = [\"export_database\"] to one".to_owned());
        unreadable.chain(empty).chain(none).collect()
    }
}
