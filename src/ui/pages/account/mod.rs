//! What everybody has here: their own data.

mod own_data_page;
mod strings;

pub use own_data_page::OwnDataPage;
