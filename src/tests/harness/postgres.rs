//! A real PostgreSQL server per test: on loopback, in a temporary folder, stopped and removed on drop.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use waybill::server::source::postgres::{ConnectConfig, PostgresSource};

/// A running server. `waybill_owner` owns the database `app`.
pub struct Postgres {
    folder: TempDir,
    port: u16,
    programs: PathBuf,
}

/// Runs the command as the user `postgres` when the tests run as root: PostgreSQL refuses to run as root.
pub fn drop_privileges(command: &mut Command) -> &mut Command {
    let id = |flag: &str| -> Option<u32> {
        let output = Command::new("id").args([flag, "postgres"]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if is_root()
        && let (Some(user), Some(group)) = (id("-u"), id("-g"))
    {
        command.uid(user).gid(group);
    }
    command
        .current_dir("/tmp")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", "C.UTF-8")
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// The folder of the server's programs: `WAYBILL_POSTGRES` if set, else the newest installed version.
fn bin_dir() -> PathBuf {
    std::env::var_os("WAYBILL_POSTGRES").map_or_else(newest_installed_bin_dir, PathBuf::from)
}

fn newest_installed_bin_dir() -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin"))
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL is not installed; run `make packages`")
}

fn run_checked(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

pub fn chown_to_postgres(folder: &Path) {
    if is_root() {
        run_checked(Command::new("chown").arg("-R").arg("postgres:").arg(folder));
    }
}

/// An initialised data folder, created once and copied for each test.
fn data_template(programs: &Path) -> PathBuf {
    let version = programs.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let template = std::env::temp_dir().join(format!("waybill-postgres-{version}-template"));
    if template.join("PG_VERSION").exists() {
        return template;
    }
    let temp_folder = TempDir::new().unwrap();
    chown_to_postgres(temp_folder.path());
    let data = temp_folder.path().join("data");
    let mut init = Command::new(programs.join("initdb"));
    init.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
        .arg(&data);
    run_checked(drop_privileges(&mut init));
    // Another test may have renamed its own template first; either one will do.
    let _ = fs::rename(&data, &template);
    template
}

impl Postgres {
    pub fn start() -> Self {
        let programs = bin_dir();
        let template = data_template(&programs);
        let folder = TempDir::new().unwrap();
        run_checked(Command::new("cp").arg("-r").arg(&template).arg(folder.path().join("data")));
        let mut server = Self { folder, port: 0, programs };
        // Another program may take a port between the moment it was free and the server's start.
        let has_started = (0..5).any(|_| {
            server.choose_port();
            server.try_pg_ctl("start")
        });
        assert!(has_started, "{}", server.log());
        server.sql_as(
            "postgres",
            "postgres",
            "CREATE ROLE waybill_owner LOGIN; CREATE DATABASE app OWNER waybill_owner",
        );
        server
    }

    fn choose_port(&mut self) {
        self.port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = format!(
            "listen_addresses='127.0.0.1'\nport={}\nunix_socket_directories='{}'\nfsync=off\nfull_page_writes=off\n\
             max_connections=40\nautovacuum=off\nshared_buffers='32MB'\n",
            self.port,
            self.folder.path().display()
        );
        fs::write(self.folder.path().join("data/postgresql.auto.conf"), text).unwrap();
        chown_to_postgres(self.folder.path());
    }

    /// Makes the server require a password from `waybill_owner`, by this method of `pg_hba.conf`.
    pub fn require_password(&self, password: &str, method: &str) {
        let encryption = if method == "md5" { "md5" } else { "scram-sha-256" };
        let sql = format!("SET password_encryption = '{encryption}'; ALTER ROLE waybill_owner PASSWORD '{password}'");
        self.sql_as("postgres", "postgres", &sql);
        let rules = format!("host all waybill_owner 127.0.0.1/32 {method}\nhost all postgres 127.0.0.1/32 trust\n");
        fs::write(self.folder.path().join("data/pg_hba.conf"), rules).unwrap();
        self.sql_as("postgres", "postgres", "SELECT pg_reload_conf()");
    }

    /// Makes the server require TLS and a client certificate. Writes certificate and key of `waybill_owner` to
    /// `folder`; returns the path of the CA certificate.
    pub fn require_tls_and_certificate(&self, folder: &Path) -> PathBuf {
        let authority = self.require_tls_and_password("unused");
        let data = self.folder.path().join("data");
        let openssl =
            |arguments: &str| run_checked(Command::new("openssl").args(arguments.split(' ')).current_dir(&data));
        let own = folder.join("waybill_owner").display().to_string();
        openssl(&format!("req -newkey rsa:2048 -nodes -keyout {own}.key -out own.csr -subj /CN=waybill_owner"));
        openssl(&format!(
            "x509 -req -in own.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out {own}.crt -days 2 -extfile names"
        ));
        fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 cert\n").unwrap();
        let mut settings = fs::OpenOptions::new().append(true).open(data.join("postgresql.auto.conf")).unwrap();
        std::io::Write::write_all(&mut settings, b"ssl_ca_file = 'ca.crt'\n").unwrap();
        chown_to_postgres(&data);
        self.restart();
        authority
    }

    /// The folder of the server's Unix socket.
    pub fn socket_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Makes the server require TLS and a password; returns the path of the CA certificate.
    pub fn require_tls_and_password(&self, password: &str) -> PathBuf {
        self.sql_as(
            "postgres",
            "postgres",
            &format!(
                "SET password_encryption = 'scram-sha-256'; ALTER ROLE waybill_owner PASSWORD '{password}'; \
                 ALTER SYSTEM SET ssl = on"
            ),
        );
        let data = self.folder.path().join("data");
        let openssl =
            |arguments: &str| run_checked(Command::new("openssl").args(arguments.split(' ')).current_dir(&data));
        openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=Test");
        openssl("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost");
        fs::write(data.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
        openssl(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile names",
        );
        fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n").unwrap();
        let authority = self.folder.path().join("ca.crt");
        fs::copy(data.join("ca.crt"), &authority).unwrap();
        run_checked(Command::new("chmod").arg("600").arg(data.join("server.key")));
        chown_to_postgres(&data);
        self.restart();
        run_checked(Command::new("chmod").arg("755").arg(self.folder.path()));
        authority
    }

    pub fn restart(&self) {
        self.pg_ctl("restart");
    }

    fn pg_ctl(&self, verb: &str) {
        assert!(self.try_pg_ctl(verb), "{}", self.log());
    }

    fn try_pg_ctl(&self, verb: &str) -> bool {
        let mut command = Command::new(self.programs.join("pg_ctl"));
        command.arg(verb).args(["-w", "-s", "-m", "immediate", "-D"]).arg(self.folder.path().join("data"));
        command.arg("-l").arg(self.folder.path().join("data/log"));
        let command = drop_privileges(&mut command).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    }

    /// The server's major version, such as 15.
    pub fn major_version(&self) -> u32 {
        self.sql("SHOW server_version_num").parse::<u32>().unwrap() / 10_000
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        self.url_as("waybill_owner", "app")
    }

    pub fn url_as(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// A source on `app`, with timeouts short enough for a test.
    pub fn source(&self) -> PostgresSource {
        connect_source(&self.url())
    }

    /// Runs SQL through psql as the owner of `app`; returns its unaligned output.
    pub fn sql(&self, sql: &str) -> String {
        self.sql_as("waybill_owner", "app", sql)
    }

    pub fn sql_as(&self, user: &str, database: &str, sql: &str) -> String {
        let mut command = self.psql(user, database);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = sql.to_owned();
        let writer = std::thread::spawn(move || {
            use std::io::Write;
            let _ = input.write_all(text.as_bytes());
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}\n{}", sql.chars().take(2000).collect::<String>());
        String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
    }

    /// A psql command for a session that stays open until its process ends.
    pub fn psql(&self, user: &str, database: &str) -> Command {
        let mut command = self.program("psql");
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", user, "-d", database]);
        command.arg("-p").arg(self.port.to_string()).env("PGCLIENTENCODING", "UTF8");
        command
    }

    /// The contents of the server's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("data/log")).unwrap()
    }

    /// A client program of PostgreSQL. Falls back to the installed version: other versions come without clients.
    pub fn program(&self, name: &str) -> Command {
        let own = self.programs.join(name);
        Command::new(if own.exists() { own } else { newest_installed_bin_dir().join(name) })
    }

    /// The number of Waybill's sessions that are open on the server.
    pub fn waybill_session_count(&self) -> u32 {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'waybill'";
        self.sql_as("postgres", "postgres", count).parse().unwrap()
    }
}

/// A source at any URL, with timeouts short enough for a test.
pub fn connect_source(url: &str) -> PostgresSource {
    let address: ConnectConfig = url.parse().unwrap();
    PostgresSource::connect(address, &[]).unwrap().with_timeouts(Duration::from_secs(2), Duration::from_millis(700))
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut command = Command::new(self.programs.join("pg_ctl"));
        command.args(["stop", "-w", "-s", "-m", "immediate", "-D"]).arg(self.folder.path().join("data"));
        let _ = drop_privileges(&mut command).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
