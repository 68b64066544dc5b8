//! JSON: exact to the last bit, as `docs/format.md` describes it.
//!
//! Flow: `JsonEncoder` writes the bytes of `seal::layout` around each value, `value` chooses its form by the column's codec,
//! `scalar` writes numbers, strings and base64, and `lossless` decides which JSON of a column can be embedded.

mod encoder;
mod exact_number;
mod lossless;
mod scalar;
mod value;

pub use encoder::JsonEncoder;
pub use value::write_value;
