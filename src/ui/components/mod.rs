//! Components that several pages use.

mod copy_button;
mod entrance;
mod frame;
mod icon;
mod refusal;
mod share_bar;
mod toast;
mod waiting;

pub use copy_button::CopyButton;
pub use entrance::{Entrance, Notice};
pub use frame::{Frame, current_viewer, looked_up_viewer};
pub use icon::Icon;
pub use refusal::Refusal;
pub use share_bar::ShareBar;
pub use toast::{Toast, Toasts};
pub use waiting::{Waiting, text};
