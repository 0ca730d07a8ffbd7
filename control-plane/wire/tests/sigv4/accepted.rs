//! What must be let in: requests as clients sign them, in all their spellings, within five minutes of now.

use crate::sent::{ACCESS_KEY, NOW, PLAIN, Sent, Signing, TOKEN, valid};
use firesteel_wire::ErrorKind;
use firesteel_wire::shapes::Timestamp;
use firesteel_wire::sigv4::{Caller, service_of};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

const MINUTE: i64 = 60_000;

#[test]
fn valid_requests_are_let_in_and_say_who_sent_them() {
    for (sent, signing) in valid() {
        let expected = Caller {
            access_key_id: ACCESS_KEY.into(),
            session_token: signing.token.map(str::to_owned),
            signed_at: Timestamp(NOW),
            presigned: signing.presign.is_some(),
        };
        assert_eq!(sent.verdict(), Ok(expected), "{sent:?}");
        let headers: Vec<(&str, &str)> = sent.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let scope = service_of(&headers, &sent.query).expect("a scope");
        assert_eq!(
            (&*scope.service, &*scope.region, &*scope.access_key_id),
            ("emr-serverless", "us-east-1", ACCESS_KEY)
        );
    }
}

/// Spellings of requests that clients of AWS, browsers and scripts really use.
fn spellings() -> Vec<Sent> {
    let requests = [
        ("GET", "/", "", ""),
        ("GET", "/applications", "", ""),
        ("GET", "/applications", "nextToken=abc_-%3D%3D&maxResults=50", ""),
        ("GET", "/applications", "states=B&states=A&states=A", ""),
        ("GET", "/applications", "maxResults=&states", ""),
        ("GET", "/applications", "z=1&a=2&Z=3&a-b=4&a=1&a.b=5", ""),
        ("GET", "/applications", "a=%20&b=%2B&c=%25&d=%3D%26%3F%23%2F", ""),
        ("GET", "/applications", "%C3%BC=%F0%9F%98%80&e=~-._", ""),
        (
            "DELETE",
            "/tags/arn%3Aaws%3Aemr-serverless%3Ar%3A123456789012%3A%2Fapplications%2Fa",
            "tagKeys=a%20b",
            "",
        ),
        ("GET", "/applications/%C3%BC/~a.b_c-d", "", ""),
        ("GET", "/applications/a%20b/jobruns", "createdAtAfter=2026-01-02T03%3A04%3A05.5Z", ""),
        ("POST", "/applications", "", "{}"),
        ("POST", "/applications", "", "{\"name\":\"ü\u{1F600}\\n\",\n  \"x\": [1, 2]}\r\n"),
        ("PATCH", "/applications/a1", "x=1", " "),
    ];
    let mut all: Vec<Sent> = requests.into_iter().map(|(m, p, q, b)| Sent::new(m, p, q, b)).collect();
    all.push(Sent::new("POST", "/applications", "", &"é".repeat(200_000)));
    let plain = || Sent::new("GET", "/applications", "", "");
    all.push(plain().header("X-Amz-Meta", "  many   spaces  between "));
    all.push(plain().header("x-amz-meta", "one").header("X-AMZ-META", "two").header("x-Amz-meta", "one"));
    all.push(
        plain().header("Accept", "*/*").header("amz-sdk-request", "attempt=1; max=3").header("Empty", ""),
    );
    all
}

#[test]
fn every_spelling_is_let_in_at_any_moment_of_ten_minutes() {
    let mut let_in = 0;
    for sent in spellings() {
        for (token, presign) in
            [(None, None), (Some(TOKEN), None), (None, Some(600)), (Some(TOKEN), Some(600))]
        {
            let signed = sent.clone().signed(Signing { token, presign, ..PLAIN });
            for later in [-5 * MINUTE, -5 * MINUTE + 1, -MINUTE, 0, 1, 4 * MINUTE, 5 * MINUTE] {
                let caller = signed.verdict_at(NOW + later);
                assert_eq!(
                    caller.map(|c| c.session_token),
                    Ok(token.map(str::to_owned)),
                    "{later} {signed:?}"
                );
                let_in += 1;
            }
        }
    }
    assert_eq!(let_in, 18 * 4 * 7);
}

