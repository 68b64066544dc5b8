//! Choosing a part of the database.
//!
//! Flow: the server renders the filters (`filters`, `chips`) and what is in the part (`details`); the browser gets them as
//! HTML (`render`) into a form (`form`): no code for them is downloaded. A change asks for the preview of what the form
//! says, and for the HTML anew.

mod chips;
mod details;
mod filters;
mod form;
mod render;

pub use filters::{PART_FORM, filters_html};
pub use form::PartForm;
pub use render::replace_filters;
