//! Subsets of a database that are whole in themselves: which rows leave when only a part is asked for.
//!
//! May import: `rows`, `model`. Knows no engine. Flow: a `Graph` has the tables, the references between them and whose
//! records a table's records are; `SubsetPlan::new` turns filters into steps over sets of keys; a source runs the steps
//! inside its snapshot (`docs/selection.md`).

mod estimate;
mod filter_sets;
mod filters;
mod graph;
mod groups;
mod implied;
mod plan;
mod planner;
#[cfg(test)]
mod tests;

pub use estimate::Statistics;
pub use graph::{Edge, Graph, Outside, Ownership, Reference};
pub use plan::{Belonging, Filter, FilterKind, Membership, Part, SetStep, Stage, SubsetPlan, Via};
