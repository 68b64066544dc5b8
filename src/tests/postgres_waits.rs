//! Waits for PostgreSQL have limits, say what they wait for, and can be ended.

use std::time::{Duration, Instant};

use tempfile::TempDir;
use waybill::server::source::{Error, Extent, InterruptHandle, Kind, Source};

use super::postgres::{LARGE, LARGE_ROWS, assert_clean_and_usable, close_session, other_session, read_with_callback};
use crate::harness::{Postgres, connect_source};

#[test]
fn a_lock_of_another_session_times_out_and_names_its_holder() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql(LARGE);
    let holder = other_session(&server, "BEGIN; LOCK TABLE small IN ACCESS EXCLUSIVE MODE");
    {
        let source = server.source();
        let started = Instant::now();
        let error = source.open_snapshot().err().unwrap();
        assert!(started.elapsed() >= Duration::from_millis(700), "it did not wait for the lock timeout");
        let message = error.to_string();
        assert!(message.starts_with("table small is locked by night job (user waybill_owner, process "), "{message}");
    }
    close_session(holder);
    assert_clean_and_usable(&server, &folder);
}

#[test]
fn a_stalled_connection_is_closed_within_the_limit() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql(LARGE);
    let proxy = crate::harness::StallingProxy::start(server.port());
    {
        let source =
            connect_source(&server.url().replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port())));
        let mut snapshot = source.open_snapshot().unwrap();
        let started = Instant::now();
        let (ended, rows) = read_with_callback(&mut *snapshot, "large", || proxy.stall());
        assert!(
            matches!(&ended, Err(error @ Error { kind: Kind::Connection, .. }) if error.to_string().starts_with("the database stopped responding")),
            "{ended:?}"
        );
        assert!(rows < LARGE_ROWS);
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        drop(snapshot);
    }
    proxy.close_all();
    assert_clean_and_usable(&server, &folder);
}

#[test]
fn short_timeouts_of_the_server_do_not_end_an_export() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql(LARGE);
    let newer = (server.major_version() >= 14).then_some("idle_session_timeout");
    for timeout in ["statement_timeout", "idle_in_transaction_session_timeout"].into_iter().chain(newer) {
        server.sql(&format!("ALTER ROLE waybill_owner SET {timeout} = 50"));
    }
    {
        let source = server.source();
        let mut snapshot = source.open_snapshot().unwrap();
        pause(200);
        let (ended, rows) = read_with_callback(&mut *snapshot, "large", || pause(200));
        ended.unwrap();
        assert_eq!(rows, LARGE_ROWS);
    }
    assert_clean_and_usable(&server, &folder);
}

#[expect(clippy::disallowed_methods, reason = "the server's own timeout must pass")]
fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// Begins a snapshot on another thread; returns its join handle and its cancel handle.
fn begin_on_other_thread<'s>(
    scope: &'s std::thread::Scope<'s, '_>,
    source: &'s dyn Source,
) -> (std::thread::ScopedJoinHandle<'s, Option<Error>>, InterruptHandle) {
    let (send, receive) = std::sync::mpsc::channel();
    let opening = scope
        .spawn(move || source.begin_snapshot(Extent::WholeTables, &|interrupt| send.send(interrupt).unwrap()).err());
    (opening, receive.recv().unwrap())
}

#[test]
fn a_cancel_frees_query_and_locks_within_two_seconds() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql(LARGE);
    // Cancel in the middle of a table, with the cancel handle still held afterwards.
    let interrupt = {
        let source = server.source();
        let interrupt = std::cell::RefCell::new(None);
        let mut snapshot =
            source.begin_snapshot(Extent::WholeTables, &|given| drop(interrupt.replace(Some(given)))).unwrap();
        let interrupt = interrupt.take().unwrap();
        let started = Instant::now();
        let (ended, _) = read_with_callback(&mut *snapshot, "large", &interrupt);
        assert!(
            matches!(&ended, Err(error @ Error { kind: Kind::Stopped, .. }) if error.to_string().starts_with("the read was interrupted")),
            "{ended:?}"
        );
        drop(snapshot);
        assert!(started.elapsed() < Duration::from_secs(2));
        interrupt
    };
    assert_clean_and_usable(&server, &folder);
    interrupt();
    // Cancel while waiting for another session's lock.
    let holder = other_session(&server, "BEGIN; LOCK TABLE small IN ACCESS EXCLUSIVE MODE");
    {
        let source = server.source().with_timeouts(Duration::from_secs(20), Duration::from_mins(1));
        std::thread::scope(|scope| {
            let (opening, interrupt) = begin_on_other_thread(scope, &source);
            while server.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0" {
                std::thread::yield_now();
            }
            let started = Instant::now();
            interrupt();
            let ended = opening.join().unwrap();
            assert!(
                matches!(&ended, Some(error @ Error { kind: Kind::Stopped, .. }) if error.to_string().starts_with("the read was interrupted")),
                "{ended:?}"
            );
            // The server must stop on the cancel request: behind a pooler it does not notice that the client has gone.
            while server.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0" {
                assert!(started.elapsed() < Duration::from_secs(2), "the server still waits for the lock");
                std::thread::yield_now();
            }
        });
    }
    assert!(server.log().contains("canceling statement due to user request"), "{}", server.log());
    close_session(holder);
    assert_clean_and_usable(&server, &folder);
}
