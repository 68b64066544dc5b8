//! Connecting and signing in to PostgreSQL, and how the client treats a server that misbehaves.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use waybill::server::source::postgres::client::{Connection, Error, Format, RowChunk};

use crate::harness::{CommandOutput, Postgres, TlsRelay, WaybillCommand};

const TIMEOUT: Duration = Duration::from_secs(5);

fn connect(url: &str) -> Result<Connection, Error> {
    Connection::open(&url.parse().unwrap(), TIMEOUT)
}

fn preview(folder: &TempDir, url: &str, variables: &[(&str, &str)]) -> CommandOutput {
    let mut program = WaybillCommand::new(folder.path());
    program.0.env("WAYBILL_SOURCE", url).envs(variables.iter().copied());
    program.run(["preview"])
}

#[test]
fn a_password_works_with_scram_md5_and_clear_text() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql("CREATE TABLE t (x integer)");
    let url = server.url();
    let with_password = url.replace("waybill_owner@", "waybill_owner:p%40ss%C3%A9@");
    let passfile = folder.path().join("pgpass");
    fs::write(&passfile, format!("127.0.0.1:{}:*:waybill_owner:p@ssé\n", server.port())).unwrap();
    fs::set_permissions(&passfile, fs::Permissions::from_mode(0o600)).unwrap();
    for method in ["scram-sha-256", "md5", "password"] {
        server.require_password("p@ssé", method);
        let in_url = preview(&folder, &with_password, &[]);
        assert_eq!(in_url.code, 0, "{method}: {}", in_url.stderr);
        let in_variable = preview(&folder, &url, &[("PGPASSWORD", "p@ssé")]);
        assert_eq!(in_variable.code, 0, "{method}: {}", in_variable.stderr);
        let in_file = preview(&folder, &url, &[("PGPASSFILE", passfile.to_str().unwrap())]);
        assert_eq!(in_file.code, 0, "{method}: {}", in_file.stderr);
        let none = preview(&folder, &url, &[("PGPASSFILE", "/nowhere")]);
        assert_eq!(none.code, 1);
        assert!(none.stderr.contains("asks for a password: set it in PGPASSWORD"), "{method}: {}", none.stderr);
        let wrong = preview(&folder, &url, &[("PGPASSWORD", "hunter2")]);
        assert_eq!(wrong.code, 1);
        assert!(wrong.stderr.contains("refuses this user") && !wrong.stderr.contains("hunter2"), "{}", wrong.stderr);
    }
}

#[test]
fn a_unix_socket_can_be_used() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql("CREATE TABLE t (x integer)");
    let url = format!("postgres://waybill_owner@/app?host={}&port={}", server.socket_dir().display(), server.port());
    let ended = preview(&folder, &url, &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let nobody = preview(&folder, &url.replace(&server.port().to_string(), "1"), &[]);
    assert_eq!(nobody.code, 1);
    assert!(nobody.stderr.contains("cannot be reached"), "{}", nobody.stderr);
}

#[test]
fn tls_modes_mean_the_same_as_in_libpq() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql("CREATE TABLE t (x integer)");
    let authority = server.require_tls_and_password("s3cret");
    let root = format!("&sslrootcert={}", authority.display());
    let preview = |host: &str, mode: &str, password: &str| {
        let url = format!("postgres://waybill_owner@{host}:{}/app?sslmode={mode}", server.port());
        let mut program = WaybillCommand::new(folder.path());
        program.0.env("PGPASSWORD", password);
        program.run(["preview", "--source", &url])
    };
    for (host, mode, told) in [
        ("localhost", "disable", Some("refuses this user")),
        ("localhost", "allow", None),
        ("localhost", "prefer", None),
        ("localhost", "require", None),
        ("localhost", "verify-ca", Some("sslmode=verify-ca needs sslrootcert")),
        ("localhost", "verify-full", Some("TLS cannot be used: invalid peer certificate: UnknownIssuer")),
        ("localhost", "verify-full&sslrootcert=system", Some("UnknownIssuer")),
        ("localhost", &format!("verify-ca{root}"), None),
        ("127.0.0.1", &format!("verify-ca{root}"), None),
        ("localhost", &format!("verify-full{root}"), None),
        ("127.0.0.1", &format!("verify-full{root}"), Some("TLS cannot be used: invalid peer certificate: ")),
    ] {
        let ended = preview(host, mode, "s3cret");
        assert_eq!(ended.code, i32::from(told.is_some()), "{host} {mode}: {}", ended.stderr);
        assert!(ended.stderr.contains(told.unwrap_or_default()), "{host} {mode}: {}", ended.stderr);
    }
    let wrong = preview("localhost", "require", "hunter2");
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("refuses this user") && !wrong.stderr.contains("hunter2"), "{}", wrong.stderr);
    // As in libpq, a given sslrootcert is used in every mode with TLS.
    fs::write(folder.path().join("empty.crt"), "").unwrap();
    let empty = preview("localhost", &format!("require&sslrootcert={}/empty.crt", folder.path().display()), "s3cret");
    assert!(empty.stderr.contains("empty.crt holds no certificate"), "{}", empty.stderr);
}

