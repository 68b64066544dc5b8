//! The way to the export page and to the pages below it.

use crate::model::route::{ADMIN, EXPORT};
use crate::ui::components::Breadcrumb;

const DEVELOPER_TOOLS: [Breadcrumb; 2] = [("Admin", ADMIN), ("Developer tools", ADMIN)];

pub fn to_export() -> Vec<Breadcrumb> {
    DEVELOPER_TOOLS.to_vec()
}

pub fn below_export() -> Vec<Breadcrumb> {
    [&DEVELOPER_TOOLS[..], &[("Export", EXPORT)]].concat()
}
