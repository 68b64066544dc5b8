//! A database that is known under another name, or a name of another database: the operator decides.

use rusqlite::Connection;
use tempfile::TempDir;

use crate::harness::{Postgres, WaybillCommand, create_application};

/// A physical copy keeps its server's identity; an upgraded or moved server has a new one.
#[test]
fn a_database_known_under_another_name_is_refused_until_rebound() {
    let (one, two, folder) = (Postgres::start(), Postgres::start(), TempDir::new().unwrap());
    for server in [&one, &two] {
        server.sql("CREATE TABLE t (id integer PRIMARY KEY)");
    }
    // Servers created from one template share an identity, like a copy and its original.
    let system = "SELECT system_identifier FROM pg_control_system()";
    assert_eq!(one.sql(system), two.sql(system));
    let run = |server: &Postgres, arguments: &[&str]| {
        let mut program = WaybillCommand::new(folder.path());
        program.0.env("WAYBILL_SOURCE", server.url());
        program.run(arguments)
    };
    let export = |server: &Postgres, name: &str| {
        run(server, &["export", "--source-name", name, "--output", "out.json", "--force"])
    };
    assert_eq!(export(&one, "prod").code, 0);
    let copy = export(&two, "staging");
    assert_eq!(copy.code, 3, "{}", copy.stderr);
    assert!(copy.stderr.contains("known as prod, not as staging"), "{}", copy.stderr);
    assert!(copy.stderr.contains("waybill state rebind --source-name staging --new"), "{}", copy.stderr);
    let said = run(&two, &["state", "rebind", "--source-name", "staging", "--new"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!((export(&two, "staging").code, export(&one, "prod").code), (0, 0));
    // The same name for a database of another identity, as after an upgrade.
    one.sql_as("postgres", "postgres", "CREATE DATABASE upgraded OWNER waybill_owner");
    let upgraded = |arguments: &[&str]| {
        let mut program = WaybillCommand::new(folder.path());
        program.0.env("WAYBILL_SOURCE", one.url_as("waybill_owner", "upgraded"));
        program.run(arguments)
    };
    let export_upgraded = || upgraded(&["export", "--source-name", "prod", "--output", "out.json", "--force"]);
    let refused = export_upgraded();
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("prod was another database so far"), "{}", refused.stderr);
    let taken = upgraded(&["state", "rebind", "--source-name", "staging", "--from", "prod"]);
    assert_eq!(taken.code, 2, "{}", taken.stderr);
    let said = upgraded(&["state", "rebind", "--source-name", "prod", "--from", "prod"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(export_upgraded().code, 0);
    let listed = upgraded(&["state", "list"]).text();
    assert!(listed.contains("prod") && listed.contains("/upgraded") && listed.contains("staging"), "{listed}");
    let unknown = upgraded(&["state", "rebind", "--source-name", "x", "--from", "nobody"]);
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
}

/// A moved file keeps its device, inode and creation time; a file of the same name elsewhere is another database.
#[test]
fn a_moved_or_renamed_file_is_refused_until_rebound() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let export = |name: &str, more: &[&str]| {
        let source = format!("sqlite:{}", path(name).display());
        let arguments = [&["export", "--source", &source, "--output", "out.json", "--force"], more].concat();
        WaybillCommand::new(folder.path()).run(arguments)
    };
    for name in ["a/shop.db", "b/shop.db"] {
        create_application(folder.path(), name);
        assert_eq!(export(name, &[]).code, 0, "files of the same name in other folders are new sources");
    }
    std::fs::create_dir(path("moved")).unwrap();
    for (from, to) in [("a/shop.db", "moved/shop.db"), ("b/shop.db", "b/renamed.db")] {
        std::fs::rename(path(from), path(to)).unwrap();
        let refused = export(to, &[]);
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        assert!(refused.stderr.contains("is no longer at that path"), "{}", refused.stderr);
    }
    // A restored copy has a new inode number, but the file known by that name is gone.
    std::fs::create_dir(path("restored")).unwrap();
    std::fs::copy(path("moved/shop.db"), path("restored/shop.db")).unwrap();
    std::fs::remove_file(path("moved/shop.db")).unwrap();
    let refused = export("restored/shop.db", &[]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("shop was another database so far (sqlite:"), "{}", refused.stderr);
    let source = format!("sqlite:{}", path("restored/shop.db").display());
    let rebind = |more: &[&str]| {
        WaybillCommand::new(folder.path()).run([&["state", "rebind", "--source", &source], more].concat())
    };
    let undecided = rebind(&[]);
    assert_eq!(undecided.code, 2, "{}", undecided.stderr);
    assert!(undecided.stderr.contains("--from") && undecided.stderr.contains("--new"), "{}", undecided.stderr);
    let said = rebind(&["--from", "shop"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(export("restored/shop.db", &[]).code, 0);
    let state = Connection::open(folder.path().join("state/waybill/waybill.db")).unwrap();
    let exports: u32 = state
        .query_row(
            "SELECT count(*) FROM exports JOIN sources ON sources.id = source_id WHERE name = 'shop'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(exports, 2, "the history moved with the source");
}

/// A restored backup is used without asking, since path and name agree; the trail tells it from the file before.
#[test]
fn another_file_at_the_path_of_a_known_source_is_in_the_audit_trail() {
    let folder = TempDir::new().unwrap();
    create_application(folder.path(), "shop.db");
    let run = |arguments: &[&str]| WaybillCommand::new(folder.path()).run(arguments);
    let source = format!("sqlite:{}", folder.path().join("shop.db").display());
    let export = || run(&["export", "--source", &source, "--output", "out.json", "--force"]).code;
    let replaced = || {
        let shown = run(&["audit", "show", "--event", "source_file_replaced", "--json"]).text();
        shown.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((export(), export(), replaced().len()), (0, 0, 0));
    std::fs::copy(folder.path().join("shop.db"), folder.path().join("backup.db")).unwrap();
    std::fs::rename(folder.path().join("backup.db"), folder.path().join("shop.db")).unwrap();
    assert_eq!((export(), export()), (0, 0));
    let entries = replaced();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!((&entries[0]["actor"], &entries[0]["detail"]), (&"waybill".into(), &"{\"name\":\"shop\"}".into()));
    assert!(entries[0]["source_id"].is_string(), "it is about a source");
}

/// Some file systems get another device number at each mount; where a file has no time of creation, nothing is known.
#[test]
fn a_remount_is_no_other_file() {
    let folder = TempDir::new().unwrap();
    create_application(folder.path(), "shop.db");
    let run = |arguments: &[&str]| WaybillCommand::new(folder.path()).run(arguments);
    let source = format!("sqlite:{}", folder.path().join("shop.db").display());
    let export = || run(&["export", "--source", &source, "--output", "out.json", "--force"]).code;
    assert_eq!(export(), 0);
    let state = folder.path().join("state/waybill/waybill.db");
    let remount = "UPDATE sources SET file_id = '9999' || substr(file_id, instr(file_id, ':'))";
    Connection::open(&state).unwrap().execute_batch(remount).unwrap();
    assert_eq!(export(), 0);
    assert_eq!(run(&["audit", "show", "--event", "source_file_replaced", "--json"]).text(), "");
    let known: String = Connection::open(&state)
        .unwrap()
        .query_row("SELECT file_id FROM sources", [], |row| row.get("file_id"))
        .unwrap();
    assert!(!known.starts_with("9999:"), "{known}");
}
