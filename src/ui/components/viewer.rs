//! The signed-in user: loaded once by the layout, read by everything inside it.

use leptos::prelude::*;

use crate::model::ApiError;
use crate::model::access::Viewer;
use crate::rpc::session::find_viewer;

type ViewerResource = Resource<Result<Viewer, ApiError>>;

/// Loads the viewer and provides it to the components below.
pub fn provide_viewer() -> ViewerResource {
    let viewer = Resource::new(|| (), |()| find_viewer());
    provide_context(viewer);
    viewer
}

/// Returns the resource that `provide_viewer` provided.
///
/// # Panics
/// Outside a `Layout`.
pub fn use_viewer() -> ViewerResource {
    expect_context()
}

/// Returns the viewer, if they have been loaded.
pub fn current_viewer() -> Option<Viewer> {
    use_context::<ViewerResource>()?.get()?.ok()
}
