//! Server functions for owners of organisations.

use leptos::prelude::*;

use super::json::Json;
use crate::model::ApiError;
use crate::model::export::QueuedExport;
use crate::model::organization::OrganizationPage;

/// Returns the organisations of the caller, and what an export of the one that is asked for would hold; of their only one, if
/// none is. What is refused has the status of the error, and says why.
///
/// # Errors
/// `Unauthenticated`; `NotFound` where nobody owns an organisation; `Busy` while too many parts are counted.
#[server(prefix = "/rpc", endpoint = "open_organization_page", output = Json)]
pub async fn open_organization_page(#[server(default)] asked: Vec<String>) -> Result<OrganizationPage, ApiError> {
    use crate::server::rpc_context::with_caller;
    const OWNERS_ONLY: &str = "Only the owners of an organisation may export it.";
    let opened = with_caller(async |app, caller| app.exports.open_organization(&caller, &asked).await).await;
    let refused = |problem: String| OrganizationPage { problem: Some(problem), ..OrganizationPage::default() };
    let page = match opened {
        Ok(page) => page,
        Err(ApiError::Invalid(problem)) => return Ok(refused(problem)),
        Err(ApiError::Forbidden) => return Ok(refused(OWNERS_ONLY.to_owned())),
        Err(error) => return Err(error),
    };
    let Some(chosen) = &page.chosen else { return Ok(page) };
    let id = &chosen.organization.id;
    let history = with_caller(async |app, caller| app.history.of_organization(&caller, id).await).await?;
    Ok(OrganizationPage { history, ..page })
}

/// Queues an export of everything of an organisation. Redirects a plain form to the page of the run.
///
/// # Errors
/// `Unauthenticated`; `Forbidden` if the caller owns no organisation, or not this one; `NotFound` if they do not belong to it;
/// `Busy` while too many exports run; `Unavailable` if the disk has too little space.
#[server(prefix = "/rpc", endpoint = "request_organization_export", output = Json)]
pub async fn request_organization_export(organization: String) -> Result<QueuedExport, ApiError> {
    use crate::model::organization::Organization;
    use crate::model::route;
    use crate::server::rpc_context::{redirect_form, with_caller};
    let asked = [organization];
    let requested = with_caller(async |app, caller| app.exports.request_organization(&caller, &asked).await).await;
    let back = |problem: &str| format!("{}&problem={problem}", Organization::page_of(&asked[0]));
    match &requested {
        Ok(run) => redirect_form(&route::new_run(route::ORGANIZATION_RUN, run.id)),
        Err(ApiError::Busy { .. }) => redirect_form(&back("busy")),
        // The page says itself what may not be had.
        Err(_) => redirect_form(&back("failed")),
    }
    requested
}
