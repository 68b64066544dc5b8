//! `POST /api/import/preview`, `POST /api/import` and `POST /api/import/{id}/undo`: an archive comes into the caller's own data.
//! `docs/import.md` lists the fields of the forms.
//!
//! Nothing is kept between the two: the file is sent twice. Once an import runs, it ends by itself: who has sent it may be gone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Path, Query, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use futures::StreamExt;
use tokio_util::io::ReaderStream;

use super::super::connections::UploadProtection;
use super::super::problem::ProblemDetails;
use super::super::state::AppState;
use super::import_session::{ImportSession, Right, UndoOptions};
use crate::model::ApiError;
use crate::model::access::Capability;
use crate::model::import::ImportMode;
use crate::server::identity::Caller;
use crate::server::import::{self, Imports, OwnImport, UploadSlot, own_scope};
use crate::server::rpc_context::authentication;

/// A field that is no file is a word.
const MAX_FIELD_BYTES: usize = 256;
const FIELDS: [&str; 3] = ["mode", "confirm", "plan"];
/// So much may be read ahead, or be what is not the file.
const MAX_HEAD_BYTES: u64 = 4 << 20;
/// How old a sign-in may be for what deletes data.
const FRESH_SIGN_IN: TimeDelta = TimeDelta::minutes(10);
const RIGHT: Right = |caller| (Capability::ImportOwnData, own_scope(caller));
const CSV: &str = "text/csv";
const JSON: &str = "application/json";

/// What a form has sent.
struct Form {
    caller: Caller,
    file: File,
    slot: UploadSlot,
    fields: BTreeMap<String, String>,
}

/// What the archive would do, in each mode. Of a mode that is named, the sealed plan: what happens to each record.
pub async fn preview(State(state): State<AppState>, request: Request) -> Result<Response, ProblemDetails> {
    let imports = imports(&state)?;
    let mut session = ImportSession::of(&state, request.headers(), RIGHT)?;
    let Form { caller, file, slot, fields } = receive(&state, &imports, &mut session, request).await?;
    if let Some(extra) = fields.keys().find(|name| *name != "mode") {
        return Err(ApiError::Invalid(format!("A preview takes the file, and a mode, and no field {extra}.")).into());
    }
    if fields.contains_key("mode") {
        let mode = parse_mode(&fields)?;
        let out = imports.own_uploads.unnamed_file().map_err(|error| problem(&state, &error))?;
        let planned = tokio::spawn(async move {
            let planned = imports.plan_own_data(&caller, file, mode, out).await;
            drop(slot);
            planned
        });
        let mut plan =
            planned.await.unwrap_or(Err(import::Error::Panicked)).map_err(|error| problem(&state, &error))?;
        plan.rewind().map_err(|error| problem(&state, &error.into()))?;
        return Ok(file_response(plan, JSON));
    }
    let previewed = tokio::spawn(async move {
        let previewed = imports.preview_own_data(&caller, file).await;
        drop(slot);
        previewed
    });
    let previewed = previewed.await.unwrap_or(Err(import::Error::Panicked));
    Ok(Json(previewed.map_err(|error| problem(&state, &error))?).into_response())
}

/// Imports the archive. The answer says what was done, and which ids records have got; with `Accept: text/csv`, it is these ids.
pub async fn import(State(state): State<AppState>, request: Request) -> Result<Response, ProblemDetails> {
    let imports = imports(&state)?;
    let (mut session, wants_csv) =
        (ImportSession::of(&state, request.headers(), RIGHT)?, accepts_csv(request.headers()));
    let Form { caller, file, slot, fields } = receive(&state, &imports, &mut session, request).await?;
    let (mode, plan) = parse_fields(&fields)?;
    if mode == ImportMode::Replace {
        require_fresh_sign_in(&state, &session.token).await?;
    }
    let still_allowed = session.still_allowed();
    let imported = tokio::spawn(async move {
        let imported = imports.import_own_data(&caller, file, (mode, plan), still_allowed).await;
        drop(slot);
        imported
    });
    let imported = imported.await.unwrap_or(Err(import::Error::Panicked));
    let OwnImport { result, ids } = imported.map_err(|error| problem(&state, &error))?;
    let unsaid = |error: io::Error| {
        tracing::error!(%error, "the answer to an import could not be written");
        ApiError::Unavailable("The import is done, but its answer cannot be written. The audit trail has it.".into())
    };
    if let Some(ids) = ids {
        if wants_csv {
            return Ok(file_response(ids, CSV));
        }
        let answer = tokio::task::spawn_blocking(move || with_id_map(&result, ids));
        let answer = answer.await.map_err(io::Error::other).and_then(|answer| answer).map_err(unsaid)?;
        return Ok(file_response(answer, JSON));
    }
    Ok(Json(result).into_response())
}

