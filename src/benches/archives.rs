//! Benchmark of a person's archive: out, and back in by each mode, on SQLite.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::bench_environment::{PASSWORD, waybill};
use super::timed_program::{self, Measurement, TimedProgram, measure, report};

const ROUNDS: usize = 5;

/// A database with the data of three people, each of whom knows so many, and what is made of it.
struct Ground {
    folder: tempfile::TempDir,
    person: String,
}

/// Compares the export of an archive with `sqlite3 -json` of the same records, and imports with the export.
pub fn measure_archives(people: u64) {
    let ground = Ground::new(people);
    let programs: Vec<TimedProgram<'_>> = vec![
        TimedProgram::new("waybill export --layout carol", || {
            let _ = std::fs::remove_file(ground.path("own.tar.gz"));
            ground.export()
        }),
        TimedProgram::new("sqlite3 -json | gzip", || measure(&mut ground.sqlite_shell(), &ground.path("own.json.gz"))),
        TimedProgram::new("a merge, of which all is there", || ground.import("merge", &[])),
        TimedProgram::new("its dry run", || ground.import("merge", &["--dry-run"])),
        TimedProgram::new("a merge, of which nothing is", || {
            ground.delete_own();
            ground.import("merge", &[])
        }),
        TimedProgram::new("a copy", || ground.import("copy", &[])),
        TimedProgram::new("a replacement", || ground.import("replace", &[])),
    ];
    let runs = timed_program::run_rounds(&programs, ROUNDS);
    println!("\nan archive of {} records; median of {ROUNDS} after one warm-up", ground.count());
    report(&programs, &runs);
    let ratio = |of: usize, to: usize| timed_program::ratio(&runs[of], &runs[to]);
    println!("sqlite3 | gzip against waybill export: {:.2} ×", ratio(1, 0));
    println!(
        "against the export: merge {:.2} ×, its dry run {:.2} ×, merge of what is gone {:.2} ×, copy {:.2} ×, replace {:.2} ×",
        ratio(2, 0),
        ratio(3, 0),
        ratio(4, 0),
        ratio(5, 0),
        ratio(6, 0)
    );
}

impl Ground {
    fn new(people: u64) -> Self {
        let folder = tempfile::TempDir::new().expect("a folder");
        let mut ground = Self { folder, person: String::new() };
        let mut sample = waybill();
        sample.args(["sample", "--application", "carol", "--users", "3", "--people", &people.to_string()]);
        sample.arg("--media").arg(ground.path("media")).arg("--output").arg(ground.path("pristine.db"));
        measure(sample.env("WAYBILL_SAMPLE_PASSWORD", PASSWORD), &ground.path("made.txt"));
        let database = rusqlite::Connection::open(ground.path("pristine.db")).expect("the sample");
        let first = database.query_row("SELECT min(id) FROM users", [], |row| row.get(0));
        ground.person = first.expect("a user");
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, what: &str) -> Command {
        let mut command = waybill();
        command.arg(what).args(["--profile", "carol", "--person", &self.person, "--media"]).arg(self.path("media"));
        command.arg("--state").arg(format!("sqlite:{}", self.path("state.db").display()));
        command
    }

    fn export(&self) -> Measurement {
        let mut export = self.command("export");
        export.arg("--source").arg(format!("sqlite:{}", self.path("pristine.db").display()));
        export.args(["--layout", "carol", "--output"]).arg(self.path("own.tar.gz"));
        measure(&mut export, &self.path("told.txt"))
    }

    /// Imports into a copy of the database, which is not timed.
    fn import(&self, mode: &str, options: &[&str]) -> Measurement {
        let target = self.path("target.db");
        if !target.exists() {
            std::fs::copy(self.path("pristine.db"), &target).expect("a copy");
        }
        let mut import = self.command("import");
        import.arg(self.path("own.tar.gz")).arg("--target").arg(format!("sqlite:{}", target.display()));
        let run = measure(import.args(["--mode", mode]).args(options), &self.path("told.txt"));
        for file in [&target, &target.with_extension("db-wal"), &target.with_extension("db-shm")] {
            let _ = std::fs::remove_file(file);
        }
        run
    }

    /// From the next copy of the database.
    fn delete_own(&self) {
        let target = self.path("target.db");
        std::fs::copy(self.path("pristine.db"), &target).expect("a copy");
        let database = rusqlite::Connection::open(&target).expect("the copy");
        let tables = tables(&target);
        let delete = tables.iter().map(|table| format!("DELETE FROM {table} WHERE user_id = '{}';", self.person));
        let sql = format!("PRAGMA foreign_keys = OFF; BEGIN; {} COMMIT;", delete.collect::<String>());
        database.execute_batch(&sql).expect("an empty account");
    }

    /// Prints the person's records, packed as an archive is.
    fn sqlite_shell(&self) -> Command {
        let select = |table: &String| format!("SELECT * FROM {table} WHERE user_id = '{}';", self.person);
        let sql = tables(&self.path("pristine.db")).iter().map(select).collect::<String>();
        let mut shell = Command::new("bash");
        let script = "set -o pipefail; sqlite3 -readonly -json \"$0\" \"$1\" | gzip";
        shell.args(["-c", script]).arg(self.path("pristine.db")).arg(sql);
        shell
    }

    fn count(&self) -> u64 {
        let path = self.path("pristine.db");
        let database = rusqlite::Connection::open(&path).expect("the sample");
        let count = |table: &String| {
            let sql = format!("SELECT count(*) FROM {table} WHERE user_id = ?1");
            database.query_row(&sql, [&self.person], |row| row.get::<_, u64>(0)).expect("a count")
        };
        tables(&path).iter().map(count).sum()
    }
}

/// The tables that an archive is of.
fn tables(database: &Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(database).expect("a database");
    let sql = "SELECT m.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c ON c.name = 'user_id'
         WHERE m.type = 'table' AND m.name NOT IN ('oauth_identities', 'sessions', 'personal_access_tokens', 'settings')";
    let mut tables = connection.prepare(sql).expect("tables");
    let names = tables.query_map([], |row| row.get(0)).expect("names");
    names.map(|name| name.expect("a name")).collect()
}
