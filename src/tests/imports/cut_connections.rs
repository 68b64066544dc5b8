//! Connections that break at every single statement of an import and of an undo: the database has all of it or nothing, and what
//! the command says is true.

use super::modes::half_filled_shops;
use super::undo::import_shop;
use super::*;
use crate::harness::{CuttingProxy, Lost};

const STATE: &str = "SELECT coalesce(string_agg(CAST(c AS text), '|' ORDER BY c.id), '') || ' and ' ||
    (SELECT string_agg(CAST(o AS text), '|' ORDER BY o.id) FROM orders o) || ' undo ' ||
    (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill%') FROM customers c";

/// Runs the command with connections that break at the first statement, at the second, and so on until none breaks. `reset` makes
/// the database what it was before.
async fn cut_everywhere(server: &Postgres, folder: &Path, arguments: impl Fn(&str) -> Vec<String>, reset: impl Fn()) {
    let state = || server.sql_as("waybill_owner", "half_copy", STATE);
    let url = |port: u16| format!("postgres://waybill_owner@127.0.0.1:{port}/half_copy?sslmode=disable");
    reset();
    let before = state();
    let done = run_all(folder, &arguments(&url(server.port())));
    assert_eq!(done.code, 0, "{}", done.stderr);
    let after = state();
    assert_ne!(before, after);
    let (mut at, mut uncertain) = (0, 0);
    loop {
        at += 1;
        let mut has_cut = false;
        for lost in [Lost::Statement, Lost::Answer] {
            reset();
            let proxy = CuttingProxy::start(server.port(), at, lost);
            let ended = run_all(folder, &arguments(&url(proxy.port)));
            has_cut |= proxy.has_cut();
            // The server notices when it next looks at the connection.
            while server.waybill_session_count() > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            let now = state();
            match ended.code {
                0 => assert_eq!(now, after, "{lost:?} {at}: it says that it is done"),
                _ if ended.stderr.contains("the connection broke while the database was committing") => {
                    uncertain += 1;
                    assert!(now == before || now == after, "{lost:?} {at}: all of it or nothing: {now}");
                }
                _ => assert_eq!(now, before, "{lost:?} {at}: it says that it has failed: {}", ended.stderr),
            }
        }
        if !has_cut {
            break;
        }
    }
    println!("{at} statements, {uncertain} of them at the commit");
    assert!(at > 20 && (1..=2).contains(&uncertain), "{at} statements, {uncertain} uncertain");
}

fn run_all(folder: &Path, arguments: &[String]) -> CommandOutput {
    WaybillCommand::new(folder).run(arguments)
}

fn refill(server: &Postgres) {
    let schemas = "SELECT coalesce(string_agg(format('DROP SCHEMA %I CASCADE', nspname), ';'), '') FROM pg_namespace WHERE nspname LIKE 'waybill%'";
    let drop = server.sql_as("waybill_owner", "half_copy", schemas);
    let rows = "TRUNCATE customers, orders; INSERT INTO customers VALUES (1, 'Ada', 'moved'), (3, 'Cay', NULL);
        INSERT INTO orders VALUES (7, 1, 12.5), (9, 3, 1);";
    server.sql_as("waybill_owner", "half_copy", &format!("{rows} {drop}"));
}

#[tokio::test]
async fn an_import_whose_connection_breaks_at_any_statement_is_done_or_not_and_says_so() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    half_filled_shops(folder, &server);
    let arguments = |url: &str| ["import", "shop.json", "--mode", "merge", "--target", url].map(str::to_owned).to_vec();
    cut_everywhere(&server, folder, arguments, || refill(&server)).await;
}

#[tokio::test]
async fn an_undo_whose_connection_breaks_at_any_statement_is_done_or_not_and_says_so() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let [_, url] = half_filled_shops(folder, &server);
    let id = std::cell::RefCell::new(String::new());
    let reset = || {
        refill(&server);
        id.replace(import_shop(folder, &url, &["--mode", "merge"]));
    };
    let arguments = |url: &str| ["import", "undo", &id.borrow(), "--target", url].map(str::to_owned).to_vec();
    cut_everywhere(&server, folder, arguments, reset).await;
}
