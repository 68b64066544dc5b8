//! The way to the export page and to the pages below it.

use crate::model::route::{ADMIN, EXPORT, ORGANIZATION_EXPORT, OWN_DATA};
use crate::model::selection::ScopeKind;
use crate::ui::components::Breadcrumb;

const DEVELOPER_TOOLS: [Breadcrumb; 2] = [("Admin", ADMIN), ("Developer tools", ADMIN)];

pub fn to_export() -> Vec<Breadcrumb> {
    DEVELOPER_TOOLS.to_vec()
}

/// Of a page that owners and people have below their own: the other way answers them with a refusal.
pub fn below_export_of(scope: Option<ScopeKind>) -> Vec<Breadcrumb> {
    match scope {
        None => below_export(),
        Some(ScopeKind::Organization) => vec![DEVELOPER_TOOLS[0], ("Organisation export", ORGANIZATION_EXPORT)],
        Some(ScopeKind::Person) => vec![("Your data", OWN_DATA)],
    }
}

pub fn below_export() -> Vec<Breadcrumb> {
    [&DEVELOPER_TOOLS[..], &[("Export", EXPORT)]].concat()
}
