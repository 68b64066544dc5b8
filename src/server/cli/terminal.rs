//! Standard output for records of a file: unchanged into a pipe or file, with control characters escaped on a
//! terminal.

use std::io::{self, IsTerminal, StdoutLock, Write};

use super::printable;

pub struct Output {
    out: StdoutLock<'static>,
    is_terminal: bool,
    /// The first bytes of a UTF-8 character whose last bytes have not been written yet.
    held: Vec<u8>,
}

impl Output {
    pub fn lock() -> Self {
        let out = io::stdout().lock();
        Self { is_terminal: out.is_terminal(), out, held: Vec::new() }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_terminal {
            return self.out.write(bytes);
        }
        self.held.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.held) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.held.len(),
        };
        let rest = self.held.split_off(whole);
        let text = String::from_utf8_lossy(&self.held).into_owned();
        self.held = rest;
        self.out.write_all(printable(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
