//! `waybill audit verify`: checks the trail, and compares it with heads that were kept elsewhere.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::args::{SigningArgs, StateFileArgs};
use super::super::exit::{CliError, Exit};
use super::super::terminal::print_line;
use super::super::verify::verify_file;
use crate::model::manifest::{AuditHead, Metadata};
use crate::seal::VerifyError;
use crate::server::audit;
use crate::server::inspect::DocumentReader;
use crate::server::pipeline::decompress::Decompressor;
use crate::server::signing::{PublicKeys, SignatureStatus};

#[derive(Debug, Args)]
pub struct Verify {
    /// Exports of this installation to compare the trail with.
    ///
    /// Each export stores the head of the trail at the time it began: the number and the hash of the newest entry.
    /// Without any head to compare with, a trail that was shortened at its end or completely rewritten looks intact.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Head of the trail noted earlier, as `waybill export` prints it after "audit"; may be given several times.
    #[arg(long, value_name = "ENTRY:HASH", value_parser = parse_head)]
    head: Vec<AuditHead>,
    #[command(flatten)]
    state: StateFileArgs,
    #[command(flatten)]
    signing: SigningArgs,
}

/// A head of the trail that was kept elsewhere, and what holds it.
struct Evidence {
    holder: String,
    head: AuditHead,
}

fn parse_head(text: &str) -> Result<AuditHead, &'static str> {
    let message = "write the entry's number, a colon and its hash";
    let (entries, hash) = text.split_once(':').ok_or(message)?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let entries = entries.parse().map_err(|_| message)?;
    if is_hash { Ok(AuditHead { entries, hash: hash.to_ascii_lowercase() }) } else { Err(message) }
}

impl Verify {
    pub async fn run(self) -> Result<Exit, CliError> {
        let file = self.state.open_existing().await?;
        let evidence = self.evidence()?;
        let heads: Vec<AuditHead> = evidence.iter().map(|one| one.head.clone()).collect();
        let checked = audit::verify_chain(&file, &heads).await?;
        if let Some(error) = checked.error {
            let against = evidence.iter().find(|one| Some(one.head.entries) == error.contradicted_entry());
            let whose = against.map_or_else(String::new, |one| format!(", as {} shows", one.holder));
            return Err(CliError::new(Exit::NotIntact, format!("the audit trail is not intact: {error}{whose}")));
        }
        let AuditHead { entries, hash } = checked.head;
        print_line(&format!("unbroken up to {entries}:{hash}{}", describe_comparison(heads.len())))
    }

    /// The heads that were typed, then those of the files.
    fn evidence(&self) -> Result<Vec<Evidence>, CliError> {
        let typed =
            self.head.iter().map(|head| Ok(Evidence { holder: format!("entry {}", head.entries), head: head.clone() }));
        let own_keys = PublicKeys::of_installation(&self.signing.key_path(&self.state)?)?;
        let signed = self
            .files
            .iter()
            .map(|path| Ok(Evidence { holder: path.display().to_string(), head: read_signed_head(path, &own_keys)? }));
        typed.chain(signed).collect()
    }
}

fn describe_comparison(heads: usize) -> String {
    match heads {
        0 => "; no head was given to compare with, so a shortened trail would look the same: give exports of this \
              installation or --head"
            .to_owned(),
        1 => "; the given head agrees with it".to_owned(),
        count => format!("; the {count} given heads agree with it"),
    }
}

/// Reads the audit head from an export signed by this installation. Any other file proves nothing and is refused.
fn read_signed_head(path: &Path, own_keys: &PublicKeys) -> Result<AuditHead, CliError> {
    let rejected = |why: String| {
        let message = format!("{} proves nothing about the audit trail: {why}", path.display());
        CliError::new(Exit::NotIntact, message)
    };
    let verified = verify_file(path)?.map_err(|error| rejected(format!("it is not intact: {error}")))?;
    match own_keys.check_signature(verified.signature.as_ref()) {
        SignatureStatus::Trusted(_) => read_metadata(path).map(|metadata| metadata.audit),
        SignatureStatus::Untrusted(_) | SignatureStatus::Unsigned => {
            Err(rejected("it is not signed by this installation".into()))
        }
        SignatureStatus::Invalid => Err(rejected(VerifyError::InvalidSignature.to_string())),
    }
}

/// Reads the metadata of a file that has passed verification.
fn read_metadata(path: &Path) -> Result<Metadata, CliError> {
    let read_error =
        |error: std::io::Error| CliError::new(Exit::Failure, format!("{} cannot be read: {error}", path.display()));
    let content = Decompressor::new(File::open(path).map_err(read_error)?).map_err(read_error)?;
    Ok(DocumentReader::open(BufReader::with_capacity(256 << 10, content)).map_err(CliError::from)?.metadata)
}
