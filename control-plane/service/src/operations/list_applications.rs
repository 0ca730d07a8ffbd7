//! ListApplications: newest first, deleted ones hidden.

use super::{Service, json, refuse};
use crate::home::application;
use crate::ledger::ApplicationLedger;
use crate::views;
use firesteel_core::application::ApplicationState;
use firesteel_core::id::ApplicationId;
use firesteel_journal::Snapshot;
use firesteel_wire::paging::{self, Page};
use firesteel_wire::{ApiError, Input, Operation};
use futures::future::try_join_all;
use serde_json::{Value, json};
use std::sync::Arc;

impl Service {
    pub(super) async fn list_applications(&self, input: &Input) -> Result<String, ApiError> {
        let page = Page::of(Operation::ListApplications, input)?;
        let ids = self.applications.live().await.map_err(refuse::read)?;
        let after = page.cursor.as_deref().map(ApplicationId::new);
        let ids = ids.into_iter().rev().filter(|id| after.as_ref().is_none_or(|after| id < after));
        let ids: Vec<ApplicationId> = ids.collect();
        let (mut lines, mut last, mut more) = (Vec::new(), None, false);
        // A page's worth at once: beside other control planes each look is a request to the store.
        'pages: for some in ids.chunks(page.max_results + 1) {
            for (id, state) in try_join_all(some.iter().map(|id| self.look_at(id))).await? {
                let app = application(&state);
                if app.state == ApplicationState::Terminated || !wanted(input, app.state) {
                    continue;
                }
                if lines.len() == page.max_results {
                    more = true;
                    break 'pages;
                }
                lines.push(views::application::summary(&self.parts.config, app));
                last = Some(id.clone());
            }
        }
        let mut answer = json!({ "applications": lines });
        if let (true, Some(last)) = (more, last) {
            answer["nextToken"] =
                json!(paging::next_token(Operation::ListApplications, input, last.as_str())?);
        }
        json(&answer)
    }

    async fn look_at<'a>(
        &self,
        id: &'a ApplicationId,
    ) -> Result<(&'a ApplicationId, Arc<Snapshot<ApplicationLedger>>), ApiError> {
        let home = self.home_of(id.as_str()).await?;
        Ok((id, home.fresh().await.map_err(refuse::read)?))
    }
}

fn wanted(input: &Input, state: ApplicationState) -> bool {
    let states = input.get("states").and_then(Value::as_array);
    states.is_none_or(|states| states.is_empty() || states.iter().any(|s| s.as_str() == Some(state.as_str())))
}
