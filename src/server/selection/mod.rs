//! The records that a selection names, found in a database.
//!
//! May import: `profiles`, `subset`, `profile`, `source`, `rows`, `model`. Flow: `filter` checks the values of each filter, `find` plans
//! the sets of keys (`subset`) and creates them in a session, and `fill` runs the steps that fill them.
//! `replaceable` tells which of the records an import of the same selection may replace.

mod error;
mod fill;
mod filter;
mod find;
mod invalid_selection;
mod replaceable;

pub use error::{Error, Result};
pub use fill::{FilledSets, describe, fields, fill};
pub use find::{FoundPart, Further, PreparedPart, check_selection, find_part, prepare_part};
pub use invalid_selection::{InvalidSelection, parse_part};
pub use replaceable::{Replaceable, ReplaceablePart, find_replaceable};
