//! Converts errors of Leptos server functions into `ApiError`.

use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};

use super::json::JsonText;
use crate::model::ApiError;

impl FromServerFnError for ApiError {
    type Encoder = JsonText;

    /// Converts an error between page and use case: no connection, or a body that cannot be read.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => {
                Self::Unavailable("The server cannot be reached. Check the connection and try again.".into())
            }
            ServerFnErrorErr::Args(problem) | ServerFnErrorErr::MissingArg(problem) => {
                Self::Invalid(format!("The request cannot be read: {problem}. Load the page again."))
            }
            _ => Self::Unavailable("The server's response cannot be read. Load the page again.".into()),
        }
    }
}
