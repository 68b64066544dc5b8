//! The address of every page, form and endpoint, once for links, redirects and the router.
//!
//! `{id}` stands for an export's id. The paths of server functions are in `rpc`, below `SERVER_FUNCTIONS`.

use super::export::ExportId;
use super::selection::ScopeKind;

pub const SETUP: &str = "/setup";
pub const LOGIN: &str = "/login";
pub const LOGIN_CODE: &str = "/login/code";
/// The start page after sign-in.
pub const ADMIN: &str = "/admin";
pub const ACCOUNT: &str = "/admin/account";
pub const EXPORT: &str = "/admin/developer-tools/export";
pub const GUIDE: &str = "/admin/developer-tools/export/guide";
pub const HISTORY: &str = "/admin/developer-tools/export/history";
pub const AUDIT: &str = "/admin/developer-tools/export/history/audit";
pub const VERIFY: &str = "/admin/developer-tools/export/verify";
/// Puts the records of a file back into the database. Works if the server was given a database to write to.
pub const IMPORT: &str = "/admin/developer-tools/import";
pub const RUN: &str = "/admin/developer-tools/export/runs/{id}";

/// The export of organisations, for their owners. There only if the profile says who owns one.
pub const ORGANIZATION_EXPORT: &str = "/admin/organization/export";
pub const ORGANIZATION_RUN: &str = "/admin/organization/export/runs/{id}";
pub const ORGANIZATION_VERIFY: &str = "/admin/organization/export/verify";

/// A person's own data. There only if the profile says whose data a person's is.
pub const OWN_DATA: &str = "/account/your-data";
pub const OWN_DATA_RUN: &str = "/account/your-data/runs/{id}";
pub const OWN_DATA_VERIFY: &str = "/account/your-data/verify";
pub const OWN_DATA_IMPORT: &str = "/account/your-data/import";

/// Every page. The router serves these, and everything below `ADMIN` is protected even if it is missing here.
pub const PAGES: [PageRoute; 19] = [
    PageRoute::new(SETUP, Access::Public),
    PageRoute::new(LOGIN, Access::Public),
    PageRoute::new(LOGIN_CODE, Access::Public),
    PageRoute::new(ADMIN, Access::SignedIn),
    PageRoute::new(ACCOUNT, Access::AccountSetup),
    PageRoute::new(EXPORT, Access::SignedIn),
    PageRoute::new(GUIDE, Access::SignedIn),
    PageRoute::new(HISTORY, Access::SignedIn),
    PageRoute::new(AUDIT, Access::SignedIn),
    PageRoute::new(VERIFY, Access::SignedIn),
    PageRoute::new(IMPORT, Access::SignedIn),
    PageRoute::new(RUN, Access::SignedIn),
    PageRoute::new(ORGANIZATION_EXPORT, Access::SignedIn),
    PageRoute::new(ORGANIZATION_RUN, Access::SignedIn),
    PageRoute::new(ORGANIZATION_VERIFY, Access::SignedIn),
    PageRoute::new(OWN_DATA, Access::SignedIn),
    PageRoute::new(OWN_DATA_RUN, Access::SignedIn),
    PageRoute::new(OWN_DATA_VERIFY, Access::SignedIn),
    PageRoute::new(OWN_DATA_IMPORT, Access::SignedIn),
];

// Forms.
pub const LOGOUT: &str = "/logout";
pub const THEME: &str = "/theme";
pub const ACCOUNT_PASSWORD: &str = "/admin/account/password";
pub const ACCOUNT_SECOND_FACTOR: &str = "/admin/account/second-factor";
pub const ACCOUNT_SESSIONS: &str = "/admin/account/sessions";

// Endpoints for scripts and programs.
pub const SERVER_FUNCTIONS: &str = "/rpc/";
pub const API: &str = "/api/";
pub const EXPORT_FILE: &str = "/api/v1/exports/{id}/file";
pub const EXPORT_EVENTS: &str = "/api/v1/exports/{id}/events";
pub const EXPORT_CANCELLATION: &str = "/api/v1/exports/{id}/cancellation";
pub const IMPORTS: &str = "/api/v1/imports";
pub const IMPORT_PLAN: &str = "/api/v1/imports/plan";
/// `{id}` stands for an import's id.
pub const IMPORT_UNDO: &str = "/api/v1/imports/{id}/undo";
/// The export of an organisation as one document, as `OComms` has it. There only under a profile with a layout.
pub const ORGANIZATION_DOCUMENT: &str = "/api/admin/export";
/// A person's own data as an archive, as `Carol` has it. There only under a profile with such a layout.
pub const OWN_DATA_ARCHIVE: &str = "/api/export";
/// A person's archive comes back: what it would do, and the import itself.
pub const OWN_IMPORT_PREVIEW: &str = "/api/import/preview";
pub const OWN_IMPORTS: &str = "/api/import";
/// `{id}` stands for an import's id.
pub const OWN_IMPORT_UNDO: &str = "/api/import/{id}/undo";
pub const HEALTH: &str = "/healthz";
pub const READINESS: &str = "/readyz";

// Static files.
/// The folder of what the build produces.
pub const PACKAGE: &str = "/pkg/";
pub const PAGE_STYLES: &str = "/pkg/waybill.css";
pub const PAGE_SCRIPT: &str = "/pkg/waybill.js";
pub const PAGE_PROGRAM: &str = "/pkg/waybill.wasm";
/// The script and the program of the import page alone.
pub const IMPORT_SCRIPT: &str = "/pkg/importer.js";
pub const IMPORT_PROGRAM: &str = "/pkg/importer.wasm";
/// The same of the page on which people import into their own data.
pub const OWN_IMPORT_SCRIPT: &str = "/pkg/own_importer.js";
pub const OWN_IMPORT_PROGRAM: &str = "/pkg/own_importer.wasm";
pub const ICONS: &str = "/icons.svg";
pub const FAVICON: &str = "/favicon.svg";
/// The script of the web worker that checks files.
pub const FILE_CHECKER: &str = "/check-file.js";

