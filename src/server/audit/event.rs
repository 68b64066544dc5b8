//! The events of the audit trail.

use serde::Serialize;
use strum::VariantNames;

use crate::model::channel::Channel;
use crate::model::export::{ExportSummary, Failure};
use crate::model::import::ImportMode;
use crate::model::manifest::ExportType;

/// An event of the audit trail. The names of variants and fields are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, VariantNames)]
#[serde(tag = "event", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    SignedIn,
    /// `name` is a keyed digest of the name typed, which may be a password by mistake.
    SignInRefused {
        name: String,
    },
    /// Rate limited: nothing was looked up. Holds no name, since one client may try thousands.
    SignInLimited,
    /// A wrong or expired setup code for the first account.
    SetupRefused,
    SignedOut,
    /// The password was right; the second-factor code is still missing.
    PasswordAccepted,
    /// The password was right; the application asks for a second factor that Waybill cannot check.
    ApplicationSecondFactorNeeded,
    /// A wrong second-factor code, after the right password.
    CodeRefused,
    RecoveryCodeUsed,
    /// A signed-in user gave a wrong password when asked for it again.
    PasswordRefused,
    PasswordChanged,
    /// A secret for an authenticator app was created; it is not confirmed yet.
    SecondFactorBegun,
    SecondFactorSet,
    SecondFactorRemoved {
        account: String,
    },
    RecoveryCodesRenewed,
    /// By the account's owner, by the operator, or because the account no longer fits the session.
    SessionsEnded {
        account: String,
        count: u64,
    },
    /// A local account was created, or its password was set.
    AccountPut {
        account: String,
    },
    AccountDisabled {
        account: String,
    },
    AccountEnabled {
        account: String,
    },
    AccountRemoved {
        account: String,
    },
    Refused {
        action: String,
        role: Option<String>,
    },
    /// The number of times that a refusal was repeated within a minute.
    Repeated {
        what: Box<Self>,
        times: u64,
    },
    ExportRequested {
        scope: ExportType,
        channel: Channel,
        /// The filters of a part, one per line.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        selection: Vec<String>,
    },
    ExportStarted,
    ExportCompleted {
        summary: ExportSummary,
        /// Such as "3,112 direct messages of 48 people".
        #[serde(skip_serializing_if = "Option::is_none")]
        contains: Option<String>,
    },
    ExportFailed {
        failure: Failure,
    },
    ExportCancelled,
    ExportExpired,
    Downloaded {
        first_byte: u64,
        last_byte: u64,
        bytes_sent: u64,
        complete: bool,
    },
    /// What one client was sent of a file in ranges within about a minute.
    RangesDownloaded {
        ranges: u64,
        bytes_sent: u64,
    },
    DownloadStarted,
    /// A file's records are being put into the database. Without an entry that follows, the program was ended; the database
    /// then has all of them or none.
    ImportStarted {
        /// The import's id, by which it can be undone.
        import: String,
        /// The digest of the file's seal.
        sha256: String,
        export_id: String,
        /// What the file has, if that is a part of a database; one line for each filter.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        selection: Vec<String>,
        /// The profile by which it is imported.
        #[serde(default)]
        profile: String,
        mode: ImportMode,
        /// What was decided about records that are there: `customers=newer orders=skip`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policies: Option<String>,
        /// What is imported of the file, if it is not all: `orders 8`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<String>,
        /// The id of the trusted key that has signed the file; without one, `--accept-unsigned` was given.
        signed_by: Option<String>,
    },
    /// What an import would do to each record of the database is known, and written to a file. Nothing was imported.
    ImportPlanned {
        /// The plan's hash.
        plan: String,
        sha256: String,
        export_id: String,
        mode: ImportMode,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policies: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<String>,
        signed_by: Option<String>,
    },
    ImportCompleted {
        created: u64,
        updated: u64,
        unchanged: u64,
        #[serde(default, skip_serializing_if = "is_zero")]
        removed: u64,
        duration_ms: u64,
        /// The hash of the plan that it was to have.
        plan: Option<String>,
    },
    /// What an import has done is about to be taken back.
    ImportUndoStarted {
        import: String,
    },
    ImportUndone {
        import: String,
        removed: u64,
        restored: u64,
        /// Records that the import had removed, and that are there again.
        #[serde(default, skip_serializing_if = "is_zero")]
        returned: u64,
        /// Records that were changed since, and stay as they are.
        changed_since: u64,
    },
    ImportUndoFailed {
        import: String,
        reason: String,
    },
    /// Nothing was changed, unless the reason says that this is not known.
    ImportFailed {
        reason: String,
    },
    /// A database was used with this state for the first time.
    SourceAdded {
        name: String,
    },
    /// The operator bound a known source to its moved, upgraded or renamed database.
    SourceRebound {
        from: String,
        name: String,
    },
    /// Another file was at the path of a known source, such as a restored backup, and is now used as this source.
    SourceFileReplaced {
        name: String,
    },
    /// Accounts without a source were assigned to this one.
    AccountsAdopted {
        count: u64,
    },
    /// The signing key was replaced.
    KeyRotated {
        from: Option<String>,
        to: String,
    },
}

/// The names of all events, as stored.
pub const EVENT_NAMES: &[&str] = Event::VARIANTS;

/// Entries of before do not have such a number.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
