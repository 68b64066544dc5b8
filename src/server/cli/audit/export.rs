//! `waybill audit export`: prints the whole trail.

use std::io::{BufWriter, Write};

use super::super::args::StateFileArgs;
use super::super::exit::{CliError, Exit};
use super::super::terminal::exit_of_output;
use super::entry_json::to_json;
use crate::server::audit;

pub async fn run(state: &StateFileArgs) -> Result<Exit, CliError> {
    let file = state.open_existing().await?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut write_result = Ok(());
    let read = audit::for_each(&file, |entry| {
        if write_result.is_ok() {
            write_result = writeln!(out, "{}", to_json(&entry));
        }
    });
    read.await?;
    exit_of_output(write_result.and_then(|()| out.flush()))
}
