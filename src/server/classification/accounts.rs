//! Whether people can sign in with the accounts that a profile names.

use std::collections::BTreeMap;

use super::{Error, whole};
use crate::model::text::counted;
use crate::server::identity::somebody_has;
use crate::server::profile::{Auth, Password, Profile};
use crate::server::rows::{RowSink, Stopped, Value};
use crate::server::source::Source;
use crate::server::support::password::{StoredHash, Unreadable};

/// What a sample of the accounts says.
#[derive(Debug, Default)]
pub struct AccountsCheck {
    /// Those that can be checked.
    pub hashes: Vec<StoredHash>,
    /// Why others cannot, and how many of the sample are like that.
    pub unreadable: BTreeMap<Unreadable, u64>,
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
    let Some(auth) = &profile.auth else { return Ok(None) };
    let mut check = AccountsCheck::default();
    sample_hashes(source, auth, &mut check)?;
    for role in profile.roles.values().filter(|role| !role.capabilities.is_empty()) {
        check.roles += 1;
        if !somebody_has(source, auth, role)? {
            check.empty_roles.push(role.label.clone());
        }
    }
    Ok(Some(check))
}

fn sample_hashes(source: &dyn Source, auth: &Auth, check: &mut AccountsCheck) -> Result<(), Error> {
    let (table, column) = auth.password_place();
    let mut snapshot = source.open_snapshot()?;
    let catalog = snapshot.catalog()?;
    let Some(table) = catalog.table(table) else { return Ok(()) };
    // Of a table that may not be read, sign-in will say so.
    if catalog.unreadable.iter().any(|unreadable| unreadable.table == table.name) {
        return Ok(());
    }
    let conditions = match &auth.password {
        Password::Column(_) => None,
        Password::Elsewhere(place) => Some(&place.when),
    };
    let place = |name: &str| table.columns.iter().position(|column| column.name == name);
    let Some(hash) = place(column) else { return Ok(()) };
    let conditions = conditions.into_iter().flatten();
    let conditions = conditions.filter_map(|(name, comparison)| Some((place(name)?, comparison))).collect();
    let mut sink = Hashes { check, hash, conditions, row: Vec::new() };
    Ok(snapshot.sample(&whole(table), &mut sink)?)
}

/// Takes sampled rows of the table with the hashes.
struct Hashes<'a> {
    check: &'a mut AccountsCheck,
    /// Of the columns, the one with the hash, and those that say whether the row is about a password.
    hash: usize,
    conditions: Vec<(usize, &'a crate::server::profile::Comparison)>,
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
        let value = |at: usize| row.get(at).and_then(Option::as_deref);
        let is_about_a_password = self.conditions.iter().all(|(at, comparison)| comparison.accepts(value(*at)));
        if let Some(hash) = value(self.hash).filter(|_| is_about_a_password) {
            match StoredHash::parse(hash) {
                Ok(hash) => self.check.hashes.push(hash),
                Err(Unreadable::Empty) => {}
                Err(problem) => *self.check.unreadable.entry(problem).or_default() += 1,
            }
        }
        Ok(())
    }
}

impl AccountsCheck {
    /// What keeps people out, a line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let all = self.hashes.len() as u64 + self.unreadable.values().sum::<u64>();
        let unreadable = self.unreadable.iter().map(|(problem, count)| {
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
