//! The first line of every use case: may the caller do this, and if not, who tried what.

use super::caller::{Caller, Forbidden};
use crate::model::access::{Capability, Scope};
use crate::server::audit::{Event, Journal};
use crate::server::state;

/// Checks that the caller has the capability for the scope, and records a refusal. `action` completes the sentence "the
/// caller tried to …".
///
/// # Errors
/// `Forbidden`; an error of the state if the refusal cannot be recorded.
pub async fn authorise<E>(
    journal: &Journal,
    caller: &Caller,
    capability: Capability,
    scope: &Scope,
    action: &str,
) -> Result<(), E>
where
    E: From<Forbidden> + From<state::Error>,
{
    let Err(forbidden) = caller.require(capability, scope) else { return Ok(()) };
    refuse(journal, caller, action).await?;
    Err(forbidden.into())
}

/// Records that the caller was refused something.
///
/// # Errors
/// If the state cannot be written.
pub async fn refuse(journal: &Journal, caller: &Caller, action: &str) -> state::Result<()> {
    let event = Event::Refused { action: action.into(), role: caller.role().map(str::to_owned) };
    journal.refuse(caller.actor(), event).await
}
