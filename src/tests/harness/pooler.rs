//! A real transaction pooler (`PgBouncer`) in front of a test's PostgreSQL: clients share at most two server
//! sessions.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Postgres;
use super::postgres::{chown_to_postgres, drop_privileges};

pub struct Pooler<'a> {
    server: &'a Postgres,
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl<'a> Pooler<'a> {
    pub fn start(server: &'a Postgres) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("users.txt"), "\"postgres\" \"\"\n\"waybill_owner\" \"\"\n").unwrap();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 2\n",
            server.port(),
            path("users.txt").display()
        );
        fs::write(path("pgbouncer.ini"), settings).unwrap();
        chown_to_postgres(folder.path());
        let mut command = Command::new("/usr/sbin/pgbouncer");
        drop_privileges(command.arg("-q").arg(path("pgbouncer.ini")));
        let process = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("cannot start pgbouncer; install it with `make packages`");
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "the pooler did not start");
            std::thread::yield_now();
        }
        Self { server, process, port, _folder: folder }
    }

    pub fn url_as(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Runs SQL as another client of the pooler.
    pub fn sql_as_other_client(&self, sql: &str) -> String {
        let mut psql = self.server.program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-U", "postgres", "-d", "app", "-p"]);
        let output = psql.arg(self.port.to_string()).args(["-c", sql]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

impl Drop for Pooler<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
