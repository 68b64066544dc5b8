//! What a failed export tells its requester. The log has the cause, linked by a reference.

use super::running::StopReason;
use super::{Error, Exports};
use crate::model::export::Failure;
use crate::model::text;
use crate::server::identity;
use crate::server::support::random;

const ROLE_REVOKED: &str = "Your role no longer allows exports.";

impl Exports {
    /// The failure that an error means; `None` for an export that its requester cancelled.
    pub(super) fn failure(&self, stopped: Option<StopReason>, error: &Error) -> Option<Failure> {
        let message = match stopped {
            Some(StopReason::Cancelled) => return None,
            Some(StopReason::RoleRevoked) => ROLE_REVOKED.to_owned(),
            Some(StopReason::RoleCheckFailed) => {
                "The database did not confirm that you may still export. Try again when it responds.".to_owned()
            }
            Some(StopReason::ShuttingDown) => "The server was stopped. Start a new export.".to_owned(),
            Some(StopReason::LeaseLost) => public_message(&Error::LeaseLost),
            None => public_message(error),
        };
        let is_revoked = stopped == Some(StopReason::RoleRevoked) || matches!(error, Error::Forbidden(_));
        Some(if is_revoked { self.log_revocation() } else { self.log_failure(&message, error) })
    }

    /// Logs that the requester may no longer export: somebody's decision, and no error.
    fn log_revocation(&self) -> Failure {
        let reference = random::new_error_reference(&*self.random);
        tracing::info!(%reference, "an export ended without a file: its requester may no longer export");
        Failure { message: ROLE_REVOKED.to_owned(), reference: Some(reference) }
    }

    /// Logs the cause and returns the failure that users see, linked to it by a reference.
    pub(super) fn log_failure(&self, message: &str, cause: &Error) -> Failure {
        let reference = random::new_error_reference(&*self.random);
        tracing::error!(%reference, error = %cause, "an export ended without a file");
        Failure { message: message.to_owned(), reference: Some(reference) }
    }
}

/// The message that users see. For internal errors, whose text is for the log only, it says what to check.
fn public_message(error: &Error) -> String {
    match error {
        Error::Forbidden(_) => ROLE_REVOKED.to_owned(),
        Error::Artifact(_) => text::to_sentence(
            "the server cannot store the file: check its disk and the folder beside its state database",
        ),
        Error::State(_) | Error::Jobs(_) | Error::Identity(identity::Error::State(_)) => {
            text::to_sentence("the server cannot write its state database: check its disk, then try again")
        }
        other => text::to_sentence(&other.to_string()),
    }
}
