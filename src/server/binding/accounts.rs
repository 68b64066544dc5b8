//! Accounts that were made before there was a source.

use super::error::Error;
use crate::server::audit::{Actor, Event, Journal};

/// Assigns the accounts without a source to this one and returns their number.
///
/// # Errors
/// `State` when the state cannot be written.
pub async fn adopt_accounts(journal: &Journal) -> Result<u64, Error> {
    let mut tx = journal.begin().await?;
    let count = tx.accounts().adopt().await?;
    let event = (count > 0).then_some(Event::AccountsAdopted { count });
    journal.commit_if(tx, Actor::PROGRAM, event).await?;
    Ok(count)
}
