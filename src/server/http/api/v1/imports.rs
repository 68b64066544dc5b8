//! `POST /api/v1/imports/plan`, `POST /api/v1/imports` and `POST /api/v1/imports/{id}/undo`: the body is the file that is imported.
//!
//! Nothing is kept between a plan and its import: the file is sent twice. What takes long answers with lines of JSON
//! (`ImportUpdate`) while it runs, so that no proxy takes it for dead. Once it runs, it ends by itself: who has sent it may be gone.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Deserializer, de};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::io::ReaderStream;

use super::super::super::connections::UploadProtection;
use super::super::super::problem::ProblemDetails;
use super::super::super::state::AppState;
use super::super::import_session::{ImportSession, Right, UndoOptions};
use crate::model::ApiError;
use crate::model::access::{Capability, Scope};
use crate::model::import::{ImportMode, TablePolicies, TablePolicy};
use crate::model::import_update::ImportUpdate;
use crate::server::identity::Caller;
use crate::server::import::{self, ExpectedPlan, ImportRequest, Imports, UploadSlot};
use crate::server::rpc_context::authentication;

const RIGHT: Right = |_| (Capability::ImportDatabase, Scope::WholeDatabase);
/// A record takes several times its size in memory while it is read. Who has larger ones uses the command line.
const MAX_RECORD_BYTES: usize = 64 << 20;
/// How often a line is sent while something runs.
const UPDATE_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportOptions {
    mode: ImportMode,
    /// The hash of the plan that the import must have.
    plan: Option<String>,
    #[serde(default)]
    accept_unsigned: bool,
    #[serde(default)]
    without_undo: bool,
    /// What becomes of records that are there, in all tables.
    policy: Option<TablePolicy>,
    /// The same in tables that have a policy of their own: a JSON object.
    #[serde(default, deserialize_with = "policies_of_json")]
    policies: TablePolicies,
}

fn policies_of_json<'de, D: Deserializer<'de>>(text: D) -> Result<TablePolicies, D::Error> {
    serde_json::from_str(&String::deserialize(text)?).map_err(de::Error::custom)
}

/// What happens to each record of the database, if the file is imported.
pub async fn plan(
    State(state): State<AppState>,
    Query(options): Query<ImportOptions>,
    request: Request,
) -> Result<Response, ProblemDetails> {
    let mut session = ImportSession::of(&state, request.headers(), RIGHT)?;
    let (imports, ReceivedFile { caller, file, slot }) = receive(&state, &mut session, request).await?;
    let out = imports.uploads.unnamed_file().map_err(|error| state.api_error(&error))?;
    let (progress, records) = watch::channel(0);
    let planned = tokio::spawn(async move {
        let on_progress = move |records| {
            progress.send_replace(records);
        };
        let planned = imports.plan_file(&caller, file, options.request(true), out, on_progress).await;
        drop(slot);
        planned.and_then(|plan| Ok((ImportUpdate::Plan(plan.metadata()?.len()), Some(plan))))
    });
    Ok(answer(state, planned, records))
}

/// Imports the file.
pub async fn import(
    State(state): State<AppState>,
    Query(options): Query<ImportOptions>,
    request: Request,
) -> Result<Response, ProblemDetails> {
    let mut session = ImportSession::of(&state, request.headers(), RIGHT)?;
    let (imports, ReceivedFile { caller, file, slot }) = receive(&state, &mut session, request).await?;
    let (progress, records) = watch::channel(0);
    let still_allowed = session.still_allowed();
    let imported = tokio::spawn(async move {
        let on_progress = move |records| {
            progress.send_replace(records);
        };
        let imported = imports.import_file(&caller, file, options.request(false), still_allowed, on_progress).await;
        drop(slot);
        imported.map(|report| (ImportUpdate::Imported(Box::new(report)), None))
    });
    Ok(answer(state, imported, records))
}

