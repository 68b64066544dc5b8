//! Controls of forms. Each is a label with its field inside, and works without script.
//!
//! May import: nothing else of this crate. A new kind of field gets a file here; buttons are plain elements.

mod password_field;
mod select_field;
mod text_field;

pub use password_field::{NewPasswordField, PasswordField};
pub use select_field::{SelectField, SelectOption};
pub use text_field::TextField;
