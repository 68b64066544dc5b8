//! What is printed: control characters are escaped on a terminal, and records go unchanged into a pipe or file.

use std::borrow::Cow;
use std::io::{self, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use super::exit::{CliError, Exit};
use crate::model::text;

pub struct SafeStdout {
    out: StdoutLock<'static>,
    is_terminal: bool,
    /// The first bytes of a UTF-8 character whose last bytes have not been written yet.
    incomplete: Vec<u8>,
}

impl SafeStdout {
    pub fn lock() -> Self {
        let out = io::stdout().lock();
        Self { is_terminal: out.is_terminal(), out, incomplete: Vec::new() }
    }
}

impl Write for SafeStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_terminal {
            return self.out.write(bytes);
        }
        self.incomplete.extend_from_slice(bytes);
        let complete_len = match std::str::from_utf8(&self.incomplete) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.incomplete.len(),
        };
        let rest = self.incomplete.split_off(complete_len);
        let text = String::from_utf8_lossy(&self.incomplete).into_owned();
        self.incomplete = rest;
        self.out.write_all(escape_control_chars(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Prints to standard output.
pub fn print_line(text: &str) -> Result<Exit, CliError> {
    exit_of_output(writeln!(io::stdout(), "{}", escape_control_chars(text)))
}

/// How a command ends whose output was written or not. A broken pipe is not an error: the reader has seen enough.
pub fn exit_of_output(written: io::Result<()>) -> Result<Exit, CliError> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CliError::output(&error)),
        _ => Ok(Exit::Success),
    }
}

/// Prints a value to standard output as indented JSON.
pub fn print_json(value: &impl Serialize) -> Result<Exit, CliError> {
    print_line(&serde_json::to_string_pretty(value).map_err(|error| json_error(&error))?)
}

pub fn json_error(error: &serde_json::Error) -> CliError {
    CliError::new(Exit::Failure, format!("internal error: {error}; please report it"))
}

/// Prints to standard error.
pub fn eprint_line(text: &str) {
    eprintln!("{}", escape_control_chars(text));
}

/// Escapes terminal control characters as JSON does: names in a database may contain them.
pub fn escape_control_chars(line: &str) -> Cow<'_, str> {
    let is_escaped = |c: char| text::needs_escaping(c) && c != '\n' && c != '\t';
    if !line.contains(is_escaped) {
        return line.into();
    }
    let escape = |c: char| if is_escaped(c) { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
    line.chars().map(escape).collect()
}
