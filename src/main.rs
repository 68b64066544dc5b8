//! The `waybill` binary: runs the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    waybill::server::cli::run().into()
}
