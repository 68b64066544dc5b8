//! Plans run on small databases in memory, compared with the definition of a subset.

mod definition;
mod memory;
mod properties;
mod stories;