/// The page of a run, for whoever may have what it holds.
#[must_use]
pub fn run_of(scope: Option<ScopeKind>) -> &'static str {
    match scope {
        None => RUN,
        Some(ScopeKind::Organization) => ORGANIZATION_RUN,
        Some(ScopeKind::Person) => OWN_DATA_RUN,
    }
}

const ID: &str = "{id}";

/// A page's path, and who may open it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRoute {
    pub path: &'static str,
    pub access: Access,
}

impl PageRoute {
    const fn new(path: &'static str, access: Access) -> Self {
        Self { path, access }
    }
}

/// What a request needs before it is handled. What a role may do is decided later, by the use case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: the session is not even looked up.
    Public,
    /// A session, with a second factor if one is required. Others are sent to the page where they get it.
    SignedIn,
    /// A session. A required second factor may still be missing: it is set up here.
    AccountSetup,
    /// A session. Without one, the answer is an error and no redirect.
    Endpoint,
}

/// What a request for this path needs. A path that is no page's needs what the page above it needs, so that a new page
/// or form is never open by accident.
#[must_use]
pub fn access_to(path: &str) -> Access {
    if [SERVER_FUNCTIONS, API].iter().any(|endpoints| path.starts_with(endpoints)) {
        return Access::Endpoint;
    }
    let is_at_or_below =
        |page: &&PageRoute| path.strip_prefix(page.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let nearest = PAGES.iter().filter(is_at_or_below).max_by_key(|page| page.path.len());
    nearest.map_or(Access::Public, |page| page.access)
}

/// Fills an export's id into a path.
///
/// ```
/// use waybill::model::route;
///
/// let id = "0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d".parse().unwrap();
/// assert_eq!(route::with_id(route::EXPORT_FILE, id), "/api/v1/exports/0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d/file");
/// ```
#[must_use]
pub fn with_id(route: &str, id: ExportId) -> String {
    match route.split_once(ID) {
        Some((before, after)) => format!("{before}{id}{after}"),
        None => route.to_owned(),
    }
}

/// Returns the id in `path` if it matches `route`.
#[must_use]
pub fn id_in(path: &str, route: &str) -> Option<ExportId> {
    let (before, after) = route.split_once(ID)?;
    path.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
}

/// What the address of a run ends with for whoever has just asked for it: the file is downloaded as soon as it is there. No
/// fragment: a page without script that loads itself again would not, since a browser takes that for a jump within the page.
pub const DOWNLOAD_QUERY: &str = "?download";

/// Where whoever has just asked for a run is sent. A run that is only looked at downloads nothing by itself.
#[must_use]
pub fn new_run(route: &str, id: ExportId) -> String {
    with_id(route, id) + DOWNLOAD_QUERY
}

/// The path to redirect to after sign-in: the requested one if it is a path of this site, else the start page.
///
/// Prevents open redirects (CWE-601): a path must begin with a single slash, and have no scheme, backslash or
/// control character.
#[must_use]
pub fn safe_return_path(requested: &str) -> &str {
    let is_local = requested.starts_with('/') && !requested.starts_with("//");
    let is_plain = !requested.chars().any(|c| c == '\\' || c.is_control());
    if is_local && is_plain && !requested.starts_with(LOGIN) { requested } else { ADMIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_needs_what_its_row_says() {
        for page in PAGES {
            assert_eq!(access_to(page.path), page.access, "{}", page.path);
        }
    }

    #[test]
    fn an_unlisted_path_needs_what_the_page_above_it_needs() {
        for path in [
            "/account/your-data/nothing",
            "/admin/",
            "/admin/nothing",
            "/admin/accounts",
            "/admin/developer-tools/export/runs/1",
        ] {
            assert_eq!(access_to(path), Access::SignedIn, "{path}");
        }
        for path in [ACCOUNT_PASSWORD, ACCOUNT_SECOND_FACTOR, ACCOUNT_SESSIONS] {
            assert_eq!(access_to(path), Access::AccountSetup, "{path}");
        }
        for path in
            ["/rpc/find_viewer", EXPORT_FILE, EXPORT_EVENTS, EXPORT_CANCELLATION, ORGANIZATION_DOCUMENT, "/api/nothing"]
        {
            assert_eq!(access_to(path), Access::Endpoint, "{path}");
        }
        for path in ["/", LOGOUT, THEME, HEALTH, READINESS, "/pkg/waybill.js", ICONS, "/administration"] {
            assert_eq!(access_to(path), Access::Public, "{path}");
        }
    }

    #[test]
    fn an_id_is_filled_in_and_found_again() {
        let id = "0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d".parse().unwrap();
        for route in [RUN, ORGANIZATION_RUN, OWN_DATA_RUN, EXPORT_FILE, EXPORT_EVENTS, EXPORT_CANCELLATION] {
            assert_eq!(id_in(&with_id(route, id), route), Some(id), "{route}");
        }
        assert_eq!(id_in("/admin/developer-tools/export/runs/abc", RUN), None);
        assert_eq!(id_in(EXPORT, RUN), None);
    }

    #[test]
    fn a_return_path_stays_on_this_site() {
        for good in ["/admin", "/admin/developer-tools/export?run=1#top"] {
            assert_eq!(safe_return_path(good), good);
        }
        for bad in ["", "//evil.test", "https://evil.test", "/\\evil.test", "/a\nb", "admin", "/login?next=/login"] {
            assert_eq!(safe_return_path(bad), "/admin", "{bad:?}");
        }
    }
}
