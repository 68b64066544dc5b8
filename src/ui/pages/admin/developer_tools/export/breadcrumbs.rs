//! The way to the export page and to the pages below it.

use crate::model::route::{ADMIN, EXPORT, ORGANIZATION_EXPORT};
use crate::ui::components::Breadcrumb;

const DEVELOPER_TOOLS: [Breadcrumb; 2] = [("Admin", ADMIN), ("Developer tools", ADMIN)];

pub fn to_export() -> Vec<Breadcrumb> {
    DEVELOPER_TOOLS.to_vec()
}

/// Of a page that owners have below their own: the other way answers them with a refusal.
pub fn below_export_of(of_organization: bool) -> Vec<Breadcrumb> {
    if of_organization {
        vec![DEVELOPER_TOOLS[0], ("Organisation export", ORGANIZATION_EXPORT)]
    } else {
        below_export()
    }
}

pub fn below_export() -> Vec<Breadcrumb> {
    [&DEVELOPER_TOOLS[..], &[("Export", EXPORT)]].concat()
}
