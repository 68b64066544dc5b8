//! The way to the export page, for its own breadcrumbs and those of the pages below it.

pub const BREADCRUMBS: [(&str, &str); 2] = [("Admin", "/admin"), ("Developer tools", "/admin")];

/// The path of the export page.
pub const EXPORT_PATH: &str = "/admin/developer-tools/export";
