//! Times an export through the web as its user sees it: from the request to the sealed artefact.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::timed_program::Measurement;

pub struct WebServer {
    process: Child,
    base: String,
    client: Client,
    runtime: Runtime,
    /// The folder where finished files would otherwise stay for 15 minutes.
    artifacts: PathBuf,
}

impl WebServer {
    pub fn start(folder: &Path, source: &str, password: &str) -> Self {
        let state = folder.join("web-state.db");
        let mut serve = super::waybill();
        serve.args(["serve", "--address", "127.0.0.1:0", "--source", source, "--state"]);
        serve.arg(format!("sqlite:{}", state.display()));
        let mut process = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the server");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("its address");
        let address = line.split("http://").nth(1).and_then(|url| url.split('/').next()).expect("its address");
        let client = Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build();
        let runtime = Runtime::new().expect("a runtime");
        let (base, client) = (format!("http://{address}"), client.expect("a client"));
        let site = Self { process, base, client, runtime, artifacts: folder.join("web-state.db.files") };
        site.post("/login", &format!("email=system.admin%40sample.test&password={password}"));
        site
    }

    fn post(&self, path: &str, form: &str) -> Value {
        let request =
            self.client.post(self.base.clone() + path).header("content-type", "application/x-www-form-urlencoded");
        let body = self.runtime.block_on(async { request.body(form.to_owned()).send().await?.bytes().await });
        serde_json::from_slice(&body.expect("an answer")).unwrap_or(Value::Null)
    }

    pub fn time_export(&self) -> Measurement {
        let started = Instant::now();
        let requested = self.post("/rpc/request_export", "compression=none");
        let id = requested["id"].as_str().unwrap_or_else(|| panic!("no export: {requested}")).to_owned();
        loop {
            let state = self.post("/rpc/view_export", &format!("id={id}"))["state"].take();
            assert!(state.get("failed").is_none(), "{state}");
            if state.get("completed").is_some() {
                let run = Measurement { seconds: started.elapsed().as_secs_f64(), ..Measurement::default() };
                let _ = std::fs::remove_dir_all(&self.artifacts);
                let _ = std::fs::create_dir(&self.artifacts);
                return run;
            }
            // Poll slowly: each request costs the server work that a page, which listens to events, does not cause.
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
        }
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.artifacts);
    }
}
