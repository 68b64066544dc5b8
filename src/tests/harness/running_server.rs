//! Applications with accounts of their own, and `waybill serve` as a process on one of them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rusqlite::Connection;

use super::{Browser, PASSWORD, WaybillCommand};

/// A profile of an application with its own accounts; row 1 is the admin in every database.
pub const PROFILE: &str = r#"
name = "app"
[auth]
table = "users"
id = "id"
email = "email"
password = "hash"
[roles.admin]
label = "Admin"
when = { role = "admin" }
capabilities = ["export_database"]
[tables.users.columns]
id = "plain"
email = "personal"
hash = "secret"
role = "plain"
"#;

/// Creates an application's database; all of them have the same admin.
pub fn create_application(folder: &Path, name: &str) -> PathBuf {
    let hash = waybill::server::support::password::hash_argon2id(PASSWORD, b"0123456789abcdef");
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch(&format!(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, hash TEXT, role TEXT);
             INSERT INTO users VALUES (1, 'boss@example.org', '{hash}', 'admin')"
        ))
        .unwrap();
    path
}

/// A running `waybill serve`, with the lines that it printed at start.
pub struct RunningServer {
    pub process: Child,
    pub browser: Browser,
    pub printed: Vec<String>,
}

impl RunningServer {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut program = WaybillCommand::new(folder);
        program.0.args(["serve", "--address", "127.0.0.1:0"]).args(arguments);
        let mut process = program.0.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut printed = vec![lines.next().expect("the server did not start")];
        if !arguments.contains(&"--profile") {
            printed.extend(lines.by_ref().take(2));
        }
        let address = printed[0].split("http://").nth(1).and_then(|url| url.split('/').next()).unwrap();
        let browser = Browser::new(address.parse().unwrap());
        Self { process, browser, printed }
    }

    pub fn application(folder: &Path, database: &Path) -> Self {
        let profile = folder.join("app.toml");
        std::fs::write(&profile, PROFILE).unwrap();
        let source = format!("sqlite:{}", database.display());
        Self::start(folder, &["--source", &source, "--profile", profile.to_str().unwrap()])
    }

    /// The printed code for creating the first account.
    pub fn setup_code(&self) -> Option<String> {
        self.printed.iter().find_map(|line| line.split_once("/setup")).map(|(_, rest)| rest.trim().to_owned())
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
