//! Routes: maps a URL to its page, the same way on the server and in the browser.
//!
//! There is no client-side router: every navigation loads a page that the server picks. That saves
//! about 100 kB of download, and static pages need no script at all.

use super::pages::admin::developer_tools::export::AuditQuery;
use crate::model::export::ExportId;
use crate::model::route;
use crate::model::selection::ScopeKind;

/// The decoded query parameters of a URL.
pub type Query = Vec<(String, String)>;

/// A parsed URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    Static(StaticPage),
    Live(LivePage),
    /// Hydrated in the browser by a module of its own, as the next.
    Import,
    OwnImport,
}

/// A page that is rendered on the server only and loads no script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaticPage {
    Login {
        next: String,
        problem: String,
        notice: String,
    },
    LoginCode {
        next: String,
        problem: String,
    },
    Setup {
        problem: String,
    },
    Admin,
    Account {
        problem: String,
        notice: String,
    },
    Guide,
    History {
        page: u32,
    },
    Audit {
        query: AuditQuery,
    },
    /// `asked`: the ids of organisations in the address.
    OrganizationExport {
        asked: Vec<String>,
        problem: String,
    },
    OwnData {
        problem: String,
    },
    NotFound,
}

/// A page that is hydrated in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LivePage {
    /// `part`: the query of the address, for the server.
    Export { problem: String, part: String },
    Run {
        id: ExportId,
        /// Whose data it has; `None` for the database's. It is shown below the page of those.
        scope: Option<ScopeKind>,
    },
    Verify {
        /// As of `Run`.
        scope: Option<ScopeKind>,
    },
}

impl Page {
    #[must_use]
    pub fn resolve(path: &str, search: &str, query: &Query) -> Self {
        match path {
            route::IMPORT => return Self::Import,
            route::OWN_DATA_IMPORT => return Self::OwnImport,
            _ => {}
        }
        let live = LivePage::resolve(path, search, query).map(Self::Live);
        live.unwrap_or_else(|| Self::Static(StaticPage::resolve(path, query)))
    }
}

impl LivePage {
    /// Returns the live page at `path`, if there is one.
    #[must_use]
    pub fn resolve(path: &str, search: &str, query: &Query) -> Option<Self> {
        match path {
            route::EXPORT => Some(Self::Export { problem: query_value(query, "problem"), part: search.to_owned() }),
            route::VERIFY => Some(Self::Verify { scope: None }),
            route::ORGANIZATION_VERIFY => Some(Self::Verify { scope: Some(ScopeKind::Organization) }),
            route::OWN_DATA_VERIFY => Some(Self::Verify { scope: Some(ScopeKind::Person) }),
            _ => [None, Some(ScopeKind::Organization), Some(ScopeKind::Person)]
                .into_iter()
                .find_map(|scope| route::id_in(path, route::run_of(scope)).map(|id| Self::Run { id, scope })),
        }
    }
}

impl StaticPage {
    fn resolve(path: &str, query: &Query) -> Self {
        let value = |name: &str| query_value(query, name);
        match path {
            route::LOGIN => Self::Login { next: value("next"), problem: value("problem"), notice: value("notice") },
            route::LOGIN_CODE => Self::LoginCode { next: value("next"), problem: value("problem") },
            route::SETUP => Self::Setup { problem: value("problem") },
            route::ADMIN => Self::Admin,
            route::ACCOUNT => Self::Account { problem: value("problem"), notice: value("notice") },
            route::GUIDE => Self::Guide,
            route::HISTORY => Self::History { page: value("page").parse().unwrap_or(1) },
            route::AUDIT => {
                let before = value("before").parse().unwrap_or_default();
                Self::Audit { query: AuditQuery { kind: value("kind"), actor: value("actor"), before } }
            }
            route::ORGANIZATION_EXPORT => {
                let asked = query.iter().filter(|(key, _)| key == "organization").map(|(_, id)| id.clone());
                Self::OrganizationExport { asked: asked.collect(), problem: value("problem") }
            }
            route::OWN_DATA => Self::OwnData { problem: value("problem") },
            _ => Self::NotFound,
        }
    }
}

fn query_value(query: &Query, name: &str) -> String {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN_WITH_INVALID_ID: &str = "/admin/developer-tools/export/runs/abc";

    #[test]
    fn every_address_is_a_page() {
        for page in route::PAGES {
            let address = page.path.replace("{id}", "0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d");
            assert_ne!(Page::resolve(&address, "", &Query::new()), Page::Static(StaticPage::NotFound), "{address}");
        }
        for unknown in [
            "/",
            "/admin/",
            "/admin/developer-tools/export/",
            "/admin/developer-tools/exports",
            "/x",
            RUN_WITH_INVALID_ID,
        ] {
            assert_eq!(Page::resolve(unknown, "", &Query::new()), Page::Static(StaticPage::NotFound), "{unknown}");
        }
    }
}
