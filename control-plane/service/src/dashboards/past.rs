//! A run that is over: Spark's own history server over its event logs.

use super::page::Page;
use super::standing::Found;
use super::ticket::Ticket;
use super::{Asked, Dashboards, reading, redirect};
use crate::ports::{History, HistorySource};
use axum::response::Response;
use firesteel_core::command::Runtime;
use http::StatusCode;
use std::net::SocketAddr;

/// Paths that the history server answers itself; all others are a single application's, below its own prefix.
const ITS_OWN: [&str; 5] = ["/history/", "/static/", "/api/", "/home/", "/historypage-template.html"];

impl Dashboards {
    /// The history server's answer, or what it waits for.
    pub(super) async fn past(
        &self,
        found: &Found,
        ticket: &Ticket,
        asked: &Asked<'_>,
    ) -> Result<Response, Page> {
        let (address, applications) = self.history(found, ticket).await?;
        if let Some(target) = target(asked.rest, &applications) {
            let query = if asked.query.is_empty() { String::new() } else { format!("?{}", asked.query) };
            return Ok(redirect(&format!("{}{target}{query}", asked.base)));
        }
        self.carry(address, asked, None).await.map_err(|error| {
            let text = format!("Spark's history server does not answer: {error}.");
            Page { status: StatusCode::BAD_GATEWAY, ..Page::wait("No answer", &text) }
                .about(found.shown.clone())
        })
    }

    async fn history(&self, found: &Found, ticket: &Ticket) -> Result<(SocketAddr, Vec<String>), Page> {
        let parts = self.service.parts();
        let about = |page: Page| page.about(found.shown.clone());
        let loading = |text: &str| about(Page::wait("The event log is being loaded", text));
        let impossible = |why: &str| {
            about(Page::new(StatusCode::NOT_FOUND, "There is no Spark history of this job run", why))
        };
        if !found.run.attempts.iter().any(|attempt| attempt.number == ticket.attempt) {
            return Err(impossible("It ended before its driver was started."));
        }
        let folder = reading::folder(found, ticket)?;
        let key = format!("{}-{}", ticket.run, ticket.attempt);
        match parts.histories.look(&key) {
            Some(History::Ready { address, applications }) => return Ok((address, applications)),
            Some(History::Loading(text)) => return Err(loading(&text)),
            Some(History::Impossible(why)) => return Err(impossible(&why)),
            None => {}
        }
        let release = &found.run.request.release;
        match parts.runtimes.readiness(release) {
            Runtime::Ready => {}
            Runtime::Preparing(step) => {
                parts.runtimes.prepare(release).await;
                return Err(loading(&format!("Release {release} is being installed on this host: {step}.")));
            }
            Runtime::Impossible(why) => return Err(impossible(&why)),
        }
        let credentials = reading::credentials(parts, found, &folder).await?;
        let source = HistorySource {
            key,
            release: release.clone(),
            bucket: folder.bucket,
            prefix: format!("{}/sparklogs/", folder.prefix),
        };
        parts.histories.begin(source, credentials);
        Err(loading("Spark's history server is being started."))
    }
}

/// Where a path of a live UI is found in the history; none if the path is the history server's own.
fn target(rest: &str, applications: &[String]) -> Option<String> {
    if ITS_OWN.iter().any(|own| rest.starts_with(own)) {
        return None;
    }
    match (rest, applications) {
        ("" | "/", [only]) => Some(format!("/history/{only}/jobs/")),
        ("", _) => Some("/".to_owned()),
        ("/", _) => None,
        (page, [first, ..]) => Some(format!("/history/{first}{page}")),
        (_, []) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_live_ui_lead_to_the_same_page_of_the_history() {
        let one = ["00r".to_owned()];
        let two = ["00r".to_owned(), "00r-2".to_owned()];
        for (rest, applications, leads) in [
            ("", &one[..], Some("/history/00r/jobs/")),
            ("/", &one, Some("/history/00r/jobs/")),
            ("/", &two, None),
            ("/stages/stage/", &two, Some("/history/00r/stages/stage/")),
            ("/history/00r/jobs/", &one, None),
            ("/api/v1/applications", &one, None),
            ("/static/webui.css", &one, None),
            ("/jobs/", &[], None),
        ] {
            assert_eq!(target(rest, applications).as_deref(), leads, "{rest}");
        }
    }
}
