//! Paths and queries of dashboards as values: what a request asks for, and where an answer's `Location` leads.
//!
//! A dashboard lives under `/dashboards/<run>/<attempt>/`. Spark is told that prefix with each request
//! (`X-Forwarded-Context`, which its UIs put before every link), so nothing in a page needs rewriting.

use super::ticket::Ticket;
use firesteel_protocol::transport;
use http::Uri;

/// Name of the query parameter, as in EMR's URLs.
pub const TOKEN: &str = "authToken";
/// Name of the cookie that stands for it.
pub const COOKIE: &str = "firesteel-dashboard";
/// What every dashboard's path begins with.
pub const PREFIX: &str = "/dashboards/";
/// What the paths of logs begin with, below a dashboard and, as EMR's URLs have it, at the root.
pub const LOGS: &str = "/logs/";

/// The prefix of a ticket's dashboard, without a trailing slash.
pub fn base(ticket: &Ticket) -> String {
    transport::dashboard(&ticket.run, ticket.attempt)
}

/// The part of `path` below `base`, which begins with a slash or is empty. None if it is not below it or is hostile.
pub fn below<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(base)?;
    ((rest.is_empty() || rest.starts_with('/')) && is_plain(rest)).then_some(rest)
}

/// False for a path that different readers may read differently: dot segments (also encoded), backslashes, control
/// characters, empty segments, parameters, and percent signs that encode nothing or a separator.
pub fn is_plain(path: &str) -> bool {
    let Some(decoded) = decoded(path) else { return false };
    let tail = decoded.strip_prefix('/').unwrap_or(&decoded);
    let mut segments = tail.split('/').peekable();
    while let Some(segment) = segments.next() {
        let empty_inside = segment.is_empty() && segments.peek().is_some();
        if empty_inside || segment == "." || segment == ".." {
            return false;
        }
    }
    !decoded.chars().any(|letter| letter.is_control() || letter == '\\' || letter == ';')
}

/// The path without percent-encoding; none if it is broken, not text, or encodes a slash or another percent sign.
fn decoded(path: &str) -> Option<String> {
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        let digits =
            path.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        match u8::from_str_radix(digits, 16).ok()? {
            b'/' | b'%' => return None,
            byte => out.push(byte),
        }
        at += 3;
    }
    String::from_utf8(out).ok()
}

/// The token in a query, and the query without it.
pub fn split_query(query: &str) -> (Option<&str>, String) {
    let pairs = || query.split('&').filter(|pair| !pair.is_empty());
    let others: Vec<&str> = pairs().filter(|pair| named(pair).is_none()).collect();
    (pairs().find_map(named), others.join("&"))
}

fn named(pair: &str) -> Option<&str> {
    pair.split_once('=').filter(|(name, _)| *name == TOKEN).map(|(_, value)| value)
}

