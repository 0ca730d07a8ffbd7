//! A driver whose Spark UI only its own host reaches: the control planes beside this one are asked, until one is there.

use super::proxy::Carried;
use super::ticket::Ticket;
use super::{Asked, Dashboards, paths};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Cookie of a request that another control plane passes on: it goes no further.
const PASSED_ON: &str = "firesteel-passed-on=1";

impl Dashboards {
    /// The answer of the control plane that reaches the driver; none if no other one does.
    pub(super) async fn there(&self, ticket: &Ticket, asked: &Asked<'_>) -> Option<Response> {
        if is_passed_on(asked.headers) {
            return None;
        }
        let parts = self.service.parts();
        let token = ticket.token(&parts.config.secret);
        let cookie = HeaderValue::from_str(&format!("{}={token}; {PASSED_ON}", paths::COOKIE)).ok()?;
        let Asked { method, headers, base, rest, query } = *asked;
        let path = format!("{base}{rest}");
        let others = parts.neighbours.endpoints();
        let others = others.iter().filter(|url| !parts.config.endpoints.contains(url));
        for authority in others.filter_map(|url| url.strip_prefix("http://")) {
            let key = Some((header::COOKIE, cookie.clone()));
            let carried = Carried { method, headers, base, path: &path, query, key };
            match self.proxy.carry(authority, carried).await {
                Ok(answer) if answer.status() != StatusCode::MISDIRECTED_REQUEST => return Some(answer),
                _ => {}
            }
        }
        None
    }
}

fn is_passed_on(headers: &HeaderMap) -> bool {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).any(|pair| pair.trim() == PASSED_ON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_on_goes_no_further() {
        for (cookie, expected) in [
            ("firesteel-dashboard=t; firesteel-passed-on=1", true),
            ("firesteel-dashboard=t", false),
            ("x=firesteel-passed-on=1", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(cookie));
            assert_eq!(is_passed_on(&headers), expected, "{cookie}");
        }
    }
}