#[test]
fn a_client_certificate_signs_in_where_the_server_requires_one() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql("CREATE TABLE t (x integer)");
    let authority = server.require_tls_and_certificate(folder.path());
    let own = |name: &str| format!("sslcert={0}/{name}.crt&sslkey={0}/{name}.key", folder.path().display());
    let preview = |options: &str| {
        let root = authority.display();
        let url =
            format!("postgres://waybill_owner@localhost:{}/app?sslmode=verify-full&sslrootcert={root}", server.port());
        preview(&folder, &format!("{url}&{options}"), &[])
    };
    let known = preview(&own("waybill_owner"));
    assert_eq!(known.code, 0, "{}", known.stderr);
    let without = preview("application_name=waybill");
    assert!(without.stderr.contains("refuses this user"), "{}", without.stderr);
    let half = preview(&format!("sslcert={}/waybill_owner.crt", folder.path().display()));
    assert!(half.stderr.contains("sslcert and sslkey must be set together"), "{}", half.stderr);
}

#[test]
fn a_row_longer_than_any_buffer_arrives_intact() {
    let server = Postgres::start();
    let mut connection = connect(&server.url()).unwrap();
    for length in [262_100, 262_144, 262_200, 3_000_000] {
        connection
            .start_select(
                &format!("SELECT repeat('x', {length}), NULL, repeat('y', {length}) FROM generate_series(1, 3)"),
                &[Format::Text, Format::Binary, Format::Binary],
            )
            .unwrap();
        let mut bytes = Vec::new();
        let rows = loop {
            match connection.next_chunk().unwrap() {
                RowChunk::Bytes(piece) => bytes.extend_from_slice(piece),
                RowChunk::End(rows) => break rows,
            }
        };
        let text = |letter: &str| {
            [&u32::try_from(length).unwrap().to_be_bytes()[..], letter.repeat(length).as_bytes()].concat()
        };
        let row = [&[0, 3][..], &text("x"), &[0xff; 4], &text("y")].concat();
        assert_eq!(rows, 3);
        assert!(bytes == row.repeat(3), "{length}");
    }
}

#[test]
fn an_error_leaves_the_connection_usable() {
    let server = Postgres::start();
    let mut connection = connect(&server.url()).unwrap();
    for sql in ["SELECT 1 / 0", "nonsense", "SELECT pg_terminate_backend(0), '\u{0}'"] {
        assert!(connection.query(sql, &[]).is_err(), "{sql}");
        if !connection.is_ready() {
            connection = connect(&server.url()).unwrap();
        }
        assert_eq!(
            connection.query("SELECT $1::text || 'é' AS joined", &["ö"]).unwrap()[0].text("joined").unwrap(),
            "öé"
        );
    }
    connection.start_select("SELECT 1 / (3 - n) FROM generate_series(1, 5) n", &[]).unwrap();
    let mut pieces = 0;
    let failed = loop {
        match connection.next_chunk() {
            Ok(RowChunk::Bytes(_)) => pieces += 1,
            Ok(RowChunk::End(rows)) => panic!("ended after {rows}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(&failed, Error::Server { code, .. } if code == "22012"), "{failed}");
    assert_eq!(pieces, 2);
    assert!(connection.is_ready());
    connection.execute("SELECT 1; SELECT 2").unwrap();
}

/// Starts a fake server that replies to each message with the next of `answers`; returns its URL.
fn start_fake_server(answers: Vec<Vec<u8>>) -> String {
    start_fake_server_at(IpAddr::V4(Ipv4Addr::LOCALHOST), answers)
}

fn start_fake_server_at(ip: IpAddr, answers: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind((ip, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        for answer in answers {
            let mut buffer = [0; 4096];
            if client.read(&mut buffer).unwrap_or(0) == 0 || client.write_all(&answer).is_err() {
                return;
            }
        }
        let _ = client.read(&mut [0; 4096]);
    });
    format!("postgres://ada:s3cret@{ip}:{port}/app?sslmode=disable")
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag][..], &u32::try_from(body.len() + 4).unwrap().to_be_bytes(), body].concat()
}

/// A non-loopback address of this machine. `None` without a network.
fn non_loopback_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Connecting a UDP socket sends nothing; it only selects a route (192.0.2.1: documentation address, RFC 5737).
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback())
}