/// All values of our cookie in a `Cookie` header.
pub fn cookies(header: &str) -> impl Iterator<Item = &str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// Where a Spark UI's `Location` leads under `base`: always a path below it, whatever host it names. None if it
/// names no plain path.
pub fn location(value: &str, base: &str) -> Option<String> {
    let uri: Uri = value.parse().ok()?;
    let path = uri.path();
    let rest = below(path, base).unwrap_or(path);
    if !rest.starts_with('/') || !is_plain(rest) {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{base}{rest}{query}"))
}

/// The key of a log below its run's folder, of the path after `/logs/`; none for anything but a worker's log.
pub fn log_key(rest: &str) -> Option<String> {
    let segments: Vec<&str> = rest.split('/').collect();
    let is_number = |text: &str| {
        (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0')
    };
    let is_log = |of: &[&str]| match of {
        ["stdout.gz" | "stderr.gz"] => true,
        ["archived", full] => {
            let number = full.strip_prefix("stdout_").or_else(|| full.strip_prefix("stderr_"));
            number.and_then(|number| number.strip_suffix(".gz")).is_some_and(is_number)
        }
        _ => false,
    };
    let known = match segments.as_slice() {
        ["SPARK_DRIVER", of @ ..] => is_log(of),
        ["SPARK_EXECUTOR", number, of @ ..] => is_number(number) && is_log(of),
        _ => false,
    };
    known.then(|| rest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: &str = "/dashboards/00r/1";

    #[test]
    fn only_plain_paths_below_the_prefix() {
        for (path, rest) in [
            ("/dashboards/00r/1", Some("")),
            ("/dashboards/00r/1/", Some("/")),
            ("/dashboards/00r/1/jobs/", Some("/jobs/")),
            ("/dashboards/00r/1/api/v1/applications", Some("/api/v1/applications")),
            ("/dashboards/00r/1/static/a%20b.js", Some("/static/a%20b.js")),
            ("/dashboards/00r/10/jobs/", None),
            ("/dashboards/00s/1/jobs/", None),
            ("/dashboards/00r/1/../2/", None),
            ("/dashboards/00r/1/%2e%2E/2/", None),
            ("/dashboards/00r/1/.%2e/x", None),
            ("/dashboards/00r/1/a/./b", None),
            ("/dashboards/00r/1//evil", None),
            ("/dashboards/00r/1/a%2fb", None),
            ("/dashboards/00r/1/a%252fb", None),
            ("/dashboards/00r/1/a%5cb", None),
            ("/dashboards/00r/1/a\\b", None),
            ("/dashboards/00r/1/a%0d%0aSet-Cookie:x", None),
            ("/dashboards/00r/1/a;jsessionid=1", None),
            ("/dashboards/00r/1/a%zz", None),
            ("/dashboards/00r/1/a%ff", None),
            ("/dashboards/00r/1/a%", None),
        ] {
            assert_eq!(below(path, BASE), rest, "{path}");
        }
    }

    #[test]
    fn redirects_stay_below_the_prefix() {
        for (value, leads) in [
            ("http://127.0.0.9:4040/jobs/", Some("/dashboards/00r/1/jobs/")),
            ("/jobs/?a=1&b=2", Some("/dashboards/00r/1/jobs/?a=1&b=2")),
            ("/dashboards/00r/1/history/00r/jobs/", Some("/dashboards/00r/1/history/00r/jobs/")),
            ("http://evil.example/x", Some("/dashboards/00r/1/x")),
            ("/../../applications", None),
            ("//evil.example/x", None),
            ("jobs", None),
            ("", None),
            ("\u{7f}", None),
        ] {
            assert_eq!(location(value, BASE).as_deref(), leads, "{value}");
        }
    }

    #[test]
    fn tokens_in_queries_and_cookies() {
        let split = |query| split_query(query);
        assert_eq!(split(""), (None, String::new()));
        assert_eq!(split("authToken=x.y"), (Some("x.y"), String::new()));
        assert_eq!(split("a=1&authToken=x&b=2&authToken=y"), (Some("x"), "a=1&b=2".to_owned()));
        assert_eq!(split("xauthToken=1"), (None, "xauthToken=1".to_owned()));
        let found: Vec<&str> = cookies("a=b; firesteel-dashboard=x.1 ;firesteel-dashboard=y").collect();
        assert_eq!(found, ["x.1", "y"]);
    }

    #[test]
    fn logs_are_those_of_workers_and_nothing_else() {
        for good in [
            "SPARK_DRIVER/stdout.gz",
            "SPARK_DRIVER/stderr.gz",
            "SPARK_EXECUTOR/12/stderr.gz",
            "SPARK_DRIVER/archived/stdout_1.gz",
            "SPARK_EXECUTOR/12/archived/stderr_30.gz",
        ] {
            assert_eq!(log_key(good).as_deref(), Some(good));
        }
        for bad in [
            "",
            "SPARK_DRIVER",
            "SPARK_DRIVER/other.gz",
            "SPARK_DRIVER/../SPARK_DRIVER/stdout.gz",
            "SPARK_EXECUTOR/0/stdout.gz",
            "SPARK_EXECUTOR/01/stdout.gz",
            "SPARK_EXECUTOR/%31/stdout.gz",
            "SPARK_EXECUTOR/1/2/stdout.gz",
            "SPARK_EXECUTOR/1111111111/stdout.gz",
            "/SPARK_DRIVER/stdout.gz",
            "SPARK_DRIVER/archived/stdout.gz",
            "SPARK_DRIVER/archived/stdout_0.gz",
            "SPARK_DRIVER/archived/stdout_1.gz/x",
            "SPARK_DRIVER/archived/../stdout_1.gz",
            "SPARK_EXECUTOR/archived/stdout_1.gz",
        ] {
            assert_eq!(log_key(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_let_through_has_no_way_up(path in "/[a-z./%2eE5cCfF\\\\]{0,30}") {
            if let Some(rest) = below(&format!("{BASE}{path}"), BASE) {
                let read = decoded(rest).unwrap();
                prop_assert!(!read.split('/').any(|segment| segment == ".." || segment == "."));
                prop_assert!(!read.contains('\\') && !rest.to_lowercase().contains("%2f"));
            }
        }

        #[test]
        fn every_redirect_stays(value in "\\PC{0,60}") {
            if let Some(leads) = location(&value, BASE) {
                let inside = format!("{BASE}/");
                prop_assert!(leads.starts_with(&inside));
                prop_assert!(!leads.bytes().any(|b| b == b'\r' || b == b'\n'));
            }
        }
    }
}
