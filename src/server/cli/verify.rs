//! `waybill verify`: checks the seal and the signature of files.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::args::{SigningArgs, StateFileArgs};
use super::exit::{CliError, Exit};
use super::terminal::{eprint_line, print_line};
use crate::seal::CorruptStream;
use crate::seal::{Verified, Verifier, VerifyError};
use crate::server::pipeline::decompress::Decompressor;
use crate::server::pipeline::hashing_thread::HashingThread;
use crate::server::pipeline::{CHUNK_BYTES, CHUNKS_IN_FLIGHT};
use crate::server::signing::{self, PublicKey, PublicKeys, SignatureStatus};

#[derive(Debug, Args)]
pub struct Verify {
    /// Files to check, or - for standard input.
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

/// The result of checking one file.
enum Verdict {
    /// Signed with a trusted key.
    Unaltered(Verified, PublicKey),
    /// Matches its own seal, but is not signed with a trusted key.
    SealOnly(Verified, SignatureStatus),
    /// Intact, but not the requested file: another digest, or not signed with a key of `--key`.
    Unexpected(Verified, String),
    NotIntact(VerifyError),
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
                    self.report(file, &verdict)?;
                    if matches!(verdict, Verdict::Unexpected(..) | Verdict::NotIntact(_)) {
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
            // Errors of the default key are ignored: a user who checks files need not be the one who signs them.
            Ok(path) if self.signing.signing_key.is_none() => {
                Ok(PublicKeys::of_installation(&path).unwrap_or_default())
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
        let verified = match verify_file(file)? {
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

    fn report(&self, file: &Path, verdict: &Verdict) -> Result<Exit, CliError> {
        if self.json {
            return print_line(&to_json(file, verdict).to_string());
        }
        let name = if self.files.len() > 1 { format!("{}: ", file.display()) } else { String::new() };
        match verdict {
            Verdict::Unaltered(verified, key) => {
                let whose = if self.key.is_some() { "a trusted key" } else { "this installation's key" };
                print_line(&format!("{name}unaltered: {verified}, signed with {whose} {}", key.id()))
            }
            Verdict::SealOnly(verified, trust) => print_line(&format!(
                "{name}complete: {verified}; the file matches its seal and is {}",
                describe_signature(trust)
            )),
            Verdict::Unexpected(_, what) => {
                eprint_line(&format!("waybill: {name}{what}"));
                Ok(Exit::NotIntact)
            }
            Verdict::NotIntact(error) => {
                eprint_line(&format!("waybill: {name}not intact: {error}"));
                Ok(Exit::NotIntact)
            }
        }
    }
}

/// Describes the signature of a file.
fn describe_signature(trust: &SignatureStatus) -> String {
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

/// Verifies a file. The outer error: it cannot be read at all; the inner one: it is not intact.
pub fn verify_file(path: &Path) -> Result<Result<Verified, VerifyError>, CliError> {
    let read_error =
        |error: std::io::Error| CliError::new(Exit::Failure, format!("{} cannot be read: {error}", path.display()));
    let (input, bytes): (Box<dyn Read + Send>, u64) = if path == Path::new("-") {
        (Box::new(std::io::stdin()), 0)
    } else {
        let file = File::open(path).map_err(read_error)?;
        let bytes = file.metadata().map_err(read_error)?.len();
        (Box::new(file), bytes)
    };
    let bar = progress_bar(bytes);
    let verdict = match Decompressor::new(input) {
        Ok(input) => verify_content(input, &bar),
        Err(error) => Err(error),
    };
    bar.finish_and_clear();
    match verdict {
        Err(error) if CorruptStream::is_cause_of(&error) => {
            Ok(Err(VerifyError::CorruptStream { what: error.to_string() }))
        }
        verdict => verdict.map_err(read_error),
    }
}

/// Verifies decompressed content. The outer error: the file cannot be read, or its compressed stream is corrupt.
/// Reading, checking records and hashing take about equally long, so each has its own thread.
fn verify_content(
    input: Decompressor<impl Read + Send + 'static>,
    bar: &ProgressBar,
) -> std::io::Result<Result<Verified, VerifyError>> {
    let (tx, rx) = sync_channel(CHUNKS_IN_FLIGHT);
    let (recycle_tx, recycled_rx) = channel();
    // The thread ends when the receiver is dropped. It is not joined: a silent pipe could block it forever.
    std::thread::spawn(move || read_ahead(input, &tx, &recycled_rx));
    let mut verifier = Verifier::with_digester(HashingThread::start());
    // The size of the file itself, compressed or not.
    let mut bytes = 0;
    for chunk in rx {
        let Chunk { content, len, file_position } = chunk?;
        if let Err(error) = verifier.feed(&content[..len]) {
            return Ok(Err(error));
        }
        bytes = file_position;
        bar.set_position(file_position);
        let _ = recycle_tx.send(content);
    }
    Ok(verifier.finish().map(|verified| Verified { bytes, ..verified }))
}

/// A chunk of content, and the position in the file (before decompression) after reading it.
struct Chunk {
    content: Vec<u8>,
    len: usize,
    file_position: u64,
}

fn read_ahead(
    mut input: Decompressor<impl Read>,
    tx: &SyncSender<std::io::Result<Chunk>>,
    recycled_rx: &Receiver<Vec<u8>>,
) {
    loop {
        let mut content = recycled_rx.try_recv().unwrap_or_else(|_| vec![0; CHUNK_BYTES]);
        let chunk = match input.read(&mut content) {
            // The size of the file is known only at its end.
            Ok(0) => {
                let _ = tx.send(Ok(Chunk { content, len: 0, file_position: input.bytes_read() }));
                return;
            }
            Ok(len) => Ok(Chunk { content, len, file_position: input.bytes_read() }),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        if tx.send(chunk).is_err() {
            return;
        }
    }
}

fn progress_bar(bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() || bytes < 64 << 20 {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("checking {wide_bar} {bytes} of {total_bytes}  {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn to_json(file: &Path, verdict: &Verdict) -> serde_json::Value {
    let (verified, key, reason) = match verdict {
        Verdict::Unaltered(verified, key) | Verdict::SealOnly(verified, SignatureStatus::Untrusted(key)) => {
            (verified, Some(key.id()), None)
        }
        Verdict::SealOnly(verified, _) => (verified, None, None),
        Verdict::Unexpected(verified, what) => (verified, None, Some(what)),
        Verdict::NotIntact(error) => return json!({"file": file, "complete": false, "reason": error.to_string()}),
    };
    json!({
        "file": file,
        "complete": true,
        "unaltered": matches!(verdict, Verdict::Unaltered(..)),
        "refused": reason,
        "key": key,
        "records": verified.records,
        "tables": verified.tables,
        "bytes": verified.bytes,
        "sha256": verified.sha256,
        "sealed_at": verified.metadata.exported_at,
        "exported_by": verified.metadata.exported_by,
        "export_id": verified.metadata.export_id,
    })
}
