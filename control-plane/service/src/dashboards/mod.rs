//! Dashboards: what the URL of GetDashboardForJobRun serves, on the API's own port.
//!
//! While the driver runs, its Spark UI; afterwards Spark's history server over the event logs; before, a page that says
//! what the run waits for; at any time its logs. `ticket` is the token, `paths` what a request names, `standing` where
//! the run is, `proxy` carries to Spark, `elsewhere` to the control plane that reaches it, `page` is our own HTML. No other room knows how a dashboard is served.

mod elsewhere;
mod logs;
mod page;
mod past;
mod paths;
mod proxy;
mod reading;
mod standing;
mod ticket;

pub use ticket::{LIFE, Ticket};

use crate::applications::now;
use crate::operations::Service;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use page::Page;
use proxy::{Carried, NoAnswer, Proxy};
use standing::{Found, Standing};
use std::net::SocketAddr;
use ticket::NoTicket;

/// The dashboards of one control plane.
#[derive(Clone)]
struct Dashboards {
    service: Service,
    proxy: Proxy,
}

/// A request below a dashboard's prefix.
struct Asked<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    base: &'a str,
    rest: &'a str,
    query: &'a str,
}

/// `/dashboards/…`, and `/logs/…` as EMR's URLs have it.
pub fn router(service: Service) -> Router {
    let dashboards = Dashboards { service, proxy: Proxy::new() };
    Router::new()
        .route(&format!("{}{{*rest}}", paths::PREFIX), any(dashboard))
        .route(&format!("{}{{*rest}}", paths::LOGS), any(logs_at_the_root))
        .with_state(dashboards)
}

/// Path and query of the dashboard that a ticket opens.
pub fn target(ticket: &Ticket, secret: &[u8]) -> String {
    format!("{}/?{}={}", paths::base(ticket), paths::TOKEN, ticket.token(secret))
}

async fn dashboard(State(dashboards): State<Dashboards>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let html = wants_html(&parts.headers);
    let answered = dashboards.dashboard(&parts, html).await;
    answered.unwrap_or_else(|page| page.answer(html))
}

async fn logs_at_the_root(State(dashboards): State<Dashboards>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let html = wants_html(&parts.headers);
    let answered = dashboards.log_at_the_root(&parts, html).await;
    answered.unwrap_or_else(|page| page.answer(html))
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/html"))
}

impl Dashboards {
    async fn dashboard(&self, request: &Parts, html: bool) -> Result<Response, Page> {
        only_looks(&request.method)?;
        let path = request.uri.path();
        let (token, query) = paths::split_query(request.uri.query().unwrap_or_default());
        let cookies = request.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let tokens: Vec<&str> = match token {
            Some(token) => vec![token],
            None => cookies.flat_map(paths::cookies).collect(),
        };
        let ticket = self.ticket(&tokens, path)?;
        let base = paths::base(&ticket);
        let rest = paths::below(path, &base).ok_or_else(refused)?;
        if let (Some(token), true) = (token, html && request.method == Method::GET) {
            // The token leaves the address bar: it is in the cookie now.
            let query = if query.is_empty() { String::new() } else { format!("?{query}") };
            let rest = if rest.is_empty() { "/" } else { rest };
            return Ok(self.with_cookie(redirect(&format!("{base}{rest}{query}")), &ticket, token));
        }
        let (method, headers) = (&request.method, &request.headers);
        let asked = Asked { method, headers, base: &base, rest, query: &query };
        let response = self.answer(&ticket, &asked, html).await?;
        Ok(match token {
            Some(token) => self.with_cookie(with_token(response, token), &ticket, token),
            None => response,
        })
    }

    async fn log_at_the_root(&self, request: &Parts, html: bool) -> Result<Response, Page> {
        only_looks(&request.method)?;
        let (token, _) = paths::split_query(request.uri.query().unwrap_or_default());
        let ticket = self.read(token.unwrap_or_default())?;
        let found = standing::find(&self.service, &ticket).await?;
        let rest = request.uri.path().strip_prefix(paths::LOGS).unwrap_or_default();
        self.log(&found, &ticket, rest, html).await
    }

