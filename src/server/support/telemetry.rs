//! Log lines on standard error. They never carry values, tokens, cookies or bind parameters.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging; `WAYBILL_LOG` overrides the filter given here.
pub fn init(filter: &str) {
    let filter = EnvFilter::try_from_env("WAYBILL_LOG").unwrap_or_else(|_| EnvFilter::new(filter));
    // No escape sequences in files and pipes.
    let use_ansi = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_ansi(use_ansi);
    let _ = log.with_writer(std::io::stderr).try_init();
}
