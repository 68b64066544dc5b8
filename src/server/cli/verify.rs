//! `waybill verify`: checks the seal and the signature of files.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Exit, Failed, SigningArgs, StateFileArgs, print, tell};
use crate::seal::BadPacking;
use crate::seal::{Flaw, Verified, Verifier};
use crate::server::pipeline::hashing_thread::HashingThread;
use crate::server::pipeline::unpack::Unpacker;
use crate::server::pipeline::{CHUNK_BYTES, CHUNKS_IN_FLIGHT};
use crate::server::signing::{self, PublicKey, PublicKeys, Trust};

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
    #[arg(long, value_name = "HEX", value_parser = digest)]
    sha256: Option<String>,
    #[command(flatten)]
    signing: SigningArgs,
    /// Print the result as JSON, one line per file.
    #[arg(long)]
    json: bool,
}

fn digest(text: &str) -> Result<String, &'static str> {
    let hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if hex { Ok(text.to_ascii_lowercase()) } else { Err("a SHA-256 has 64 hexadecimal digits") }
}

/// The result of checking one file.
enum Verdict {
    /// Signed with a trusted key.
    Unaltered(Verified, PublicKey),
    /// Matches its own seal, but is not signed with a trusted key.
    Whole(Verified, Trust),
    /// Intact, but not the requested file: another digest, or not signed with a key of `--key`.
    NotMeant(Verified, String),
    NotWhole(Flaw),
}

impl Verify {
    pub fn run(self) -> Result<Exit, Failed> {
        if self.sha256.is_some() && self.files.len() > 1 {
            return Err(Failed::new(Exit::Usage, "--sha256 is one file's digest: give one file with it"));
        }
        let trusted = self.trusted()?;
        let mut exit = Exit::Done;
        for file in &self.files {
            match self.verdict(file, &trusted) {
                Ok(verdict) => {
                    self.say(file, &verdict)?;
                    if matches!(verdict, Verdict::NotMeant(..) | Verdict::NotWhole(_)) {
                        exit = Exit::NotWhole;
                    }
                }
                Err(failed) => {
                    if self.json {
                        print(&json!({"file": file, "complete": null, "reason": failed.message}).to_string())?;
                    }
                    tell(&format!("waybill: {}", failed.message));
                    // A file that is not intact outranks one that cannot be read.
                    exit = if exit == Exit::NotWhole { exit } else { failed.exit };
                }
            }
        }
        Ok(exit)
    }

    fn trusted(&self) -> Result<PublicKeys, Failed> {
        let own = || match self.signing.path(&StateFileArgs { state: None }) {
            // Errors of the default key are ignored: a user who checks files need not be the one who signs them.
            Ok(path) if self.signing.signing_key.is_none() => {
                Ok(PublicKeys::of_installation(&path).unwrap_or_default())
            }
            Ok(path) => PublicKeys::of_installation(&path),
            // No folder for a default key, so there is none.
            Err(_) => Ok(PublicKeys::default()),
        };
        let keys = self.key.as_ref().map_or_else(own, |file| PublicKeys::from_file(file));
        keys.map_err(|error| {
            let is_usage = matches!(error, signing::Error::NoPublicKey(_));
            Failed::new(if is_usage { Exit::Usage } else { Exit::Failed }, error.to_string())
        })
    }

    fn verdict(&self, file: &Path, trusted: &PublicKeys) -> Result<Verdict, Failed> {
        let verified = match read(file)? {
            Ok(verified) => verified,
            Err(flaw) => return Ok(Verdict::NotWhole(flaw)),
        };
        if let Some(expected) = self.sha256.as_ref().filter(|expected| **expected != verified.sha256) {
            let found = &verified.sha256;
            let what = format!("whole, but another file: the digest of its seal is {found}, and not {expected}");
            return Ok(Verdict::NotMeant(verified, what));
        }
        Ok(match trusted.judge(verified.signed.as_ref()) {
            Trust::Trusted(key) => Verdict::Unaltered(verified, key),
            Trust::Broken => Verdict::NotWhole(Flaw::Signature),
            trust if self.key.is_some() => {
                let what = format!("whole, but {}", signature(&trust));
                Verdict::NotMeant(verified, what)
            }
            trust => Verdict::Whole(verified, trust),
        })
    }

