//! Has the chosen file checked, and says what is known of it: seal, signature, the export that made it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::File;

use crate::model::history::KnownExport;
use crate::rpc::history::recognise_file;
use crate::seal::{CheckUpdate, Verified, VerifyError};
use crate::ui::browser::{check_file, verify_signature};

/// The state of checking the chosen file.
#[derive(Clone)]
pub enum CheckState {
    Idle,
    Checking { name: String, percent: u64 },
    Valid { name: String, verified: Box<Verified>, signature: SignatureStatus, export: Option<KnownExport> },
    Invalid { name: String, reason: String },
    NotChecked { name: String, reason: String },
}

/// The result of checking the file's signature.
#[derive(Clone, Copy, PartialEq)]
pub enum SignatureStatus {
    /// Signed with a key of this installation: the file is unaltered.
    OwnKey,
    UnknownKey,
    Missing,
    NotChecked,
    /// The console's keys could not be looked up.
    KeysUnavailable,
}

/// Checks one file at a time.
#[derive(Clone, Copy)]
pub struct FileChecker {
    pub state: RwSignal<CheckState>,
    /// Number of the newest check. Results for a file are ignored once a later one is chosen.
    newest: StoredValue<u64>,
}

impl FileChecker {
    pub fn new() -> Self {
        Self { state: RwSignal::new(CheckState::Idle), newest: StoredValue::new(0) }
    }

    pub fn check(self, file: &File) {
        let name = file.name();
        self.newest.update_value(|newest| *newest += 1);
        let number = self.newest.get_value();
        self.state.set(CheckState::Checking { name: name.clone(), percent: 0 });
        check_file(file, move |update| {
            let name = name.clone();
            spawn_local(async move {
                let next_state = evaluate(name, update).await;
                if self.newest.get_value() == number {
                    self.state.set(next_state);
                }
            });
        });
    }
}

/// Turns an update of the check into page state; looks up a valid file and its signing key on this console.
async fn evaluate(name: String, update: CheckUpdate) -> CheckState {
    let verified = match update {
        CheckUpdate::Progress { percent } => return CheckState::Checking { name, percent },
        CheckUpdate::Invalid(reason) => return CheckState::Invalid { name, reason },
        CheckUpdate::NotChecked(reason) => return CheckState::NotChecked { name, reason },
        CheckUpdate::Valid(verified) => verified,
    };
    let recognised = recognise_file(verified.sha256.clone()).await.ok();
    let own_keys = recognised.as_ref().map(|recognised| &recognised.keys[..]);
    match check_signature(&verified, own_keys).await {
        Err(error) => CheckState::Invalid { name, reason: error.to_string() },
        Ok(signature) => {
            let export = recognised.and_then(|recognised| recognised.export);
            CheckState::Valid { name, verified, signature, export }
        }
    }
}

/// `own_keys` are those of this installation, if they could be looked up.
async fn check_signature(verified: &Verified, own_keys: Option<&[String]>) -> Result<SignatureStatus, VerifyError> {
    let Some(signed) = &verified.signature else { return Ok(SignatureStatus::Missing) };
    match (verify_signature(signed).await, own_keys) {
        (Some(false), _) => Err(VerifyError::InvalidSignature),
        (None, _) => Ok(SignatureStatus::NotChecked),
        (Some(true), None) => Ok(SignatureStatus::KeysUnavailable),
        (Some(true), Some(keys)) if keys.contains(&signed.signature.key) => Ok(SignatureStatus::OwnKey),
        (Some(true), Some(_)) => Ok(SignatureStatus::UnknownKey),
    }
}
