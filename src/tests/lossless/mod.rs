//! Exports are lossless: a reader that shares no code with the writer loads the file into an empty database
//! of the same schema, and every value is compared as the engine's own text or bytes. So are imports: `waybill import` loads the
//! same file into another one.

mod postgres;
mod postgres_types;
mod reader;
mod sqlite;

use std::path::Path;

use crate::harness::WaybillCommand;

/// Drafts a profile, reclassifies every column guessed secret as plain, and exports with it.
fn export_all_columns(folder: &Path, url: &str) -> Vec<u8> {
    let drafted = WaybillCommand::new(folder).run(["profile", "init", "--source", url]);
    assert_eq!(drafted.code, 0, "{}", drafted.stderr);
    let profile = drafted.text().replace("class = \"secret\"", "class = \"plain\"");
    std::fs::write(folder.join("everything.toml"), &profile).unwrap();
    let arguments = ["export", "--source", url, "--profile", "everything.toml", "--output", "-"];
    let ended = WaybillCommand::new(folder).run(arguments);
    assert_eq!(ended.code, 0, "{}\n{profile}", ended.stderr);
    ended.stdout
}

/// Imports a file that `export_all_columns` has written into an empty database of the same schema.
fn import(folder: &Path, file: &[u8], url: &str) {
    std::fs::write(folder.join("to-import.json"), file).unwrap();
    let arguments = ["import", "to-import.json", "--target", url, "--profile", "everything.toml", "--no-undo"];
    let ended = WaybillCommand::new(folder).run(arguments);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}
