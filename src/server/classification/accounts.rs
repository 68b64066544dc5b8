//! Checks whether the accounts that a profile names can sign in.

use std::collections::BTreeMap;

use super::{Error, whole};
use crate::model::catalog::ColumnSchema;
use crate::model::text::counted;
use crate::server::identity::somebody_has;
use crate::server::profile::{Auth, Comparison, Password, Profile};
use crate::server::rows::{Catalog, RowSink, Stopped, Value};
use crate::server::source::{Snapshot, Source};
use crate::server::support::password::{HashTally, StoredHash};

/// The result of checking a sample of the accounts.
#[derive(Debug, Default)]
pub struct AccountsCheck {
    /// Sampled hashes that Waybill can verify.
    pub hashes: Vec<StoredHash>,
    stored: HashTally,
    /// Labels of roles that grant a capability and that no account has.
    pub empty_roles: Vec<String>,
    /// Number of roles that grant a capability.
    roles: usize,
}

/// Checks a sample of the stored hashes, and whether each role with a capability has an account. Returns `None` where
/// accounts are Waybill's own. Blocks.
///
/// # Errors
/// When the database cannot be read.
pub fn check_accounts(source: &dyn Source, profile: &Profile) -> Result<Option<AccountsCheck>, Error> {
    let mut snapshot = source.open_snapshot()?;
    let catalog = snapshot.catalog()?;
    check_in(source, &mut *snapshot, &catalog, profile)
}

/// The same in an open snapshot.
pub(super) fn check_in(
    source: &dyn Source,
    snapshot: &mut dyn Snapshot,
    catalog: &Catalog,
    profile: &Profile,
) -> Result<Option<AccountsCheck>, Error> {
    let Some(auth) = &profile.auth else { return Ok(None) };
    let mut check = AccountsCheck::default();
    sample_hashes(snapshot, catalog, auth, &mut check)?;
    for role in profile.roles.values().filter(|role| !role.capabilities.is_empty()) {
        check.roles += 1;
        if !somebody_has(source, auth, role)? {
            check.empty_roles.push(role.label.clone());
        }
    }
    Ok(Some(check))
}

fn sample_hashes(
    snapshot: &mut dyn Snapshot,
    catalog: &Catalog,
    auth: &Auth,
    check: &mut AccountsCheck,
) -> Result<(), Error> {
    let (table, hash) = auth.password_place();
    let Some(table) = catalog.table(table) else { return Ok(()) };
    // Sign-in reports an unreadable table.
    if catalog.unreadable.iter().any(|unreadable| unreadable.table == table.name) {
        return Ok(());
    }
    let conditions = match &auth.password {
        Password::Column(_) => BTreeMap::new(),
        Password::Elsewhere(place) => place.when.iter().collect(),
    };
    let named = |name: &String| table.columns.iter().find(|column| column.name == *name).cloned();
    // The hash first, then the columns that say whether the row is about a password.
    let columns: Option<Vec<ColumnSchema>> =
        [&hash.to_owned()].into_iter().chain(conditions.keys().copied()).map(named).collect();
    let Some(columns) = columns else { return Ok(()) };
    let mut sink = Hashes { check, conditions: conditions.into_values().collect(), row: Vec::new() };
    Ok(snapshot.sample(&whole(table, columns), &mut sink)?)
}

/// The sink for sampled rows of the table with the hashes.
struct Hashes<'a> {
    check: &'a mut AccountsCheck,
    /// Conditions on the columns after the hash, in column order.
    conditions: Vec<&'a Comparison>,
    row: Vec<Option<String>>,
}

impl RowSink for Hashes<'_> {
    fn value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).into_owned();
        self.row.push(match value {
            Value::Text(bytes) | Value::Plain(bytes) => Some(text(bytes)),
            Value::Boolean(value) => Some(value.to_string()),
            Value::Integer(n) => Some(n.to_string()),
            Value::Null | Value::Float(_) | Value::Double(_) | Value::Blob(_) => None,
        });
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        let row = std::mem::take(&mut self.row);
        let Some((hash, values)) = row.split_first() else { return Ok(()) };
        let is_about_a_password =
            self.conditions.iter().zip(values).all(|(comparison, value)| comparison.accepts(value.as_deref()));
        if let Some(hash) = hash.as_deref().filter(|_| is_about_a_password) {
            self.check.hashes.extend(self.check.stored.see(hash));
        }
        Ok(())
    }
}

impl AccountsCheck {
    /// Reasons why people cannot sign in, one per line.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let all = self.stored.all;
        let unreadable = self.stored.unreadable.iter().map(|(problem, count)| {
            format!(
                "{count} of {} looked at cannot sign in: Waybill does not check {problem}",
                counted(all, "stored password")
            )
        });
        let empty = self.empty_roles.iter().map(|label| {
            format!("nobody has the role {label} now: compare its condition with what the database holds")
        });
        let none = (self.roles == 0).then(|| {
            "no role of the profile may do anything: give one capabilities = [\"export_database\"]".to_owned()
        });
        unreadable.chain(empty).chain(none).collect()
    }
}
