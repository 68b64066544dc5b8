//! An HTTP client that behaves like a browser: cookies, forms, server functions, event streams, downloads.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, redirect};
use serde_json::Value;
use waybill::model::export::{QueuedExport, RunState, RunView};

pub struct Browser {
    pub client: Client,
    base: String,
}

/// A response with its complete body.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Response {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Browser {
    pub fn new(address: SocketAddr) -> Self {
        let client = Client::builder()
            .cookie_store(true)
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_mins(1))
            .build()
            .unwrap();
        Self { client, base: format!("http://{address}") }
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&'static str, &str)], form: &str) -> Response {
        let mut request = self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), self.base.clone() + path);
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_str(value).unwrap());
        }
        if method == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Response { status, headers, body: response.bytes().await.map(Vec::from).unwrap_or_default() }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], "").await
    }

    pub async fn post(&self, path: &str, form: &str) -> Response {
        self.send("POST", path, &[("sec-fetch-site", "same-origin")], form).await
    }

    /// Sends a file as the body.
    pub async fn send_file(&self, path: &str, file: impl Into<reqwest::Body>) -> Response {
        let request = self.client.post(self.base.clone() + path).header("sec-fetch-site", "same-origin").body(file);
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Response { status, headers, body: response.bytes().await.map(Vec::from).unwrap_or_default() }
    }

    /// Sends a form with fields, and files among them: name, content.
    pub async fn send_form(&self, path: &str, fields: &[(&str, &[u8])], headers: &[(&'static str, &str)]) -> Response {
        let boundary = "waybill-form-boundary";
        let mut body = Vec::new();
        for (name, content) in fields {
            let file = if *name == "file" { "; filename=\"x.tar.gz\"\r\nContent-Type: application/gzip" } else { "" };
            body.extend(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes(),
            );
            body.extend(*content);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        let mut request = self.client.post(self.base.clone() + path).header("sec-fetch-site", "same-origin");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let response = request.header("content-type", content_type).body(body).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Response { status, headers, body: response.bytes().await.map(Vec::from).unwrap_or_default() }
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Response {
        let encode = |text: &str| text.replace('%', "%25").replace('@', "%40").replace(' ', "+");
        self.post("/login", &format!("email={}&password={}", encode(email), encode(password))).await
    }

    /// Requests an export with the call that the page's script makes.
    pub async fn request_export(&self) -> QueuedExport {
        let answer = self.post("/rpc/request_export", "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Reads a run's event stream to its end and returns the last state.
    pub async fn wait_for_end(&self, run: &QueuedExport) -> RunState {
        let url = format!("{}/api/v1/exports/{}/events", self.base, run.id);
        let mut events = self.client.get(url).send().await.unwrap().bytes_stream();
        let mut text = String::new();
        while let Some(bytes) = events.next().await {
            text.push_str(&String::from_utf8_lossy(&bytes.unwrap()));
        }
        let last = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
        let view: RunView = serde_json::from_str(last.unwrap()).unwrap();
        view.state
    }

    pub async fn export_and_wait(&self) -> (QueuedExport, RunState) {
        let run = self.request_export().await;
        let state = self.wait_for_end(&run).await;
        (run, state)
    }

    pub async fn download(&self, run: &QueuedExport) -> Response {
        self.get(&format!("/api/v1/exports/{}/file", run.id)).await
    }
}