    fn say(&self, file: &Path, verdict: &Verdict) -> Result<Exit, Failed> {
        if self.json {
            return print(&as_json(file, verdict).to_string());
        }
        let name = if self.files.len() > 1 { format!("{}: ", file.display()) } else { String::new() };
        match verdict {
            Verdict::Unaltered(verified, key) => {
                let whose = if self.key.is_some() { "a trusted key" } else { "this installation's key" };
                print(&format!("{name}unaltered: {verified}, signed with {whose} {}", key.id()))
            }
            Verdict::Whole(verified, trust) => {
                print(&format!("{name}whole: {verified}; it matches its own seal, and is {}", signature(trust)))
            }
            Verdict::NotMeant(_, what) => {
                tell(&format!("waybill: {name}{what}"));
                Ok(Exit::NotWhole)
            }
            Verdict::NotWhole(flaw) => {
                tell(&format!("waybill: {name}not whole: {flaw}"));
                Ok(Exit::NotWhole)
            }
        }
    }
}

/// Describes the signature of a file.
fn signature(trust: &Trust) -> String {
    match trust {
        Trust::Trusted(key) => format!("signed with key {}", key.id()),
        Trust::Untrusted(key) => format!("signed with key {}, which is not trusted here (--key)", key.id()),
        Trust::Unsigned => "not signed".into(),
        Trust::Broken => "not signed rightly".into(),
    }
}

/// Verifies a file. The outer error: it cannot be read at all; the inner one: it is not intact.
pub fn read(path: &Path) -> Result<Result<Verified, Flaw>, Failed> {
    let unreadable =
        |error: std::io::Error| Failed::new(Exit::Failed, format!("{} cannot be read: {error}", path.display()));
    let (input, bytes): (Box<dyn Read + Send>, u64) = if path == Path::new("-") {
        (Box::new(std::io::stdin()), 0)
    } else {
        let file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        (Box::new(file), bytes)
    };
    let bar = progress(bytes);
    let verdict = match Unpacker::new(input) {
        Ok(input) => check(input, &bar),
        Err(error) => Err(error),
    };
    bar.finish_and_clear();
    match verdict {
        Err(error) if BadPacking::is(&error) => Ok(Err(Flaw::Packing { what: error.to_string() })),
        verdict => verdict.map_err(unreadable),
    }
}

/// Verifies decompressed content. The outer error: the file cannot be read, or its compressed stream is corrupt.
/// Reading, checking records and hashing take about equally long, so each has its own thread.
fn check(input: Unpacker<impl Read + Send + 'static>, bar: &ProgressBar) -> std::io::Result<Result<Verified, Flaw>> {
    let (full, arriving) = sync_channel(CHUNKS_IN_FLIGHT);
    let (give_back, empty) = channel();
    // The thread ends when the receiver is dropped. It is not joined: a silent pipe could block it forever.
    std::thread::spawn(move || read_ahead(input, &full, &empty));
    let mut verifier = Verifier::with(HashingThread::start());
    // The size of the file itself, compressed or not.
    let mut bytes = 0;
    for chunk in arriving {
        let Chunk { content, read, position } = chunk?;
        if let Err(flaw) = verifier.feed(&content[..read]) {
            return Ok(Err(flaw));
        }
        bytes = position;
        bar.set_position(position);
        let _ = give_back.send(content);
    }
    Ok(verifier.finish().map(|verified| Verified { bytes, ..verified }))
}

/// A chunk of content, and the position in the file (before decompression) after reading it.
struct Chunk {
    content: Vec<u8>,
    read: usize,
    position: u64,
}

fn read_ahead(mut input: Unpacker<impl Read>, full: &SyncSender<std::io::Result<Chunk>>, empty: &Receiver<Vec<u8>>) {
    loop {
        let mut content = empty.try_recv().unwrap_or_else(|_| vec![0; CHUNK_BYTES]);
        let chunk = match input.read(&mut content) {
            // The size of the file is known only at its end.
            Ok(0) => {
                let _ = full.send(Ok(Chunk { content, read: 0, position: input.bytes_read() }));
                return;
            }
            Ok(read) => Ok(Chunk { content, read, position: input.bytes_read() }),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        if full.send(chunk).is_err() {
            return;
        }
    }
}

fn progress(bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() || bytes < 64 << 20 {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("checking {wide_bar} {bytes} of {total_bytes}  {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn as_json(file: &Path, verdict: &Verdict) -> serde_json::Value {
    let (verified, key, reason) = match verdict {
        Verdict::Unaltered(verified, key) | Verdict::Whole(verified, Trust::Untrusted(key)) => {
            (verified, Some(key.id()), None)
        }
        Verdict::Whole(verified, _) => (verified, None, None),
        Verdict::NotMeant(verified, what) => (verified, None, Some(what)),
        Verdict::NotWhole(flaw) => return json!({"file": file, "complete": false, "reason": flaw.to_string()}),
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
        "sealed_at": verified.head.exported_at,
        "exported_by": verified.head.exported_by,
        "export_id": verified.head.export_id,
    })
}
