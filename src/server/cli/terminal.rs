//! Standard output for records of a file: unchanged into a pipe or file, with control characters escaped on a
//! terminal.

use std::io::{self, IsTerminal, StdoutLock, Write};

use super::escape_control_chars;

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