    async fn answer(&self, ticket: &Ticket, asked: &Asked<'_>, html: bool) -> Result<Response, Page> {
        let found = standing::find(&self.service, ticket).await?;
        if let Some(rest) = asked.rest.strip_prefix(paths::LOGS) {
            return self.log(&found, ticket, rest, html).await;
        }
        let about = |page: Page| page.about(found.shown.clone());
        match &found.standing {
            Standing::Waiting => Err(about(Page::wait(
                "The driver does not run yet",
                "This page turns into the Spark UI when it does.",
            ))),
            Standing::Running(Some(address)) => self.live(*address, asked, &found).await,
            Standing::Running(None) => {
                let text = "The driver runs, but its runner has named no place for its Spark UI.";
                Err(about(Page::wait("There is no Spark UI", text)))
            }
            Standing::Elsewhere(host) => match self.there(ticket, asked).await {
                Some(answer) => Ok(answer),
                None => Err(about(not_here(host))),
            },
            Standing::Ended => self.past(&found, ticket, asked).await,
        }
    }

    async fn live(&self, address: SocketAddr, asked: &Asked<'_>, found: &Found) -> Result<Response, Page> {
        let page = match self.carry(address, asked, None).await {
            Ok(response) => return Ok(response),
            Err(NoAnswer::Absent) => Page::wait(
                "The Spark UI is not there",
                "The driver runs, but no Spark context is open in it: not yet, or no longer.",
            )
            .and("Nothing will come if the job has set spark.ui.enabled to false."),
            Err(NoAnswer::Broken(why)) => {
                let text = format!("The driver's Spark UI gives no answer: {why}.");
                Page { status: StatusCode::BAD_GATEWAY, ..Page::wait("No answer", &text) }
            }
        };
        Err(page.about(found.shown.clone()))
    }

    async fn carry(
        &self,
        address: SocketAddr,
        asked: &Asked<'_>,
        key: Option<(HeaderName, HeaderValue)>,
    ) -> Result<Response, NoAnswer> {
        let Asked { method, headers, base, rest, query } = *asked;
        let carried = Carried { method, headers, base, path: rest, query, key };
        self.proxy.carry(&address.to_string(), carried).await
    }

    /// The first of `tokens` that opens the dashboard at `path`.
    fn ticket(&self, tokens: &[&str], path: &str) -> Result<Ticket, Page> {
        let mut refusal = refused();
        for token in tokens {
            match self.read(token) {
                Ok(ticket) if paths::below(path, &paths::base(&ticket)).is_some() => return Ok(ticket),
                Ok(_) => {}
                Err(page) => refusal = page,
            }
        }
        Err(refusal)
    }

    fn read(&self, token: &str) -> Result<Ticket, Page> {
        let parts = self.service.parts();
        Ticket::read(&parts.config.secret, token, now(parts)).map_err(|error| match error {
            NoTicket::Forged => refused(),
            NoTicket::Expired => Page::new(
                StatusCode::FORBIDDEN,
                "This link has expired",
                "A link to a dashboard is good for one hour. Ask for a new one with GetDashboardForJobRun.",
            ),
        })
    }

    /// The token as a cookie for this dashboard alone.
    fn with_cookie(&self, mut response: Response, ticket: &Ticket, token: &str) -> Response {
        let parts = self.service.parts();
        let age = ticket.expires.since(now(parts)) / 1_000;
        let tls = parts.config.public_url.starts_with("https:");
        let (name, path, secure) = (paths::COOKIE, paths::base(ticket), if tls { "; Secure" } else { "" });
        let cookie = format!("{name}={token}; Path={path}/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// A tool keeps no cookies: where it is sent on, the token goes along.
fn with_token(mut response: Response, token: &str) -> Response {
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let leads = location.map(|leads| {
        let mark = if leads.contains('?') { '&' } else { '?' };
        format!("{leads}{mark}{}={token}", paths::TOKEN)
    });
    if let Some(leads) = leads.and_then(|leads| HeaderValue::from_str(&leads).ok()) {
        response.headers_mut().insert(header::LOCATION, leads);
    }
    response
}

fn only_looks(method: &Method) -> Result<(), Page> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let text = "A dashboard only shows: it takes GET and HEAD.";
    Err(Page::new(StatusCode::METHOD_NOT_ALLOWED, "Not allowed", text))
}

fn not_here(host: &str) -> Page {
    let text = format!(
        "The driver runs on {host}, and its Spark UI can be reached from there only: ask that host's control plane."
    );
    Page::new(StatusCode::MISDIRECTED_REQUEST, "The driver runs on another host", &text)
}

fn refused() -> Page {
    let text = "This address opens only with the link that GetDashboardForJobRun gives, in a browser that takes cookies.";
    Page::new(StatusCode::FORBIDDEN, "The link does not open this", text)
}

fn redirect(target: &str) -> Response {
    let mut response = Response::new(Body::empty());
    match HeaderValue::from_str(target) {
        Ok(target) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, target);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response
}
