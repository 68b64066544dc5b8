//! `waybill verify`.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Exit, Failed, print};
use crate::seal::{Flaw, Verified, Verifier};
use crate::server::pipeline::unpack::{BadPacking, Unpacker};

#[derive(Debug, Args)]
pub struct Verify {
    /// The file, or - for standard input.
    file: PathBuf,
    /// Also hold the whole file against this digest, as history shows it: a forger can make a new
    /// seal, but not this number.
    #[arg(long, value_name = "HEX", value_parser = digest)]
    sha256: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

fn digest(text: &str) -> Result<String, &'static str> {
    let hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if hex { Ok(text.to_ascii_lowercase()) } else { Err("a SHA-256 has 64 hexadecimal digits") }
}

impl Verify {
    pub fn run(self) -> Result<Exit, Failed> {
        let verdict = self.read()?;
        let verdict = verdict.and_then(|verified| match &self.sha256 {
            Some(expected) if *expected != verified.sha256 => Err(Flaw::OtherDigest { found: verified.sha256 }),
            _ => Ok(verified),
        });
        if self.json {
            print(&as_json(&verdict).to_string())?;
            return Ok(if verdict.is_ok() { Exit::Done } else { Exit::NotWhole });
        }
        match verdict {
            Ok(verified) => print(&verified.to_string()),
            Err(flaw) => Err(Failed::new(Exit::NotWhole, format!("not whole: {flaw}"))),
        }
    }

    /// The outer error: the file cannot be read at all.
    fn read(&self) -> Result<Result<Verified, Flaw>, Failed> {
        let unreadable = |error: std::io::Error| {
            Failed::new(Exit::Failed, format!("{} cannot be read: {error}", self.file.display()))
        };
        let (input, bytes): (Box<dyn Read>, u64) = if self.file == std::path::Path::new("-") {
            (Box::new(std::io::stdin()), 0)
        } else {
            let file = File::open(&self.file).map_err(unreadable)?;
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
}

/// The outer error: the file cannot be read, or its packing is not whole.
fn check(mut input: Unpacker<impl Read>, bar: &ProgressBar) -> std::io::Result<Result<Verified, Flaw>> {
    let mut verifier = Verifier::default();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bar.set_position(input.bytes_read());
        if let Err(flaw) = verifier.feed(&buffer[..read]) {
            return Ok(Err(flaw));
        }
    }
    // The digest is the file's as it lies there, packed or not.
    let (bytes, packed) = (input.bytes_read(), input.sha256());
    Ok(verifier.finish().map(|verified| match packed {
        Some(sha256) => Verified { bytes, sha256, ..verified },
        None => verified,
    }))
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

fn as_json(verdict: &Result<Verified, Flaw>) -> serde_json::Value {
    match verdict {
        Ok(verified) => json!({
            "complete": true,
            "records": verified.records,
            "tables": verified.tables,
            "bytes": verified.bytes,
            "sha256": verified.sha256,
            "sealed_at": verified.head.exported_at,
            "exported_by": verified.head.exported_by,
        }),
        Err(flaw) => json!({"complete": false, "reason": flaw.to_string()}),
    }
}
