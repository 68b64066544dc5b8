//! The command line: its output, the files it leaves, its exit codes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use crate::harness::{CommandOutput, WaybillCommand, generate_sample};

fn folder_with_sample() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let source = format!("--source=sqlite:{}", generate_sample(50, folder.path()).display());
    (folder, source)
}

fn run(folder: &TempDir, arguments: &[&str]) -> CommandOutput {
    WaybillCommand::new(folder.path()).run(arguments)
}

#[test]
fn export_then_verify_then_inspect() {
    let (folder, source) = folder_with_sample();
    let ended = run(&folder, &["export", &source, "--output", "out.json"]);
    assert_eq!((ended.code, ended.text().as_str()), (0, ""));
    assert!(ended.stderr.starts_with("complete and sealed: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("left out  users.password"));
    let ended = run(&folder, &["verify", "out.json"]);
    assert_eq!(ended.code, 0);
    assert!(
        ended.text().starts_with("unaltered: ")
            && ended.text().contains(" records in 22 tables of supportsignal, sealed 20")
    );
}

#[test]
fn a_server_without_site_files_warns_on_standard_error() {
    let (folder, source) = folder_with_sample();
    let mut program = WaybillCommand::without_site_files(folder.path());
    let arguments = ["serve", "--address", "127.0.0.1:0", &source];
    let mut server = program.0.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let first = |output: &mut dyn Read| BufReader::new(output).lines().next().unwrap().unwrap();
    let ready = first(server.stdout.as_mut().unwrap());
    assert!(ready.starts_with("Waybill is ready: http://127.0.0.1:"), "{ready}");
    let bare = first(server.stderr.as_mut().unwrap());
    assert!(bare.ends_with("no styles or scripts: give their folder with --site."), "{bare}");
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn an_export_into_a_folder_is_named_by_the_profile() {
    let (folder, source) = folder_with_sample();
    let ended = run(&folder, &["export", &source, "--json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let result: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    let path = result["path"].as_str().unwrap();
    let name = path.rsplit('/').next().unwrap();
    assert!(
        name.starts_with("supportsignal-db-export-20")
            && name.len() == "supportsignal-db-export-2026-11-20-1402.json".len()
    );
    let verified = run(&folder, &["verify", path, "--json", "--sha256", result["sha256"].as_str().unwrap()]);
    let verified: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!((verified["complete"].as_bool(), &verified["records"]), (Some(true), &result["records"]));
}

#[test]
fn standard_output_carries_nothing_but_the_file() {
    let (folder, source) = folder_with_sample();
    let ended = run(&folder, &["export", &source, "--output", "-"]);
    assert_eq!(ended.code, 0);
    fs::write(folder.path().join("piped.json"), &ended.stdout).unwrap();
    assert_eq!(run(&folder, &["verify", "piped.json"]).code, 0);
}

#[test]
fn the_file_extension_selects_the_compression() {
    let (folder, source) = folder_with_sample();
    for (name, magic) in [("out.json.gz", &[0x1f, 0x8b][..]), ("out.json.zst", &[0x28, 0xb5, 0x2f, 0xfd])] {
        assert_eq!(run(&folder, &["export", &source, "--output", name]).code, 0);
        assert!(fs::read(folder.path().join(name)).unwrap().starts_with(magic), "{name}");
        assert_eq!(run(&folder, &["verify", name]).code, 0);
    }
    fs::create_dir(folder.path().join("folder.gz")).unwrap();
    let into_folder = run(&folder, &["export", &source, "--output", "folder.gz", "--json"]);
    let result: serde_json::Value = serde_json::from_slice(&into_folder.stdout).unwrap();
    assert_eq!(Path::new(result["path"].as_str().unwrap()).extension().unwrap(), "json");
    let ended = run(&folder, &["export", &source, "--output", "new.json.gz", "--compress", "zstd"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(!folder.path().join("new.json.gz").exists());
}

/// Exit code 5, and the existing file is untouched.
#[test]
fn an_existing_file_is_kept_unless_forced() {
    let (folder, source) = folder_with_sample();
    let path = folder.path().join("out.json");
    fs::write(&path, "precious").unwrap();
    let ended = run(&folder, &["export", &source, "--output", "out.json"]);
    assert_eq!(ended.code, 5);
    assert!(ended.stderr.contains("out.json exists; choose another name or add --force"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(run(&folder, &["export", &source, "--output", "out.json", "--force"]).code, 0);
    assert_eq!(run(&folder, &["verify", "out.json"]).code, 0);
}

/// B15: every way in which output can fail.
#[test]
fn output_that_cannot_be_written_is_reported_and_leaves_nothing() {
    let (folder, source) = folder_with_sample();
    let full = run(&folder, &["export", &source, "--output", "/dev/full"]);
    assert_eq!(full.code, 5);
    assert!(full.stderr.contains("the disk is full"), "{}", full.stderr);
    let mut program = WaybillCommand::new(folder.path());
    program.0.stdout(Stdio::from(File::options().write(true).open("/dev/full").unwrap())).stderr(Stdio::null());
    let status = program.0.args(["export", &source, "--output", "-"]).status().unwrap();
    assert_eq!(status.code(), Some(5));
    let mut program = WaybillCommand::new(folder.path());
    program.0.stdout(Stdio::from(File::options().write(true).open("/dev/full").unwrap())).stderr(Stdio::null());
    assert_eq!(program.0.args(["preview", &source]).status().unwrap().code(), Some(5));
    let missing = run(&folder, &["export", &source, "--output", "no/such/folder/out.json"]);
    assert_eq!(missing.code, 5, "{}", missing.stderr);
    assert!(
        missing.stderr.contains("no/such/folder/out.json: ") && missing.stderr.contains("its folder does not exist")
    );

    let mut program = WaybillCommand::new(folder.path());
    program.0.args(["export", &source, "--output", "-"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = program.0.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(5));
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains(".part")), "{names:?}");
}

/// C12: a file size limit is handled like a full disk.
#[test]
fn a_file_size_limit_is_reported_and_leaves_nothing() {
    let (folder, _) = folder_with_sample();
    let source = format!("--source=sqlite:{}", generate_sample(400, folder.path()).display());
    let ended =
        WaybillCommand::with_file_size_limit(1024, folder.path()).run(["export", &source, "--output", "out.json"]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(ended.stderr.contains("the file is larger than the system allows"), "{}", ended.stderr);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name == "out.json" || name.to_string_lossy().contains(".part")), "{names:?}");
}

/// B16: the observed exit codes are the documented ones.
#[test]
fn wrong_usage_is_code_2_and_says_what_to_write() {
    let (folder, source) = folder_with_sample();
    let cases: [(&[&str], &str); 14] = [
        (&["export"], "--source"),
        (&["export", "--source", "nonsense:hunter2"], "write sqlite:PATH or postgres://user@host:port/database"),
        (&["export", "--source", "postgres://user:hunter2@host/db"], "WAYBILL_SOURCE"),
        (&["export", "--source", "postgres://user@host/db?password=hunter2"], "WAYBILL_SOURCE"),
        (&["export", "--source", "postgres://user@host/db?sslmdoe=require"], "sslmode"),
        (&["profile", "check", &source, "--profile", "missing.toml"], "the profile missing.toml cannot be read"),
        (&["export", "--source", "sqlite:"], "write sqlite:PATH"),
        (
            &["export", &source, "--profile", "other"],
            "no profile named other: give the path of a profile file, or a built-in name (supportsignal, ocomms, carol)",
        ),
        (&["verify", "x", "--sha256", "abc"], "64 hexadecimal digits"),
        (&["serve", &source, "--address", "127.0.0.1:99999"], "cannot listen on"),
        (&["serve", &source, "--site", "missing"], "--site: missing is not a folder"),
        (&["profile", "init", &source, "--profile", "supportsignal"], "unexpected argument"),
        (&["frobnicate"], "unrecognized subcommand"),
        (&["sample"], "--output"),
    ];
    for (arguments, says) in cases {
        let ended = run(&folder, arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{arguments:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
}

#[test]
fn an_incomplete_file_is_code_4_and_a_missing_one_code_1() {
    let (folder, source) = folder_with_sample();
    run(&folder, &["export", &source, "--output", "out.json"]);
    let bytes = fs::read(folder.path().join("out.json")).unwrap();
    fs::write(folder.path().join("cut.json"), &bytes[..bytes.len() / 2]).unwrap();
    let ended = run(&folder, &["verify", "cut.json"]);
    assert_eq!(ended.code, 4);
    assert!(ended.stderr.starts_with("waybill: not intact: cut off at line "), "{}", ended.stderr);
    let ended = run(&folder, &["verify", "cut.json", "--json"]);
    assert_eq!(ended.code, 4);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&ended.stdout).unwrap()["complete"], false);
    let ended = run(&folder, &["verify", "out.json", "--sha256", &"0".repeat(64)]);
    assert_eq!(ended.code, 4);
    assert!(
        ended.stderr.starts_with("waybill: complete, but not the expected file: the digest of its seal is "),
        "{}",
        ended.stderr
    );
    // Each of several files is reported, and the worst decides the exit code.
    let ended = run(&folder, &["verify", "out.json", "cut.json", "nothing.json"]);
    assert_eq!(ended.code, 4);
    assert!(ended.text().starts_with("out.json: unaltered: "), "{}", ended.text());
    assert!(ended.stderr.contains("cut.json: not intact: ") && ended.stderr.contains("nothing.json cannot be read"));
    assert_eq!(run(&folder, &["verify", "out.json", "out.json", "--sha256", &"0".repeat(64)]).code, 2);
    assert_eq!(run(&folder, &["verify", "nothing.json"]).code, 1);
    let no_export = run(&folder, &["verify", "."]);
    assert!(no_export.code == 4 && no_export.stderr.contains("the seal is missing"), "{}", no_export.stderr);
}

/// Exit code 1: without a writable audit trail there is no export.
#[test]
fn an_export_that_cannot_be_recorded_does_not_happen() {
    let (folder, source) = folder_with_sample();
    fs::write(folder.path().join("state"), "a file where the folder should be").unwrap();
    let ended = run(&folder, &["export", &source, "--output", "out.json"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("Waybill's state file or its folder cannot be used"), "{}", ended.stderr);
    assert!(!folder.path().join("out.json").exists());
}

#[test]
fn a_name_in_a_database_cannot_control_the_terminal() {
    let folder = TempDir::new().unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("odd.db")).unwrap();
    let table = "red\u{1b}[31m\u{9b}2J\u{7}";
    connection.execute_batch(&format!("CREATE TABLE \"{table}\" (\"password\u{1b}]0;\" TEXT)")).unwrap();
    let odd = "--source=sqlite:odd.db";
    run(&folder, &["export", odd, "--output", "odd.json"]);
    for arguments in [
        &["preview", odd][..],
        &["preview", odd, "--json"],
        &["export", odd, "--output", "again.json", "--json"],
        &["export", odd, "--output", "-"],
        &["inspect", "odd.json"],
        &["inspect", "odd.json", "red"],
        &["profile", "init", odd],
    ] {
        let ended = run(&folder, arguments);
        let shown = format!("{}{}", if arguments.contains(&"-") { String::new() } else { ended.text() }, ended.stderr);
        let lower = shown.to_lowercase();
        assert!(
            lower.contains("\\u001b]0;") || lower.contains("red\\u001b[31m\\u009b2j\\u0007"),
            "{arguments:?} {shown}"
        );
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{arguments:?} {shown:?}");
    }
}

#[test]
fn the_source_is_never_written_to_as_state_or_replaced_as_output() {
    let (folder, source) = folder_with_sample();
    let path = folder.path().join("sample.db");
    let before = fs::read(&path).unwrap();
    let state = run(&folder, &["export", &source, "--state", "sqlite:sample.db"]);
    assert_eq!(state.code, 2);
    assert!(state.stderr.contains("give Waybill's own records another file"), "{}", state.stderr);
    fs::copy(&path, folder.path().join("another.db")).unwrap();
    let state = run(&folder, &["export", &source, "--state", "sqlite:another.db"]);
    assert_eq!(state.code, 2);
    assert!(state.stderr.contains("another.db is a database of another program"), "{}", state.stderr);
    assert_eq!(run(&folder, &["user", "add", "--admin", "ada", "--state", "sqlite:another.db"]).code, 2);
    assert!(fs::read(folder.path().join("another.db")).unwrap() == before);
    let output = run(&folder, &["export", &source, "--output", "sample.db", "--force"]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("would replace the database itself"), "{}", output.stderr);
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn an_export_by_command_line_is_in_history_and_audit() {
    let (folder, source) = folder_with_sample();
    run(&folder, &["export", &source, "--output", "out.json"]);
    let state = rusqlite::Connection::open(folder.path().join("state/waybill/waybill.db")).unwrap();
    let events: Vec<String> = state
        .prepare("SELECT event || ' ' || substr(actor, 1, 4) FROM audit ORDER BY sequence")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(events, ["source_added wayb", "export_requested cli:", "export_started cli:", "export_completed cli:"]);
    let channel: String =
        state.query_row("SELECT channel FROM exports WHERE status = 'completed'", [], |r| r.get(0)).unwrap();
    assert_eq!(channel, "command line");
}

#[test]
fn preview_prints_a_table_or_json() {
    let (folder, source) = folder_with_sample();
    let text = run(&folder, &["preview", &source]).text();
    assert!(text.contains("clarification_questions") && text.contains("not included: debug_logs"), "{text}");
    let json = run(&folder, &["preview", &source, "--json"]);
    let preview: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(preview["tables"].as_array().unwrap().len(), 22);
    assert_eq!(preview["settled"], true);
}

#[test]
fn the_sample_prints_its_password_keeps_it_private_and_is_never_overwritten_by_accident() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let ended = run(&folder, &["sample", "--output", "s.db", "--incidents", "5", "--participants", "3"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let kept = folder.path().join("s.db.password");
    let password = fs::read_to_string(&kept).unwrap();
    assert!(ended.text().contains(&format!("password  {}", password.trim())));
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let again = run(&folder, &["sample", "--output", "s.db"]);
    assert_eq!(again.code, 5);
    assert!(again.stderr.contains("s.db exists"), "{}", again.stderr);
}

#[test]
fn the_help_lists_the_commands_and_the_exit_codes() {
    let folder = TempDir::new().unwrap();
    let help = run(&folder, &["--help"]).text();
    for word in ["serve", "preview", "export", "verify", "inspect", "guide", "sample", "Exit codes", "not intact"] {
        assert!(help.contains(word), "{word}");
    }
    let guide = run(&folder, &["guide", "mine.json"]).text();
    assert!(
        guide.contains("waybill verify mine.json") && guide.contains("## Prompts") && !guide.contains("{file}"),
        "{guide}"
    );
    let own = run(&folder, &["guide", "mine.json", "--profile", "supportsignal"]).text();
    assert!(!guide.contains("{prompts}") && !guide.contains("{examples}"));
    assert!(own.contains("### Incident patterns") && !guide.contains("Incident patterns"));
}
