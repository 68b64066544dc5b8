//! Why a record is in a part of a database, or why it is not.

use serde::Serialize;

/// The answer for one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Table and key.
    pub record: String,
    pub verdict: Verdict,
    /// From the record to what decides; deeper ones explain those before them.
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    In,
    /// Only its key and a few columns are in.
    Stub,
    Out,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub depth: usize,
    pub text: String,
}
