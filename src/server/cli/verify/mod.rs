//! `waybill verify`: checks the seal and the signature of files.

mod verdict;
mod verify_file;
mod verify_folder;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::args::{SigningArgs, StateFileArgs};
use super::exit::{CliError, Exit};
use super::terminal::{eprint_line, print_line};
use crate::seal::VerifyError;
use crate::server::signing::{self, PublicKeys, SignatureStatus};
use verdict::{ReportOptions, Verdict, describe_signature};
pub use verify_file::verify_file;
use verify_folder::verify_folder;

#[derive(Debug, Args)]
pub struct Verify {
    /// Files or folders of an export to check, or - for standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// File with the public keys to trust, in PEM, as `waybill key export` prints them [default: this installation's
    /// own keys].
    ///
    /// Scripts should use it: a file that none of these keys has signed is refused. Without it, a file that only
    /// matches its own seal exits with code 0.
    #[arg(long, value_name = "PEM-FILE")]
    key: Option<PathBuf>,
    /// Also require the seal to have this digest, as the history and the summary of the export show it.
    #[arg(long, value_name = "HEX", value_parser = parse_digest)]
    sha256: Option<String>,
    #[command(flatten)]
    signing: SigningArgs,
    /// Print the result as JSON, one line per file.
    #[arg(long)]
    json: bool,
}

fn parse_digest(text: &str) -> Result<String, &'static str> {
    let is_digest = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if is_digest { Ok(text.to_ascii_lowercase()) } else { Err("a SHA-256 has 64 hexadecimal digits") }
}

impl Verify {
    pub fn run(self) -> Result<Exit, CliError> {
        if self.sha256.is_some() && self.files.len() > 1 {
            return Err(CliError::new(
                Exit::Usage,
                "--sha256 is the digest of one file: give exactly one file with it",
            ));
        }
        let trusted = self.trusted_keys()?;
        let mut exit = Exit::Success;
        for file in &self.files {
            match self.check_file(file, &trusted) {
                Ok(verdict) => {
                    verdict.print(file, self.report_options())?;
                    if verdict.is_refused() {
                        exit = Exit::NotIntact;
                    }
                }
                Err(failed) => {
                    if self.json {
                        print_line(&json!({"file": file, "complete": null, "reason": failed.message}).to_string())?;
                    }
                    eprint_line(&format!("waybill: {}", failed.message));
                    // A file that is not intact outranks one that cannot be read.
                    exit = if exit == Exit::NotIntact { exit } else { failed.exit };
                }
            }
        }
        Ok(exit)
    }

    fn trusted_keys(&self) -> Result<PublicKeys, CliError> {
        let own_keys = || match self.signing.key_path(&StateFileArgs { state: None }) {
            // A user who checks files need not be the one who signs them.
            Ok(path) if self.signing.signing_key.is_none() => {
                Ok(PublicKeys::of_installation(&path).unwrap_or_else(|error| {
                    eprint_line(&format!("waybill: this installation's keys are not used: {error}"));
                    PublicKeys::default()
                }))
            }
            Ok(path) => PublicKeys::of_installation(&path),
            // No folder for a default key, so there is none.
            Err(_) => Ok(PublicKeys::default()),
        };
        let keys = self.key.as_ref().map_or_else(own_keys, |file| PublicKeys::from_file(file));
        keys.map_err(|error| {
            let is_usage = matches!(error, signing::Error::InvalidPublicKey(_));
            CliError::new(if is_usage { Exit::Usage } else { Exit::Failure }, error.to_string())
        })
    }

    fn check_file(&self, file: &Path, trusted: &PublicKeys) -> Result<Verdict, CliError> {
        let checked = if file.is_dir() { verify_folder(file) } else { verify_file(file) };
        let verified = match checked? {
            Ok(verified) => verified,
            Err(error) => return Ok(Verdict::NotIntact(error)),
        };
        if let Some(expected) = self.sha256.as_ref().filter(|expected| **expected != verified.sha256) {
            let found = &verified.sha256;
            let what =
                format!("complete, but not the expected file: the digest of its seal is {found}, not {expected}");
            return Ok(Verdict::Unexpected(verified, what));
        }
        Ok(match trusted.check_signature(verified.signature.as_ref()) {
            SignatureStatus::Trusted(key) => Verdict::Unaltered(verified, key),
            SignatureStatus::Invalid => Verdict::NotIntact(VerifyError::InvalidSignature),
            trust if self.key.is_some() => {
                let what = format!("complete, but {}", describe_signature(&trust));
                Verdict::Unexpected(verified, what)
            }
            trust => Verdict::SealOnly(verified, trust),
        })
    }

    fn report_options(&self) -> ReportOptions {
        ReportOptions { json: self.json, names_files: self.files.len() > 1, has_trusted_keys: self.key.is_some() }
    }
}
