//! Reads a file and checks its seal.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use crate::seal::{Verified, VerifyError};
use crate::server::cli::exit::{CliError, Exit};
use crate::server::pipeline::verify_content;

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
    let verdict = verify_content(input, |position| bar.set_position(position));
    bar.finish_and_clear();
    verdict.map_err(read_error)
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