/// M4, D5: an attacker in the middle could answer "no TLS", ask for the password in clear text, and get it.
#[test]
fn a_clear_text_or_md5_password_is_not_sent_to_an_unverified_remote_server() {
    let Some(ip) = non_loopback_address() else {
        eprintln!("skipped: this machine has no network");
        return;
    };
    for asks in [&b"\0\0\0\x03"[..], b"\0\0\0\x05salt"] {
        let opened =
            connect(&start_fake_server_at(ip, vec![message(b'R', asks), message(b'E', b"SFATAL\0C28P01\0Mno\0\0")]));
        assert!(matches!(opened, Err(Error::WeakAuth)), "{:?}", opened.err());
        // `require_auth` can allow it; on loopback there is no machine in the middle.
        for url in [
            start_fake_server_at(ip, vec![message(b'R', asks), message(b'E', b"SFATAL\0C28P01\0Mno\0\0")])
                + "&require_auth=md5,password",
            start_fake_server(vec![message(b'R', asks), message(b'E', b"SFATAL\0C28P01\0Mno\0\0")]),
        ] {
            assert!(matches!(connect(&url), Err(Error::Server { .. })), "{url}");
        }
    }
    let folder = TempDir::new().unwrap();
    let told = preview(&folder, &start_fake_server_at(ip, vec![message(b'R', b"\0\0\0\x03")]), &[]);
    assert!(
        told.stderr.contains("nothing verifies that") && told.stderr.contains("sslmode=verify-full"),
        "{}",
        told.stderr
    );
    assert!(told.stderr.contains("asks for the password in cleartext or as MD5"), "{}", told.stderr);
}

#[test]
fn require_auth_and_channel_binding_are_enforced() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql("CREATE TABLE t (x integer)");
    let url = server.url();
    let trusting = preview(&folder, &format!("{url}&require_auth=scram-sha-256"), &[]);
    assert!(trusting.stderr.contains("that require_auth does not allow"), "{}", trusting.stderr);
    let unbound = preview(&folder, &format!("{url}&channel_binding=require"), &[]);
    assert!(unbound.stderr.contains("does not support channel binding"), "{}", unbound.stderr);
    let authority = server.require_tls_and_password("s3cret");
    let preview = |options: &str| {
        let url = format!("postgres://waybill_owner@localhost:{}/app?{options}", server.port());
        preview(&folder, &url, &[("PGPASSWORD", "s3cret"), ("PGSSLROOTCERT", authority.to_str().unwrap())])
    };
    for kept in [
        "require_auth=scram-sha-256",
        "require_auth=!md5,!password",
        "channel_binding=require",
        "channel_binding=disable",
    ] {
        let ended = preview(&format!("sslmode=require&{kept}"));
        assert_eq!(ended.code, 0, "{kept}: {}", ended.stderr);
    }
    let refused = preview("sslmode=require&require_auth=md5");
    assert!(refused.stderr.contains("that require_auth does not allow"), "{}", refused.stderr);
}

/// M4: with `sslmode=require` alone, a machine in the middle could relay SCRAM and read every row.
#[test]
fn a_relayed_sign_in_fails() {
    let server = Postgres::start();
    server.sql("CREATE TABLE t (x integer)");
    server.require_tls_and_password("s3cret");
    let url = |port: u16| format!("postgres://waybill_owner:s3cret@localhost:{port}/app?sslmode=require");
    assert!(connect(&url(server.port())).is_ok());
    let between = TlsRelay::start(server.port());
    let relayed = connect(&url(between.port));
    assert!(relayed.is_err(), "the relay could read rows");
    // Channel binding is what stops the relay.
    assert!(connect(&(url(between.port) + "&channel_binding=disable")).is_ok());
}

/// In SCRAM the server proves that it knows the password; a client that skips this check trusts any server.
#[test]
fn a_server_that_does_not_prove_that_it_knows_the_password_is_rejected() {
    let asks = message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0");
    let accepts = [message(b'R', &[0; 4]), message(b'Z', b"I")].concat();
    let opened = connect(&start_fake_server(vec![asks, accepts]));
    assert!(matches!(opened, Err(Error::ServerUnproven)), "{:?}", opened.err());
}

#[test]
fn malformed_messages_are_protocol_errors_without_panic_or_delay() {
    let endless = [&[b'R'][..], &u32::MAX.to_be_bytes()].concat();
    let huge = [&[b'S'][..], &0x7fff_ffff_u32.to_be_bytes(), &[b'x'; 100]].concat();
    for malformed in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        endless,
        huge,
        message(b'R', b""),
        message(b'?', b"x"),
        // An error without its SQLSTATE.
        message(b'E', b"SFATAL\0Mgo away\0\0"),
        vec![0; 64],
    ] {
        let started = Instant::now();
        let opened = connect(&start_fake_server(vec![malformed.clone()]));
        assert!(matches!(opened, Err(Error::Protocol)), "{malformed:?}: {:?}", opened.err());
        assert!(started.elapsed() < TIMEOUT);
    }
    let closes = start_fake_server(vec![]);
    drop(TcpStream::connect(closes.split(['@', '/']).nth(3).unwrap()));
    assert!(connect(&closes).is_err());
}

#[test]
fn bytes_behind_the_tls_response_are_rejected() {
    let url = start_fake_server(vec![[b"S".to_vec(), message(b'R', &[0; 4])].concat()]).replace("disable", "require");
    let opened = connect(&url);
    assert!(matches!(opened, Err(Error::Tls(_))), "{:?}", opened.err());
}