/// Takes back an import of the caller's.
pub async fn undo(
    State(state): State<AppState>,
    Path(import): Path<String>,
    Query(options): Query<UndoOptions>,
    request: Request,
) -> Result<Response, ProblemDetails> {
    let imports = imports(&state)?;
    let caller = authentication(&request).caller()?;
    let undone = tokio::spawn(async move { imports.undo_own_data(&caller, options.request(import)).await });
    let undone = undone.await.unwrap_or(Err(import::Error::Panicked));
    Ok(Json(undone.map_err(|error| problem(&state, &error))?).into_response())
}

fn imports(state: &AppState) -> Result<Arc<Imports>, ApiError> {
    let off = || ApiError::Conflict("Nothing can be imported here: the server only reads the database.".into());
    state.app.import_page.imports.clone().ok_or_else(off)
}

fn accepts_csv(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.starts_with(CSV))
}

fn problem(state: &AppState, error: &import::Error) -> ProblemDetails {
    let told = state.api_error(error);
    if is_of_operator(error) {
        let what =
            "The import could not be done now. Try again later; if it fails again, tell whoever runs this server.";
        return ProblemDetails::with_detail(told, what);
    }
    ProblemDetails::from(told).with_findings(error.sentences())
}

/// What has failed here is for whoever runs the server: people are told that nothing was changed, or that it is not known.
fn is_of_operator(error: &import::Error) -> bool {
    match error {
        import::Error::Media(_)
        | import::Error::Temporary(_)
        | import::Error::Upload(_)
        | import::Error::NotRecorded(_) => true,
        import::Error::Target(cause) | import::Error::Undo(cause) => !cause.kind.is_refusal(),
        _ => false,
    }
}

/// A stream that ends where more than a form's fields would be read into memory: only a file may be long.
fn limited(request: Request, budget: &Arc<AtomicU64>) -> Request {
    let budget = budget.clone();
    request.map(|body| {
        let limited = body.into_data_stream().map(move |bytes| {
            let bytes = bytes.map_err(io::Error::other)?;
            let left = budget.load(Ordering::Relaxed);
            let rest =
                left.checked_sub(bytes.len() as u64).ok_or_else(|| io::Error::other("fields that are too long"))?;
            budget.store(rest, Ordering::Relaxed);
            Ok::<Bytes, io::Error>(bytes)
        });
        Body::from_stream(limited)
    })
}

/// Reads the form. The file goes to the disk as it comes.
async fn receive(
    state: &AppState,
    imports: &Imports,
    session: &mut ImportSession,
    request: Request,
) -> Result<Form, ProblemDetails> {
    let caller = authentication(&request).caller()?;
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let failed = |error: import::Error| problem(state, &error);
    let mut upload = imports.begin_own_upload(&caller, length).await.map_err(failed)?;
    if let Some(connection) = request.extensions().get::<UploadProtection>() {
        connection.protect();
    }
    let unreadable = || ApiError::Invalid("The form was not received whole: send it again.".into());
    let budget = Arc::new(AtomicU64::new(MAX_HEAD_BYTES));
    let mut form = Multipart::from_request(limited(request, &budget), state).await.map_err(|_| {
        ApiError::Invalid("Send a form with the archive: multipart/form-data with the field file.".into())
    })?;
    let (mut fields, mut has_file) = (BTreeMap::new(), false);
    while let Some(mut field) = form.next_field().await.map_err(|_| unreadable())? {
        let name = field.name().unwrap_or_default().to_owned();
        let is_file = name == "file";
        if !is_file && !FIELDS.contains(&name.as_str()) {
            return Err(ApiError::Invalid("The form has a field that is not known here.".into()).into());
        }
        let mut word = Vec::new();
        if is_file && std::mem::replace(&mut has_file, true) {
            return Err(ApiError::Invalid("The form has two files.".into()).into());
        }
        while let Some(bytes) = field.chunk().await.map_err(|_| unreadable())? {
            session.recheck().await?;
            if is_file {
                budget.store(MAX_HEAD_BYTES, Ordering::Relaxed);
                upload.write(&bytes).await.map_err(failed)?;
            } else if word.len() + bytes.len() <= MAX_FIELD_BYTES {
                word.extend_from_slice(&bytes);
            } else {
                return Err(ApiError::Invalid("A field of the form is too long.".into()).into());
            }
        }
        let word = String::from_utf8(word).map_err(|_| unreadable())?;
        if !is_file && fields.insert(name, word).is_some() {
            return Err(ApiError::Invalid("The form has a field twice.".into()).into());
        }
    }
    if !has_file {
        return Err(ApiError::Invalid("The form has no file: it is the field file.".into()).into());
    }
    let (file, slot) = upload.finish().await.map_err(failed)?;
    // An upload may take long enough for the caller to lose their account.
    let now = session.find().await?;
    Ok(Form { caller: Caller { client_ip: caller.client_ip, ..now }, file, slot, fields })
}

