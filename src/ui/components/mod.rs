//! Components that several pages use.

mod auth_layout;
mod controls;
mod copy_button;
mod error_panel;
mod icon;
mod layout;
mod loaded;
mod loading;
mod server_html;
mod share_bar;
mod toast;
mod viewer;

pub use auth_layout::{AuthLayout, FormMessage};
pub use controls::{NewPasswordField, PasswordField, SelectField, SelectOption, TextField};
pub use copy_button::CopyButton;
pub use icon::Icon;
pub use layout::{Breadcrumb, Layout};
pub use loaded::Loaded;
pub use loading::text_signal;
pub use server_html::ServerHtml;
pub use share_bar::ShareBar;
pub use toast::{Toast, ToastRegion};
pub use viewer::use_viewer;
