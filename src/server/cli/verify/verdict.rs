//! The result of checking one file, and how it is printed.

use std::path::Path;

use serde_json::json;

use crate::seal::{Verified, VerifyError};
use crate::server::cli::exit::{CliError, Exit};
use crate::server::cli::terminal::{eprint_line, print_line};
use crate::server::signing::{PublicKey, SignatureStatus};

/// The result of checking one file.
pub enum Verdict {
    /// Signed with a trusted key.
    Unaltered(Verified, PublicKey),
    /// Matches its own seal, but is not signed with a trusted key.
    SealOnly(Verified, SignatureStatus),
    /// Intact, but not the requested file: another digest, or not signed with a key of `--key`.
    Unexpected(Verified, String),
    NotIntact(VerifyError),
}

/// How verdicts are printed.
#[derive(Clone, Copy, Debug)]
pub struct ReportOptions {
    pub json: bool,
    /// Whether each line begins with the file's name.
    pub names_files: bool,
    /// Whether the keys to trust were given, rather than this installation's own.
    pub has_trusted_keys: bool,
}

impl Verdict {
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Unexpected(..) | Self::NotIntact(_))
    }

    /// Prints the verdict.
    pub fn print(&self, file: &Path, options: ReportOptions) -> Result<Exit, CliError> {
        if options.json {
            return print_line(&self.to_json(file).to_string());
        }
        let name = if options.names_files { format!("{}: ", file.display()) } else { String::new() };
        match self {
            Self::Unaltered(verified, key) => {
                let whose = if options.has_trusted_keys { "a trusted key" } else { "this installation's key" };
                print_line(&format!("{name}unaltered: {verified}, signed with {whose} {}", key.id()))
            }
            Self::SealOnly(verified, trust) => print_line(&format!(
                "{name}complete: {verified}; the file matches its seal and is {}",
                describe_signature(trust)
            )),
            Self::Unexpected(_, what) => {
                eprint_line(&format!("waybill: {name}{what}"));
                Ok(Exit::NotIntact)
            }
            Self::NotIntact(error) => {
                eprint_line(&format!("waybill: {name}not intact: {error}"));
                Ok(Exit::NotIntact)
            }
        }
    }

    fn to_json(&self, file: &Path) -> serde_json::Value {
        let (verified, key, reason) = match self {
            Self::Unaltered(verified, key) | Self::SealOnly(verified, SignatureStatus::Untrusted(key)) => {
                (verified, Some(key.id()), None)
            }
            Self::SealOnly(verified, _) => (verified, None, None),
            Self::Unexpected(verified, what) => (verified, None, Some(what)),
            Self::NotIntact(error) => return json!({"file": file, "complete": false, "reason": error.to_string()}),
        };
        json!({
            "file": file,
            "complete": true,
            "unaltered": matches!(self, Self::Unaltered(..)),
            "refused": reason,
            "key": key,
            "records": verified.records,
            "tables": verified.tables,
            "bytes": verified.bytes,
            "missing_media": verified.metadata.missing_media.unwrap_or(0),
            "sha256": verified.sha256,
            "sealed_at": verified.metadata.exported_at,
            "exported_by": verified.metadata.exported_by,
            "export_id": verified.metadata.export_id,
        })
    }
}

/// Describes the signature of a file.
pub fn describe_signature(trust: &SignatureStatus) -> String {
    match trust {
        SignatureStatus::Trusted(key) => format!("signed with key {}", key.id()),
        SignatureStatus::Untrusted(key) => format!(
            "signed with key {}, which is not trusted here; if you trust it, give its public key with --key FILE",
            key.id()
        ),
        SignatureStatus::Unsigned => "not signed".into(),
        SignatureStatus::Invalid => "not validly signed".into(),
    }
}
