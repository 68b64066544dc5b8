//! Why an import or an undo fails. Its messages name tables, columns, rules and keys of records, and no other value.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::model::text;
use crate::seal::VerifyError;
use crate::server::identity::{self, Forbidden};
use crate::server::support::atomic_file::folder_of;
use crate::server::{inspect, selection, source, state};

const PLAN_AGAIN: &str = "The database is not what it was when the plan was made: plan again.";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("the file cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The file is cut, altered or none of ours.
    #[error(transparent)]
    NotIntact(#[from] VerifyError),
    #[error(transparent)]
    Unreadable(#[from] inspect::Error),
    /// A folder, or the documents of a layout, which are made for another application.
    #[error(
        "only an export of a database in one file can be imported, not a folder or the documents of a layout; a person's archive is, for \
         the person that --person ID names"
    )]
    Layout,
    #[error(
        "the file is {0}, so anyone could have made it; give the public key of whoever made it with --trust-key FILE, or, if you \
         know where it is from, add --accept-unsigned"
    )]
    NotTrusted(String),
    /// Everything that file and database disagree on, one sentence each.
    #[error("nothing was imported:{}", list(.0))]
    Refused(Vec<String>),
    /// What has moved since the plan was made, one sentence each.
    #[error(
        "nothing was imported, since the database is not what it was when the plan was made (--dry-run --output makes a new one):{}",
        list(.0)
    )]
    StalePlan(Vec<String>),
    /// The hash of the plan is another one now.
    #[error(
        "nothing was imported, since the plan of this import is {0} now: what it does, or what fills in values, is another; give the \
         file of the plan instead of its hash to see what has moved"
    )]
    OtherHash(String),
    #[error("nothing was imported: {}", text::one_line(.0))]
    OtherPlan(String),
    #[error("this is not an import plan: `waybill import … --dry-run --output PLAN` writes one")]
    NoPlan,
    /// The plan that was given.
    #[error("{}: {cause}", path.display())]
    ExpectedPlan { path: PathBuf, cause: Box<Self> },
    #[error("the plan cannot be kept in a temporary file: {0}; nothing was imported")]
    Plan(#[source] io::Error),
    /// The file that the plan was to be written to.
    #[error("{}: {}", path.display(), plan_output_problem(path, cause))]
    PlanOutput { path: PathBuf, cause: io::Error },
    /// The import itself is done.
    #[error("it is done, but the ids cannot be written to {}: {cause}", path.display())]
    IdMap { path: PathBuf, cause: io::Error },
    #[error("this is an import plan, not an export: give the exported file")]
    IsPlan,
    /// A record of the file, by its line.
    #[error("line {line}: {}; nothing was imported", text::one_line(what))]
    InvalidRecord { line: u64, what: String },
    /// An archive that is damaged, too large, or says what it does not hold.
    #[error("the archive cannot be imported: {0}; nothing was imported")]
    InvalidArchive(String),
    #[error("the import's temporary files cannot be written: {0}; nothing was imported (TMPDIR says where they are)")]
    Temporary(#[source] io::Error),
    #[error("the archive's files cannot be kept: {0}; nothing was imported")]
    Media(#[source] io::Error),
    /// It is read twice.
    #[error("a pipe cannot be imported, since the file is read twice: save it first")]
    NotAFile,
    /// More than an upload may have.
    #[error(
        "the file has more than {}, the most that is taken here: import it on the command line, with waybill import FILE",
        text::bytes(*max_bytes)
    )]
    TooLarge { max_bytes: u64 },
    #[error("other files are being received or imported")]
    Busy,
    #[error("there is no such import")]
    NoSuchImport,
    #[error("you have signed out; nothing was imported")]
    SignedOut,
    /// The server is being stopped.
    #[error("the server is being stopped; nothing was imported")]
    Stopped,
    #[error("it cannot be found out whether you may still import: {0}; nothing was imported")]
    NotRechecked(#[source] identity::Error),
    #[error("{}", upload_problem(.0))]
    Upload(#[source] io::Error),
    #[error("the file has changed since its seal was checked, a moment ago; nothing was imported")]
    Changed,
    #[error("{}; nothing was imported", text::one_line(&.0.to_string()))]
    Target(#[source] source::Error),
    #[error("{}; nothing was undone", text::one_line(&.0.to_string()))]
    Undo(#[source] source::Error),
    #[error(
        "the connection broke while the database was committing ({0}): it has all of the records or none, so look whether they are there"
    )]
    Uncertain(#[source] source::Error),
    /// The import or the undo itself is done.
    #[error("it is done, but the audit trail could not be told so: {0}")]
    NotRecorded(#[source] state::Error),
    #[error(transparent)]
    State(#[from] state::Error),
    #[error("internal error: a task of the program panicked; please report it")]
    Panicked,
}

fn plan_output_problem(path: &Path, cause: &io::Error) -> String {
    match cause.kind() {
        ErrorKind::AlreadyExists => "there is a file of this name: choose another name".to_owned(),
        ErrorKind::NotADirectory => format!("there is no folder {}", folder_of(path).display()),
        _ => format!("it cannot be written: {cause}"),
    }
}

/// Why a disk does not take a file.
fn upload_problem(cause: &io::Error) -> String {
    match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk for uploads is full".to_owned(),
        _ => format!("the file cannot be kept: {cause}"),
    }
}

/// One sentence, or one a line.
fn list(sentences: &[String]) -> String {
    if let [only] = sentences {
        return format!(" {}", text::one_line(only));
    }
    let lines: Vec<String> = sentences.iter().map(|sentence| format!("\n  {}", text::one_line(sentence))).collect();
    lines.concat()
}

impl Error {
    /// For one reason only.
    pub fn refused(what: &str) -> Self {
        Self::Refused(vec![what.to_owned()])
    }

    /// Whether an import or an undo may be done all the same.
    #[must_use]
    pub fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Uncertain(_) | Self::NotRecorded(_))
    }

    /// Whether a plan's file is to blame, which the message names.
    #[must_use]
    pub fn is_about_plan(&self) -> bool {
        matches!(self, Self::ExpectedPlan { .. } | Self::PlanOutput { .. })
    }

    /// For people who have no command line: everything that speaks against it, one sentence each. Those that begin with the name of a
    /// table keep it as it is.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        match self {
            Self::Refused(sentences) => sentences.clone(),
            Self::StalePlan(moved) => std::iter::once(PLAN_AGAIN.to_owned()).chain(moved.iter().cloned()).collect(),
            Self::OtherHash(_) => vec![PLAN_AGAIN.to_owned()],
            Self::NotTrusted(signature) => vec![format!("The file is {signature}, so anyone could have made it.")],
            error => vec![text::to_sentence(&error.to_string())],
        }
    }

    /// The message for the audit trail, without keys of records.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::StalePlan(_) | Self::OtherHash(_) => {
                "the database is not what it was when the plan was made".to_owned()
            }
            Self::Target(error) if error.kind == source::Kind::Ambiguous => {
                "natural keys do not tell which record is meant".to_owned()
            }
            error => error.to_string(),
        }
    }

    /// Whether the file is to blame, and not the database.
    #[must_use]
    pub fn is_about_file(&self) -> bool {
        matches!(
            self,
            Self::Read(_)
                | Self::NotIntact(_)
                | Self::Unreadable(_)
                | Self::Layout
                | Self::IsPlan
                | Self::NotAFile
                | Self::NotTrusted(_)
                | Self::InvalidRecord { .. }
                | Self::InvalidArchive(_)
                | Self::Changed
        )
    }
}

pub type Result<T> = std::result::Result<T, Error>;

impl From<selection::Error> for Error {
    fn from(error: selection::Error) -> Self {
        match error {
            selection::Error::Invalid(invalid) => Self::refused(&invalid.to_string()),
            selection::Error::Source(error) => Self::Target(error),
        }
    }
}

impl From<source::Error> for Error {
    fn from(error: source::Error) -> Self {
        Self::Target(error)
    }
}