/// Proxies put headers in another order, spell their names otherwise, and add their own: none of that is signed.
#[test]
fn what_is_not_signed_may_differ() {
    for (sent, _) in valid() {
        let mut other = sent.clone();
        other.headers.reverse();
        let repeated: Vec<_> =
            sent.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case("x-amz-meta")).collect();
        if !repeated.is_empty() {
            // Values of one name keep their order.
            other = sent.clone();
        }
        other.headers.iter_mut().for_each(|(name, _)| *name = name.to_uppercase());
        let other = other.header("Via", "1.1 proxy").header("user-agent", "x").header("Content-Length", "12");
        assert_eq!(other.verdict(), sent.verdict());
        let reordered: Vec<&str> = sent.query.split('&').rev().collect();
        let other = Sent { query: reordered.join("&"), ..sent.clone() };
        assert_eq!(other.verdict(), sent.verdict());
    }
}

#[test]
fn time_is_bounded_on_both_sides() {
    let all = valid();
    let (header, query) = (&all[0].0, &all[3].0);
    let table = [
        (header, 5 * MINUTE, None),
        (header, 5 * MINUTE + 1, Some(ErrorKind::InvalidSignature)),
        (header, -5 * MINUTE, None),
        (header, -5 * MINUTE - 1, Some(ErrorKind::InvalidSignature)),
        (query, 10 * MINUTE, None),
        (query, 10 * MINUTE + 1, Some(ErrorKind::ExpiredToken)),
        (query, -5 * MINUTE, None),
        (query, -5 * MINUTE - 1, Some(ErrorKind::InvalidSignature)),
    ];
    for (sent, later, expected) in table {
        assert_eq!(sent.verdict_at(NOW + later).err(), expected, "{later}");
    }
    assert!(header.verdict_at(i64::MAX).is_err() && header.verdict_at(i64::MIN).is_err());
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the SDKs' signer signs, in both forms, is let in; with one character of its body changed it is not.
    #[test]
    fn agrees_with_the_sdks_signer(
        method in "GET|POST|PATCH|DELETE",
        segments in prop::collection::vec("[a-zA-Z][a-zA-Z0-9._~-]{0,8}|[a-z]%[2-7][0-9A-E][a-z]|%C3%A9", 0..5),
        query in prop::collection::vec(("[a-zA-Z_ -]{1,6}", "\\PC{0,6}"), 0..5),
        values in prop::collection::vec("[!-~]{1,5}( {1,3}[!-~]{1,5}){0,2}", 0..3),
        body in "\\PC{0,30}",
        token in prop::option::of("[A-Za-z0-9+/=]{1,40}"),
        presign in prop::option::of(1u64..604_800),
    ) {
        let query: Vec<String> = query.iter().map(|(n, v)| format!("{}={}", encoded(n), encoded(v))).collect();
        let mut sent = Sent::new(&method, &format!("/{}", segments.join("/")), &query.join("&"), &body);
        sent.headers.extend(values.into_iter().enumerate().map(|(n, v)| (format!("X-Amz-Meta-{n}"), v)));
        let mut sent = sent.signed(Signing { token: token.as_deref(), presign, ..PLAIN });
        let expected = (ACCESS_KEY.to_owned(), token, presign.is_some());
        prop_assert_eq!(sent.verdict().map(|c| (c.access_key_id, c.session_token, c.presigned)), Ok(expected));
        sent.body.push(b'x');
        prop_assert_eq!(sent.verdict().err(), Some(ErrorKind::InvalidSignature));
    }
}
