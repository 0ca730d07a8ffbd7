//! The canonical form of a request: the bytes that both sides hash.

use std::borrow::Cow;

use percent_encoding::{percent_decode, percent_encode};

use super::SignedRequest;
use super::presented::Form;
use crate::client::ESCAPED;

/// The path's slashes stay; everything else that is not unreserved is escaped, percent signs included.
const PATH_ESCAPED: &percent_encoding::AsciiSet = &ESCAPED.remove(b'/');

/// Method, path, query, headers, names of headers, hash of the body: one a line.
pub(super) fn canonical_request(request: &SignedRequest<'_>, signed_headers: &str, form: Form) -> Vec<u8> {
    let mut out = Vec::with_capacity(768);
    let mut push = |piece: &str| out.extend_from_slice(piece.as_bytes());
    push(request.method);
    push("\n");
    let path = if request.raw_path.is_empty() { "/" } else { request.raw_path };
    percent_encode(path.as_bytes(), PATH_ESCAPED).for_each(&mut push);
    push("\n");
    canonical_query(request.raw_query, form, &mut push);
    push("\n");
    canonical_headers(request.headers, signed_headers, &mut push);
    push("\n");
    push(signed_headers);
    push("\n");
    push(&hex::encode(request.body_sha256));
    out
}

fn canonical_query(raw: &str, form: Form, push: &mut impl FnMut(&str)) {
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> =
        pairs(raw).map(|(n, v)| (encoded(n), encoded(v))).collect();
    if matches!(form, Form::Query { .. }) {
        pairs.retain(|(name, _)| name != "X-Amz-Signature");
    }
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        push(if index > 0 { "&" } else { "" });
        push(name);
        push("=");
        push(value);
    }
}

/// The pairs of a raw query, still encoded; empty pieces are skipped.
pub(super) fn pairs(raw: &str) -> impl Iterator<Item = (&str, &str)> {
    raw.split('&').filter(|piece| !piece.is_empty()).map(|piece| piece.split_once('=').unwrap_or((piece, "")))
}

/// A component in the one canonical spelling: nothing to do for those of AWS's clients.
fn encoded(raw: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    if raw.bytes().all(plain) {
        return Cow::Borrowed(raw);
    }
    let canonical = percent_encode(&decoded(raw), ESCAPED).to_string();
    if canonical == raw { Cow::Borrowed(raw) } else { Cow::Owned(canonical) }
}

/// The bytes of a component; `+` stands for a space, as in forms.
pub(super) fn decoded(raw: &str) -> Cow<'_, [u8]> {
    if raw.contains('+') {
        Cow::Owned(percent_decode(raw.replace('+', " ").as_bytes()).collect())
    } else {
        percent_decode(raw.as_bytes()).into()
    }
}

fn canonical_headers(headers: &[(&str, &str)], signed_headers: &str, push: &mut impl FnMut(&str)) {
    for signed in signed_headers.split(';') {
        push(signed);
        let mut separator = ":";
        for (_, value) in headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(signed)) {
            push(separator);
            collapsed(value, push);
            separator = ",";
        }
        push("\n");
    }
}

/// A header's value without spaces at its ends, runs of spaces inside as one.
fn collapsed(value: &str, push: &mut impl FnMut(&str)) {
    let value = value.trim_matches(' ');
    if !value.contains("  ") {
        return push(value);
    }
    for (index, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
        push(if index > 0 { " " } else { "" });
        push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(raw: &str) -> String {
        let mut out = String::new();
        canonical_query(raw, Form::Query { expires: 1 }, &mut |piece| out.push_str(piece));
        out
    }

    #[test]
    fn queries_are_sorted_by_encoded_name_then_value() {
        let table = [
            ("", ""),
            ("&&", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("tagKeys=b&tagKeys=a&tagKeys=%3A", "tagKeys=%3A&tagKeys=a&tagKeys=b"),
            ("a-=1&a=2", "a=2&a-=1"),
            ("a", "a="),
            ("a=b=c", "a=b%3Dc"),
            ("a=x+y&b=%2b", "a=x%20y&b=%2B"),
            ("a=%41%7e", "a=A~"),
            ("X-Amz-Signature=00&X-Amz-Date=d", "X-Amz-Date=d"),
            ("a=%zz", "a=%25zz"),
        ];
        for (raw, expected) in table {
            assert_eq!(query(raw), expected, "{raw}");
        }
    }

    #[test]
    fn the_whole_form() {
        let headers = [
            ("X-Amz-Date", "20150830T123600Z"),
            ("Host", "h"),
            ("my", "  a   b "),
            ("MY", "c"),
            ("other", "x"),
        ];
        let request = SignedRequest {
            method: "GET",
            raw_path: "/tags/arn%3Aaws",
            raw_query: "",
            headers: &headers,
            body_sha256: &super::super::sha256(b""),
        };
        let expected = "GET\n/tags/arn%253Aaws\n\nhost:h\nmy:a b,c\nx-amz-date:20150830T123600Z\n\nhost;my;x-amz-date\n\
                        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(canonical_request(&request, "host;my;x-amz-date", Form::Header), expected.as_bytes());
    }
}
