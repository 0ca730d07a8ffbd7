//! Where an attempt stands, as far as its dashboard is concerned.

use super::page::Page;
use super::paths;
use super::ticket::Ticket;
use crate::applications::Unreachable;
use crate::body::{self, Body};
use crate::history;
use crate::home::{Home, application};
use crate::operations::Service;
use firesteel_core::job_run::JobRun;
use http::StatusCode;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What our pages show of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Application id.
    pub application: String,
    /// Run id.
    pub run: String,
    /// Its name; may be empty.
    pub name: String,
    /// Which attempt.
    pub attempt: u32,
    /// The run's state.
    pub state: String,
    /// Why; may be empty.
    pub details: String,
    /// The dashboard's prefix, if logs can be there.
    pub logs: Option<String>,
}

/// Where an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its driver's process does not run yet.
    Waiting,
    /// It runs. Its UI is there, if its runner named a place for one.
    Running(Option<SocketAddr>),
    /// It runs on another host, on an address that only that host can reach.
    Elsewhere(String),
    /// It is over, or will never be.
    Ended,
}

/// A ticket's run, read.
pub struct Found {
    /// Its application.
    pub home: Arc<Home>,
    /// The run.
    pub run: Arc<JobRun>,
    /// The part of its request that the rules do not read.
    pub body: Body,
    /// Where the attempt stands.
    pub standing: Standing,
    /// For our pages.
    pub shown: Shown,
}

/// Reads the run that a ticket is for.
pub async fn find(service: &Service, ticket: &Ticket) -> Result<Found, Page> {
    let home =
        service.applications().home(ticket.application.as_str()).await.map_err(|error| match error {
            Unreachable::Unknown => gone(),
            error => unreadable(&error),
        })?;
    let run = history::find(service.parts(), &home, &ticket.run).await.map_err(|error| unreadable(&error))?;
    let run = run.ok_or_else(gone)?;
    let body = body::read(service.parts(), &home.id, &run).await.map_err(|error| unreadable(&error))?;
    let here = service.parts().substrate.host().id;
    let standing = standing(&home, &run, ticket.attempt, here.as_str());
    let logged = body.log_uri.is_some() && !matches!(standing, Standing::Waiting);
    let shown = Shown {
        application: ticket.application.to_string(),
        run: ticket.run.to_string(),
        name: run.request.name.as_deref().unwrap_or_default().to_owned(),
        attempt: ticket.attempt,
        state: run.state.as_str().to_owned(),
        details: home.reasons().details(application(&home.state()), &run).into_owned(),
        logs: logged.then(|| paths::base(ticket)),
    };
    Ok(Found { home, run, body, standing, shown })
}

fn standing(home: &Home, run: &JobRun, number: u32, here: &str) -> Standing {
    let attempt = run.attempts.iter().find(|attempt| attempt.number == number);
    let over = run.state.is_terminal() || attempt.is_some_and(|attempt| attempt.ended.is_some());
    if over {
        return Standing::Ended;
    }
    let state = home.state();
    let driver = attempt.and_then(|attempt| application(&state).workers.get(&attempt.driver));
    let Some((driver, greeted)) = driver.and_then(|driver| Some((driver, driver.greeted.as_ref()?))) else {
        return Standing::Waiting;
    };
    if driver.started.is_none() {
        return Standing::Waiting;
    }
    let ip = greeted.address.parse::<IpAddr>().ok();
    if ip.is_some_and(|ip| ip.is_loopback()) && driver.host.as_str() != here {
        return Standing::Elsewhere(driver.host.to_string());
    }
    Standing::Running(ip.zip(greeted.ui_port).map(SocketAddr::from))
}

fn gone() -> Page {
    Page::new(
        StatusCode::NOT_FOUND,
        "There is no such job run",
        "It may have been deleted with its application.",
    )
}

fn unreadable(error: &dyn std::fmt::Display) -> Page {
    tracing::warn!(%error, "a dashboard's run cannot be read");
    let text = "The control plane cannot read its state now. Try again in a moment.";
    Page::new(StatusCode::SERVICE_UNAVAILABLE, "Not available", text)
}