/// Takes back what an import has done.
pub async fn undo(
    State(state): State<AppState>,
    Path(import): Path<String>,
    Query(options): Query<UndoOptions>,
    request: Request,
) -> Result<Response, ProblemDetails> {
    let caller = authentication(&request).caller()?;
    let imports = imports(&state)?;
    let slot = imports.begin_undo(&caller, &import).await.map_err(|error| state.api_error(&error))?;
    let undone = tokio::spawn(async move {
        let undone = imports.undo(&caller, options.request(import)).await;
        drop(slot);
        undone.map(|report| (ImportUpdate::Undone(report), None))
    });
    Ok(answer(state, undone, watch::channel(0).1))
}

impl ImportOptions {
    fn request(self, dry_run: bool) -> ImportRequest {
        ImportRequest {
            mode: self.mode,
            dry_run,
            accept_unsigned: self.accept_unsigned,
            without_undo: self.without_undo,
            max_record_bytes: Some(MAX_RECORD_BYTES),
            create_tables: false,
            part: None,
            policies: self.policies,
            policy: self.policy,
            person: None,
            expected_plan: self.plan.map(|hash| ExpectedPlan::Hash(hash.to_ascii_lowercase())),
            plan_output: None,
            id_map_output: None,
        }
    }
}

/// A file that was received from somebody who may import it.
struct ReceivedFile {
    caller: Caller,
    file: File,
    slot: UploadSlot,
}

fn imports(state: &AppState) -> Result<Arc<Imports>, ApiError> {
    state.app.import_page.imports.clone().ok_or(ApiError::NotFound)
}

async fn receive(
    state: &AppState,
    session: &mut ImportSession,
    request: Request,
) -> Result<(Arc<Imports>, ReceivedFile), ApiError> {
    let caller = authentication(&request).caller()?;
    let imports = imports(state)?;
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut upload = imports.begin_upload(&caller, length).await.map_err(|error| state.api_error(&error))?;
    if let Some(connection) = request.extensions().get::<UploadProtection>() {
        connection.protect();
    }
    let mut body = request.into_body().into_data_stream();
    while let Some(bytes) = body.next().await {
        session.recheck().await?;
        let bytes = bytes.map_err(|_| ApiError::Invalid("The file was not received whole: send it again.".into()))?;
        upload.write(&bytes).await.map_err(|error| state.api_error(&error))?;
    }
    let (file, slot) = upload.finish().await.map_err(|error| state.api_error(&error))?;
    // An upload may take long enough for the caller to lose their role.
    let now = session.find().await?;
    Ok((imports, ReceivedFile { caller: Caller { client_ip: caller.client_ip, ..now }, file, slot }))
}

/// What has come out of it: the last line, and what follows it.
type Outcome = import::Result<(ImportUpdate, Option<File>)>;

/// Lines of progress, then the outcome. It is an attachment: what is sent to whoever may have it is not cut off for others.
fn answer(state: AppState, running: JoinHandle<Outcome>, records: watch::Receiver<u64>) -> Response {
    let lines = stream::unfold(Some((running, records)), move |step| {
        let state = state.clone();
        async move {
            let (mut running, records) = step?;
            let Ok(ended) = tokio::time::timeout(UPDATE_INTERVAL, &mut running).await else {
                let update = ImportUpdate::Records(*records.borrow());
                return Some((line(&update, None), Some((running, records))));
            };
            let (update, file) =
                ended.unwrap_or(Err(import::Error::Panicked)).unwrap_or_else(|error| (problem(&state, &error), None));
            Some((line(&update, file), None))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"import.ndjson\""),
    ];
    (headers, Body::from_stream(lines.flatten())).into_response()
}

fn problem(state: &AppState, error: &import::Error) -> ImportUpdate {
    let problem = state.api_error(error);
    if error.leaves_doubt() { ImportUpdate::Unknown(problem.to_string()) } else { ImportUpdate::Problem(problem) }
}

/// A line, and the file that follows it.
fn line(update: &ImportUpdate, file: Option<File>) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    let mut line = serde_json::to_vec(update).unwrap_or_default();
    line.push(b'\n');
    let content = stream::iter(file).map(|file| {
        let rewound = std::io::Seek::rewind(&mut &file).map(|()| tokio::fs::File::from_std(file));
        rewound.map(|file| ReaderStream::with_capacity(file, 256 << 10))
    });
    stream::once(std::future::ready(Ok(Bytes::from(line)))).chain(content.try_flatten())
}
