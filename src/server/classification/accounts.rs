//! Whether people can sign in with the accounts that a profile names.

use std::collections::BTreeMap;

use super::{Error, whole};
use crate::model::catalog::ColumnSchema;
use crate::model::text::counted;
use crate::server::identity::somebody_has;
use crate::server::profile::{Auth, Comparison, Password, Profile};
use crate::server::rows::{Catalog, RowSink, Stopped, Value};
use crate::server::source::{Snapshot, Source};
use crate::server::support::password::{HashTally, StoredHash};

/// What a sample of the accounts says.
#[derive(Debug, Default)]
pub struct AccountsCheck {
    /// Those that can be checked.
    pub hashes: Vec<StoredHash>,
    stored: HashTally,
    /// Roles that may do something and that nobody has, by their labels.
    pub empty_roles: Vec<String>,
    /// Roles that may do something.
    roles: usize,
}

/// Looks at a sample of the stored hashes, and asks for each role that may do something whether anybody has it.
/// None where accounts are Waybill's own. Blocks.
///
/// # Errors
/// When the database cannot be read.
pub fn check_accounts(source: &dyn Source, profile: &Profile) -> Result<Option<AccountsCheck>, Error> {
    let mut snapshot = source.open_snapshot()?;
    let catalog = snapshot.catalog()?;
    check_in(source, &mut *snapshot, &catalog, profile)
}

/// The same in a view that is open already.
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
    // Of a table that may not be read, sign-in will say so.
    if catalog.unreadable.iter().any(|unreadable| unreadable.table == table.name) {
        return Ok(());
    }
    let conditions = match &auth.password {
        Password::Column(_) => BTreeMap::new(),
        Password::Elsewhere(place) => place.when.iter().collect(),
    };
    let named = |name: &String| table.columns.iter().find(|column| column.name == *name).cloned();
    // The hash first, then what says whether the row is about a password.
    let columns: Option<Vec<ColumnSchema>> =
        [&hash.to_owned()].into_iter().chain(conditions.keys().copied()).map(named).collect();
    let Some(columns) = columns else { return Ok(()) };
    let mut sink = Hashes { check, conditions: conditions.into_values().collect(), row: Vec::new() };
    Ok(snapshot.sample(&whole(table, columns), &mut sink)?)
}

/// Takes sampled rows of the table with the hashes.
struct Hashes<'a> {
    check: &'a mut AccountsCheck,
    /// On the columns after the one with the hash.
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
    /// What keeps people out, a line each.
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
