//! The downloads in ranges that are going on, and what of them is not recorded yet.

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::export::ExportId;
use crate::server::audit::Actor;
use crate::server::identity::Caller;

/// Ranges within this window have one entry for their start and one for their end.
const WINDOW: TimeDelta = TimeDelta::minutes(1);

pub type RangedDownloads = HashMap<Reader, Ranges>;

/// Who reads which file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reader {
    pub export: ExportId,
    name: String,
    network: Option<IpAddr>,
    session: Option<String>,
}

impl Reader {
    pub fn new(export: ExportId, caller: &Caller) -> Self {
        let Caller { name, client_ip, session_token_sha256, .. } = caller;
        Self { export, name: name.clone(), network: *client_ip, session: session_token_sha256.clone() }
    }

    pub fn actor(&self) -> Actor<'_> {
        Actor { name: &self.name, network: self.network }
    }
}

/// What a reader was sent since the last entry.
#[derive(Clone, Copy, Debug)]
pub struct Ranges {
    pub since: DateTime<Utc>,
    /// Those that are being sent.
    pub open: u64,
    pub ended: u64,
    pub bytes_sent: u64,
    /// Whether the file's count of downloads has this one.
    pub is_counted: bool,
}

impl Ranges {
    pub fn since(now: DateTime<Utc>) -> Self {
        Self { since: now, open: 0, ended: 0, bytes_sent: 0, is_counted: false }
    }

    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        now - self.since >= WINDOW
    }
}
