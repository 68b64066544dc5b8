//! `waybill inspect`: queries over an exported file.

use tempfile::TempDir;

use crate::harness::{CommandOutput, WaybillCommand, generate_sample, program};

struct ExportedFile(TempDir);

impl ExportedFile {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let source = format!("--source=sqlite:{}", generate_sample(50, folder.path()).display());
        let ended = WaybillCommand::new(folder.path()).run(["export", &source, "--output", "out.json"]);
        assert_eq!(ended.code, 0);
        Self(folder)
    }

    fn inspect(&self, arguments: &[&str]) -> CommandOutput {
        WaybillCommand::new(self.0.path()).run([&["inspect", "out.json"], arguments].concat())
    }
}

#[test]
fn inspect_lists_tables_describes_one_and_prints_records() {
    let file = ExportedFile::new();
    let tables = file.inspect(&[]).text();
    assert!(tables.contains("clarification_answers") && tables.contains("left out: users.password"), "{tables}");
    let columns = file.inspect(&["incidents"]).text();
    assert!(columns.contains("site_id") && columns.contains("sites.id") && columns.contains("json"), "{columns}");
    let first = file.inspect(&["incidents", "--first", "2"]).text();
    assert_eq!(first.lines().count(), 2);
    assert_eq!(file.inspect(&["incidents", "--first", "0"]).text(), "");
    let record: serde_json::Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    let key = record["id"].as_str().unwrap();
    let found = file.inspect(&["incidents", "--key", key]).text();
    assert_eq!(found.trim(), first.lines().next().unwrap());
    let filter = format!("incident_id={key}");
    let questions =
        file.inspect(&["clarification_questions", "--where", &filter, "--where", "phase=before_event"]).text();
    assert!(
        questions.lines().count() >= 1
            && questions.lines().all(|line| line.contains(key) && line.contains("before_event"))
    );
}

#[test]
fn csv_has_a_header_quotes_and_no_formulas() {
    let file = ExportedFile::new();
    let csv = file.inspect(&["users", "--format", "csv"]).text();
    assert!(csv.starts_with("\"id\",\"_creation_time\",\"name\",\"email\",\"profile_image_url\",\"role\",\"company_id\",\"created_at\"\n"), "{csv}");
    let phones = file.inspect(&["participants", "--format", "csv"]).text();
    assert!(phones.contains(",\"'+61 4"), "a phone number was not escaped for spreadsheets: {phones}");
    let narratives = file.inspect(&["incident_narratives", "--format", "csv", "--first", "30"]).stdout;
    let mut reader = csv::Reader::from_reader(&narratives[..]);
    assert_eq!(reader.records().map(|record| record.unwrap().len()).collect::<Vec<_>>(), vec![17; 30]);
}

#[test]
fn wrong_names_and_wrong_files_are_reported() {
    let file = ExportedFile::new();
    let ended = file.inspect(&["incident"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("there is no table incident; available: companies, users"), "{}", ended.stderr);
    assert_eq!(file.inspect(&["incidents", "--where", "nothing=1"]).code, 2);
    assert_eq!(file.inspect(&["incidents", "--where", "nothing"]).code, 2);
    let bytes = std::fs::read(file.0.path().join("out.json")).unwrap();
    std::fs::write(file.0.path().join("cut.json"), &bytes[..bytes.len() - 5000]).unwrap();
    let cut = WaybillCommand::new(file.0.path()).run(["inspect", "cut.json", "workflow_handoffs", "--format", "json"]);
    assert_eq!(cut.code, 4, "{}", cut.stderr);
    std::fs::write(file.0.path().join("other.json"), "{}\n").unwrap();
    assert_eq!(WaybillCommand::new(file.0.path()).run(["inspect", "other.json"]).code, 4);
    assert_eq!(WaybillCommand::new(file.0.path()).run(["inspect", "missing.json"]).code, 1);
}

/// L4, D12: a compressed file of a few MB with one endless line could take all memory.
#[test]
fn an_endless_line_is_refused() {
    let folder = TempDir::new().unwrap();
    let script = "(printf '{\"metadata\":\n'; head -c 1200000000 /dev/zero | tr '\\0' a) | zstd -q > bomb.zst";
    let made = std::process::Command::new("bash").args(["-c", script]).current_dir(folder.path()).status().unwrap();
    assert!(made.success());
    let ended = WaybillCommand::with_ulimit("-v 4000000", folder.path()).run(["inspect", "bomb.zst"]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(ended.stderr.contains("longer than 1024 MiB"), "{}", ended.stderr);
}

/// L2, D11: records printed unescaped could send control sequences to the terminal.
#[test]
fn records_are_escaped_on_a_terminal_and_unchanged_in_a_pipe() {
    let folder = TempDir::new().unwrap();
    let source = folder.path().join("hostile.db");
    let value = "\u{9b}31m red \u{202e}backwards";
    let connection = rusqlite::Connection::open(&source).unwrap();
    connection.execute_batch("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)").unwrap();
    connection.execute("INSERT INTO notes VALUES (1, ?1)", [value]).unwrap();
    let source = format!("--source=sqlite:{}", source.display());
    assert_eq!(WaybillCommand::new(folder.path()).run(["export", &source, "--output", "out.json"]).code, 0);
    for format in ["json", "csv"] {
        let arguments = ["inspect", "out.json", "notes", "--format", format];
        let piped = WaybillCommand::new(folder.path()).run(arguments);
        assert!(piped.text().contains(value), "{format}: {}", piped.text());
        // `script` of util-linux runs a command on a pseudo-terminal.
        let mut terminal = std::process::Command::new("script");
        let command = format!("{} {}", program().to_string_lossy(), arguments.join(" "));
        terminal.args(["-qec", &command, "/dev/null"]).current_dir(folder.path());
        let shown = String::from_utf8(terminal.output().unwrap().stdout).unwrap();
        assert!(shown.contains("\\u009b31m red \\u202ebackwards"), "{format}: {shown:?}");
        assert!(!shown.contains(['\u{9b}', '\u{202e}']), "{format}: {shown:?}");
    }
}
