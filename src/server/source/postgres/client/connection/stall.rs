//! Waiting for a server that is silent.

use std::io;

use super::super::{Error, Result};

/// Called after each stall timeout; returns whether to keep waiting.
pub type OnStall = Box<dyn FnMut() -> bool + Send>;

/// Repeats an I/O operation while it times out and `on_stall` wants to keep waiting.
pub(super) fn retry_while_stalled<T>(on_stall: &mut OnStall, mut work: impl FnMut() -> io::Result<T>) -> Result<T> {
    loop {
        match work() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => {
                if !on_stall() {
                    return Err(Error::Stalled);
                }
            }
            done => return done.map_err(Error::Closed),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
