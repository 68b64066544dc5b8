//! Where the static files of the pages are.

use std::path::PathBuf;

/// `target/release/waybill` finds `target/site`; an installed program finds `site` beside its folder.
pub fn default_site_folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let site = program.parent()?.parent()?.join("site");
    site.is_dir().then_some(site)
}
