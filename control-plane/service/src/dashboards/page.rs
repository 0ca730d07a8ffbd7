//! Our own pages: a heading, a few words, some facts; everything is escaped here and nowhere else.

use super::standing::Shown;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

const TEMPLATE: &str = include_str!("page.html");
/// Nothing but the page's own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Status of the answer.
    pub status: StatusCode,
    /// Its heading.
    pub heading: String,
    /// Its paragraphs.
    pub text: Vec<String>,
    /// The run that it is about, if it may be told.
    pub about: Option<Box<Shown>>,
    /// Seconds after which the browser asks again.
    pub refresh: Option<u32>,
}

impl Page {
    /// A page that is the whole answer.
    pub fn new(status: StatusCode, heading: &str, text: &str) -> Self {
        Self { status, heading: heading.to_owned(), text: vec![text.to_owned()], ..Self::default() }
    }

    /// A page about something that is under way.
    pub fn wait(heading: &str, text: &str) -> Self {
        Self { refresh: Some(2), ..Self::new(StatusCode::OK, heading, text) }
    }

    /// With one more paragraph.
    pub fn and(mut self, text: &str) -> Self {
        self.text.push(text.to_owned());
        self
    }

    /// With the facts of a run.
    pub fn about(mut self, shown: Shown) -> Self {
        self.about = Some(Box::new(shown));
        self
    }

    /// The answer: HTML for a browser, else the words alone; a tool is told by 503 that it is to come again.
    pub fn answer(&self, html: bool) -> Response {
        let waits = self.refresh.is_some() && !html;
        let status = if waits { StatusCode::SERVICE_UNAVAILABLE } else { self.status };
        let (kind, body) = if html {
            ("text/html; charset=utf-8", self.html())
        } else {
            ("text/plain; charset=utf-8", format!("{}\n{}\n", self.heading, self.text.join("\n")))
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if waits {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    fn html(&self) -> String {
        let refresh =
            self.refresh.map(|after| format!("\n<meta http-equiv=\"refresh\" content=\"{after}\">"));
        let text: String = self.text.iter().map(|text| format!("<p>{}</p>\n", escaped(text))).collect();
        let title = match &self.about {
            Some(shown) => format!("{} — {}", shown.run, self.heading),
            None => self.heading.clone(),
        };
        let facts = self.about.as_deref().map(facts).unwrap_or_default();
        // Values are put in by one pass over the template, so that none of them is read as a place for another.
        let value = |name: &str| match name {
            "refresh" => refresh.clone().unwrap_or_default(),
            "title" => escaped(&title),
            "heading" => escaped(&self.heading),
            "text" => text.clone(),
            "facts" => facts.clone(),
            _ => String::new(),
        };
        let mut pieces = TEMPLATE.split("{{");
        let mut html = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once("}}").unwrap_or_default();
            html.push_str(&value(name));
            html.push_str(rest);
        }
        html
    }
}

fn facts(shown: &Shown) -> String {
    let mut facts = String::from("<dl>");
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            facts.push_str(&format!("<dt>{}</dt><dd>{value}</dd>", escaped(name)));
        }
    };
    fact("Job run", &escaped(&shown.run));
    fact("Name", &escaped(&shown.name));
    fact("Application", &escaped(&shown.application));
    fact("Attempt", &shown.attempt.to_string());
    fact("State", &escaped(&shown.state));
    fact("Details", &escaped(&shown.details));
    if let Some(base) = &shown.logs {
        let link = |name: &str| {
            let target = escaped(&format!("{base}/logs/SPARK_DRIVER/{name}.gz"));
            format!("<a href=\"{target}\">{name}</a>")
        };
        fact("Driver's logs", &format!("{} · {}", link("stdout"), link("stderr")));
    }
    facts.push_str("</dl>");
    facts
}

/// Text as it may stand in HTML, in attributes too.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let shown = Shown {
            application: "00a".to_owned(),
            run: "00r".to_owned(),
            name: "<script>alert('{{text}}')</script>".to_owned(),
            attempt: 1,
            state: "PENDING".to_owned(),
            details: "a & \"b\"".to_owned(),
            logs: Some("/dashboards/00r/1".to_owned()),
        };
        Page::wait("Waiting", "<b>for</b> {{facts}}").about(shown)
    }

    #[test]
    fn everything_is_escaped_and_nothing_is_put_in_twice() {
        let html = page().html();
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(&#39;{{text}}&#39;)"), "{html}");
        assert!(html.contains("&lt;b&gt;for&lt;/b&gt; {{facts}}"), "{html}");
        assert!(html.contains("a &amp; &quot;b&quot;"), "{html}");
        assert!(html.contains("href=\"/dashboards/00r/1/logs/SPARK_DRIVER/stderr.gz\""), "{html}");
        assert!(html.contains("http-equiv=\"refresh\" content=\"2\""), "{html}");
    }

    #[test]
    fn a_tool_is_told_to_come_again() {
        let answer = page().answer(false);
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
        assert_eq!(page().answer(true).status(), 200);
        assert_eq!(Page::new(StatusCode::FORBIDDEN, "No", "").answer(false).status(), 403);
    }
}
