//! The `waybill` program, run as a child process.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Exit code and output of a command.
#[derive(Debug)]
pub struct CommandOutput {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl CommandOutput {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// The program under test: the one that `WAYBILL_PROGRAM` names, which `make test` sets to the release build, or else the one
/// that was built with these tests.
pub fn program() -> OsString {
    std::env::var_os("WAYBILL_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_waybill").into())
}

/// A `waybill` command that keeps its state in the test's folder.
pub struct WaybillCommand(pub Command);

impl WaybillCommand {
    pub fn new(folder: &Path) -> Self {
        Self::with(Command::new(program()), folder)
    }

    /// A copy of the program in a folder of its own, without the site's files beside it.
    pub fn without_site_files(folder: &Path) -> Self {
        let program = folder.join("bin/waybill");
        std::fs::create_dir(folder.join("bin")).unwrap();
        std::fs::copy(self::program(), &program).unwrap();
        Self::with(Command::new(program), folder)
    }

    /// A command that cannot write a file larger than this many kilobytes.
    pub fn with_file_size_limit(kilobytes: u32, folder: &Path) -> Self {
        Self::with_ulimit(&format!("-f {kilobytes}"), folder)
    }

    /// A command with a resource limit, given as arguments to `ulimit`.
    pub fn with_ulimit(limit: &str, folder: &Path) -> Self {
        let mut shell = Command::new("bash");
        let script = format!("ulimit {limit}; exec \"$0\" \"$@\"");
        shell.args(["-c", &script]).arg(program());
        Self::with(shell, folder)
    }

    fn with(mut command: Command, folder: &Path) -> Self {
        command.current_dir(folder).env("XDG_STATE_HOME", folder.join("state"));
        for name in ["WAYBILL_SOURCE", "WAYBILL_STATE", "WAYBILL_SAMPLE_PASSWORD", "WAYBILL_LOG"] {
            command.env_remove(name);
        }
        Self(command)
    }

    pub fn run<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> CommandOutput {
        let output = self.0.args(arguments).output().unwrap();
        CommandOutput {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// `waybill serve` as a child process, for tests that kill it or limit its resources.
pub struct ServerProcess {
    pub process: Child,
    pub address: SocketAddr,
}

impl ServerProcess {
    pub fn start(folder: &Path, source: &Path) -> Self {
        Self::spawn(WaybillCommand::new(folder), source)
    }

    /// A server that cannot write a file larger than this many kilobytes: the disk is full for exports only.
    pub fn with_file_size_limit(kilobytes: u32, folder: &Path, source: &Path) -> Self {
        Self::spawn(WaybillCommand::with_file_size_limit(kilobytes, folder), source)
    }

    /// A server with 1,024 file descriptors, the usual limit of a system.
    pub fn with_1024_descriptors(folder: &Path, source: &Path) -> Self {
        Self::spawn(WaybillCommand::with_ulimit("-n 1024", folder), source)
    }

    fn spawn(mut program: WaybillCommand, source: &Path) -> Self {
        let source = format!("sqlite:{}", source.display());
        let arguments = ["serve", "--address", "127.0.0.1:0", "--profile", "supportsignal", "--source", &source];
        let mut process = program.0.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|url| url.split('/').next()).unwrap_or_default();
        let address = address.parse().unwrap_or_else(|_| panic!("no address in {line:?}"));
        Self { process, address }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
