//! Components that several pages use.

mod auth_layout;
mod copy_button;
mod error_panel;
mod icon;
mod layout;
mod loading;
mod share_bar;
mod toast;

pub use auth_layout::{AuthLayout, FormMessage};
pub use copy_button::CopyButton;
pub use error_panel::ErrorPanel;
pub use icon::Icon;
pub use layout::{Breadcrumb, Layout, current_viewer, try_current_viewer};
pub use loading::{Loading, text_signal};
pub use share_bar::ShareBar;
pub use toast::{Toast, ToastRegion};
