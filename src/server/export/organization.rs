//! Exports of organisations, for their owners: which one, what it would hold, and the request.

use std::sync::Arc;
use std::time::Duration;

use super::file_name::{file_name, layout_file_name};
use super::preview_cache::PreviewState;
use super::scope_words::ScopeWords;
use super::{Error, ExportRequest, Exports, Result};
use crate::model::access::Grant;
use crate::model::channel::Channel;
use crate::model::export::{ExportId, QueuedExport};
use crate::model::manifest::SelectedRecords;
use crate::model::organization::{Organization, OrganizationPage, OrganizationPreview};
use crate::model::output::Compression;
use crate::model::preview::Preview;
use crate::model::selection::{ScopeKind, Selection};
use crate::model::text;
use crate::server::identity::{self, Caller, Forbidden};
use crate::server::selection::InvalidSelection;
use crate::server::source::{AcceptedValue, ChoiceQuery, Predicate};
use crate::server::state::exports::{ExportRow, ExportState};

/// How long a page waits for the counts of an organisation.
const PAGE_DEADLINE: Duration = Duration::from_secs(3);
/// How long a request that is to be answered at once may measure. An organisation that takes longer is not small.
const MEASURE_DEADLINE: Duration = Duration::from_secs(20);
/// Most organisations of one owner that a page lists.
const MAX_LISTED: u32 = 200;

impl Exports {
    /// Whether owners of organisations have anything to do here.
    #[must_use]
    pub fn serves_owners(&self) -> bool {
        self.profile.owners().is_some()
    }

    /// Whether exports of this scope have documents as the product itself writes them.
    #[must_use]
    pub fn has_layout_of(&self, kind: ScopeKind) -> bool {
        self.profile.layout(&self.profile.name).is_some_and(|layout| layout.scope == kind)
    }

    /// The organisations of the caller, and what an export of the one that is asked for would hold, or of their only one.
    ///
    /// # Errors
    /// `Forbidden` if the caller owns none, or not the one asked for; `NotFound` if they do not belong to it; `Source` if the
    /// names cannot be read; `Busy` while too many parts are counted.
    pub async fn open_organization(self: &Arc<Self>, caller: &Caller, asked: &[String]) -> Result<OrganizationPage> {
        const ACTION: &str = "look at the export of an organisation";
        let is_choice = asked.is_empty() && caller.organizations().nth(1).is_some();
        let chosen = if is_choice { None } else { Some(self.owned_organization(caller, asked, ACTION).await?) };
        let organizations = self.name_organizations(caller.organizations().map(str::to_owned).collect()).await?;
        let chosen = match chosen {
            None => None,
            Some(id) => {
                let listed = organizations.iter().find(|named| named.id == id).cloned();
                let organization = match listed {
                    None => self.name_organizations(vec![id.clone()]).await?.pop().ok_or(Error::NotFound)?,
                    Some(listed) => listed,
                };
                let preview = self.preview_organization(&id, PAGE_DEADLINE).await?;
                Some(self.summarize_organization(organization, preview))
            }
        };
        let run = match &chosen {
            Some(preview) => self.unfinished_run(caller, &preview.organization.id).await?,
            None => None,
        };
        Ok(OrganizationPage { organizations, chosen, run, ..OrganizationPage::default() })
    }

    /// Queues an export of everything of the organisation that is asked for, or of the caller's only one.
    ///
    /// # Errors
    /// As `open_organization`, and as `request`; `Selection` if the caller owns several and none is asked for.
    pub async fn request_organization(self: &Arc<Self>, caller: &Caller, asked: &[String]) -> Result<QueuedExport> {
        let id = self.owned_organization(caller, asked, "export an organisation").await?;
        self.enqueue(caller, Channel::Page, self.organization_request(id)).await
    }

    /// As `request_organization`, for an answer at once.
    ///
    /// # Errors
    /// As `request_organization`; `TooLarge` before anything is exported, if the export would be.
    pub async fn request_small_organization(
        self: &Arc<Self>,
        caller: &Caller,
        asked: &[String],
        max_bytes: u64,
    ) -> Result<QueuedExport> {
        let id = self.owned_organization(caller, asked, "export an organisation").await?;
        let measured = self.preview_organization(&id, MEASURE_DEADLINE).await?;
        if let Some(failure) = measured.failure {
            return Err(Error::NotMeasured(failure));
        }
        let size = measured.total_size().filter(|_| measured.settled);
        if size.is_none_or(|size| size.bytes > max_bytes) {
            let size = size.map_or_else(|| "large".to_owned(), |size| format!("about {}", text::bytes(size.bytes)));
            return Err(Error::TooLarge { size, limit: text::bytes(max_bytes) });
        }
        self.enqueue(caller, Channel::Endpoint, self.organization_request(id)).await
    }

    /// The caller's newest export, if it is of this organisation and not finished.
    async fn unfinished_run(&self, caller: &Caller, organization: &str) -> Result<Option<ExportId>> {
        let Some(account) = caller.account_id() else { return Ok(None) };
        let newest = self.state.connect().await?.exports().newest_of_account(account).await?;
        let is_unfinished = |row: &ExportRow| matches!(row.state, ExportState::Queued | ExportState::Running);
        let newest = newest.filter(|row| row.selection.organization.as_deref() == Some(organization));
        Ok(newest.filter(is_unfinished).map(|row| row.id))
    }

