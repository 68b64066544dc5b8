//! Removes a lost second factor.

use super::super::error::Error;
use super::Operator;
use crate::server::audit::Event;
use crate::server::state::second_factors::SecondFactor;

impl Operator {
    /// Removes a second factor whose owner has lost app and recovery codes, and ends the account's sessions. Also for
    /// accounts of the application.
    ///
    /// # Errors
    /// `SecondFactorNotFound` if no account of that name has one, or if several names differ only by case.
    pub async fn reset_second_factor(&self, name: &str) -> Result<(), Error> {
        let factors = self.state.connect().await?.second_factors().all().await?;
        let factor = find_by_name(&factors, name.trim())?;
        let mut tx = self.state.begin().await?;
        tx.second_factors().remove(&factor.account_id).await?;
        tx.sessions().remove_all_of_account(&factor.account_id).await?;
        let event = Event::SecondFactorRemoved { account: factor.name.clone() };
        Ok(self.journal.commit(tx, self.actor(), event).await?)
    }
}

/// The factor of exactly this name, else the only one of a name that differs by case.
fn find_by_name<'a>(factors: &'a [SecondFactor], name: &str) -> Result<&'a SecondFactor, Error> {
    let exact = factors.iter().find(|factor| factor.name == name);
    let mut case_insensitive = factors.iter().filter(|factor| factor.name.eq_ignore_ascii_case(name));
    // Names that differ only by case belong to two people.
    match (exact, case_insensitive.next(), case_insensitive.next()) {
        (Some(factor), ..) | (None, Some(factor), None) => Ok(factor),
        (None, None, _) => Err(Error::SecondFactorNotFound(name.to_owned())),
        (None, Some(one), Some(other)) => {
            let choices = format!("{name}: write {} or {}", one.name, other.name);
            Err(Error::SecondFactorNotFound(choices))
        }
    }
}
