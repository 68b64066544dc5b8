//! The way in which an export was requested.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Channel {
    #[serde(rename = "page")]
    Page,
    /// `POST /api/admin/export`, which is answered with the file.
    #[serde(rename = "endpoint")]
    Endpoint,
    #[serde(rename = "command line")]
    CommandLine,
}

impl Channel {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Endpoint => "endpoint",
            Self::CommandLine => "command line",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Page, Self::Endpoint, Self::CommandLine].into_iter().find(|channel| channel.as_str() == text)
    }
}