/// Whoever finds an open browser deletes nothing.
async fn require_fresh_sign_in(state: &AppState, token: &str) -> Result<(), ProblemDetails> {
    let is_fresh = state.app.identity.is_signed_in_within(token, FRESH_SIGN_IN).await;
    if is_fresh.map_err(|error| state.api_error(&error))? {
        return Ok(());
    }
    let what = "A replacement deletes data, so it needs a sign-in of the last ten minutes: sign out, sign in again, and repeat it.";
    Err(ProblemDetails::with_detail(ApiError::Forbidden, what))
}

fn parse_mode(fields: &BTreeMap<String, String>) -> Result<ImportMode, ApiError> {
    match fields.get("mode").map(String::as_str) {
        Some("merge") => Ok(ImportMode::Merge),
        Some("copy") => Ok(ImportMode::Copy),
        Some("replace") => Ok(ImportMode::Replace),
        _ => Err(ApiError::Invalid("Say how to import: the field mode is merge, copy or replace.".into())),
    }
}

/// The mode, and the plan that is expected.
fn parse_fields(fields: &BTreeMap<String, String>) -> Result<(ImportMode, Option<String>), ApiError> {
    let invalid = |what: &str| ApiError::Invalid(what.to_owned());
    let mode = parse_mode(fields)?;
    let confirm = fields.get("confirm").map(String::as_str);
    match mode {
        ImportMode::Replace if confirm != Some("replace") => {
            return Err(invalid(
                "A replacement deletes what the archive does not have. Say that it is meant: the field confirm is replace.",
            ));
        }
        ImportMode::Replace => {}
        _ if confirm != Some("true") => return Err(invalid("Say that it is meant: the field confirm is true.")),
        _ => {}
    }
    let plan = fields.get("plan").filter(|plan| !plan.is_empty()).cloned();
    let is_hash = |plan: &String| plan.len() == 64 && plan.bytes().all(|byte| byte.is_ascii_hexdigit());
    if plan.as_ref().is_some_and(|plan| !is_hash(plan)) {
        return Err(invalid("The field plan is the plan of a preview: 64 hexadecimal digits."));
    }
    Ok((mode, plan))
}

/// The result as JSON, with `idMap`: of each record that has another id than in the archive its table, that id, and the new one.
fn with_id_map(result: &impl serde::Serialize, ids: File) -> io::Result<File> {
    let mut out = io::BufWriter::new(tempfile::tempfile()?);
    let json = serde_json::to_vec(result)?;
    out.write_all(json.strip_suffix(b"}").unwrap_or(&json))?;
    out.write_all(b",\"idMap\":[")?;
    for (at, record) in csv::Reader::from_reader(io::BufReader::new(ids)).records().enumerate() {
        out.write_all(if at > 0 { b"," } else { b"" })?;
        serde_json::to_writer(&mut out, &record?.iter().collect::<Vec<_>>())?;
    }
    out.write_all(b"]}")?;
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

fn file_response(file: File, content_type: &'static str) -> Response {
    let body = Body::from_stream(ReaderStream::with_capacity(tokio::fs::File::from_std(file), 256 << 10));
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}