    /// The organisation that the caller asks for and owns. Whether one exists that they do not belong to is told to nobody:
    /// only their own membership is looked up.
    async fn owned_organization(&self, caller: &Caller, asked: &[String], action: &str) -> Result<String> {
        if !self.serves_owners() {
            return Err(Error::NotFound);
        }
        let mut owned = caller.organizations();
        let Some(first) = owned.next() else {
            identity::refuse(&self.journal, caller, action).await?;
            return Err(Forbidden.into());
        };
        match asked {
            [] if owned.next().is_some() => Err(Error::Selection(InvalidSelection::several_organizations())),
            [] => Ok(first.to_owned()),
            [id] if id.is_empty() => Err(Error::Selection(InvalidSelection::empty_organization())),
            [_, _, ..] => Err(Error::Selection(InvalidSelection::repeated_organization())),
            [id] => {
                let Grant { capability, scope } = Grant::of_organization(id.to_owned());
                if caller.require(capability, &scope).is_ok() {
                    return Ok(id.to_owned());
                }
                identity::refuse(&self.journal, caller, action).await?;
                let is_member = self.identity.is_member(caller, id).await?;
                Err(if is_member { Forbidden.into() } else { Error::NotFound })
            }
        }
    }

    fn organization_request(&self, id: String) -> ExportRequest {
        let layout = self.has_layout_of(ScopeKind::Organization).then(|| self.profile.name.clone());
        ExportRequest { selection: Selection::of_organization(id), layout, ..ExportRequest::default() }
    }

    async fn preview_organization(self: &Arc<Self>, id: &str, deadline: Duration) -> Result<Preview> {
        let selection = self.selection_read(&self.organization_request(id.to_owned()));
        let PreviewState { preview, refused } = self.await_preview(&selection, false, deadline).await?;
        match refused {
            None => Ok(preview),
            // It was there when the caller was looked up, and is gone.
            Some(refused) if refused == InvalidSelection::no_scope_with_id(ScopeKind::Organization, id) => {
                Err(Error::NotFound)
            }
            // Whoever maintains the profile has to correct it.
            Some(refused) => {
                tracing::error!(error = %refused, "no organisation can be exported");
                Err(Error::NotMeasured(
                    "organisations cannot be exported here now; the server's log says why".to_owned(),
                ))
            }
        }
    }

    /// Names these organisations; one that does not exist is not among them.
    async fn name_organizations(self: &Arc<Self>, ids: Vec<String>) -> Result<Vec<Organization>> {
        let exports = self.clone();
        let listing = tokio::task::spawn_blocking(move || {
            let Some(scope) = &exports.profile.scopes.organization else { return Ok(Vec::new()) };
            let any_of = ids.iter().map(|id| AcceptedValue::Text(id)).collect();
            let query = ChoiceQuery {
                table: &scope.table,
                key: &scope.key,
                show: &scope.label,
                search: "",
                conditions: &[Predicate { column: &scope.key, any_of }],
                limit: MAX_LISTED,
            };
            let named = exports.source.list_choices(&query)?.first.into_iter().map(|choice| {
                let name = text::one_line(if choice.name.is_empty() { &choice.key } else { &choice.name });
                Organization { id: choice.key, name }
            });
            Ok(named.collect())
        });
        listing.await.map_err(|_| Error::Panicked)?
    }

    fn summarize_organization(&self, organization: Organization, preview: Preview) -> OrganizationPreview {
        let now = self.clock.now();
        let selection = Selection::of_organization(organization.id.clone());
        let layout = self.profile.layout(&self.profile.name);
        let words = ScopeWords(layout.as_ref());
        let counts = words.counts(&preview);
        OrganizationPreview {
            organization,
            counts,
            records: preview.total_records(),
            size: preview.total_size(),
            contains: preview.contains.clone(),
            outside: preview
                .selected_records
                .iter()
                .flat_map(|(table, records)| outside(&words.name(table), records))
                .collect(),
            left_out: preview
                .excluded
                .iter()
                .map(|left| format!("{} ({})", words.name(&left.table), left.reason))
                .collect(),
            file_name: match &layout {
                Some(layout) => layout_file_name(layout, now),
                None => file_name(&self.profile, &selection, now, Compression::None),
            },
            settled: preview.settled,
            failure: preview.failure,
        }
    }
}

/// What stays outside of an organisation, for its owner.
fn outside(what: &str, records: &SelectedRecords) -> Vec<String> {
    let reasons = [
        (records.stubs, "from outside, which your records refer to: only who or what each one is"),
        (records.owners_disagree, "left out, because they are partly another organisation's"),
        (records.nobodys, "left out, because they belong to no organisation"),
    ];
    let lines = reasons.into_iter().filter(|(number, _)| *number > 0);
    lines.map(|(number, reason)| format!("{what}: {} {reason}", text::count(number))).collect()
}
