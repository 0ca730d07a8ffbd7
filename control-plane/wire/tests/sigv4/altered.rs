//! Valid requests altered on their way, in every part and every manner: none is let in. The same thousands every time.

use crate::sent::{Sent, valid};
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

/// One manner of altering: what it is called, and all it makes of a request.
type Manner = (&'static str, fn(&Sent) -> Vec<Sent>);

const MANNERS: [Manner; 11] = [
    ("method", methods),
    ("path", |sent| each(bent(&sent.path), sent, |other, path| other.path = path)),
    ("query", queries),
    ("header value", header_values),
    ("header dropped, renamed, doubled or added", header_sets),
    ("values of one header in another order", reordered_values),
    ("body", bodies),
    ("signature", signatures),
    ("credential scope", scopes),
    ("list of signed headers", signed_headers),
    ("session token", tokens),
];

#[test]
fn no_altered_request_is_let_in() {
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    for (sent, _) in valid() {
        assert!(sent.verdict().is_ok());
        for (name, manner) in MANNERS {
            for other in manner(&sent).iter().filter(|other| meaning(other) != meaning(&sent)) {
                assert!(other.verdict().is_err(), "{name}: let in {other:?}\ninstead of {sent:?}");
                *tried.entry(name).or_default() += 1;
            }
        }
    }
    let floor = [8000, 7000, 5140, 1700, 250, 150, 130, 100, 90, 50, 1];
    let mut counts: Vec<usize> = tried.values().copied().collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(counts.len(), MANNERS.len(), "{tried:?}");
    assert!(
        counts.iter().zip(floor).all(|(count, least)| *count >= least),
        "fewer than there were: {tried:?}"
    );
}

/// The same request for any reader: pairs of the query decoded and sorted, header names in lower case, spaces collapsed.
fn meaning(sent: &Sent) -> Sent {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>();
    let mut pairs: Vec<_> = sent
        .query
        .split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    pairs.sort();
    let spaced = |value: &str| {
        value.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ").replace(", ", ",")
    };
    let mut headers: Vec<_> = sent.headers.iter().map(|(n, v)| (n.to_ascii_lowercase(), spaced(v))).collect();
    // A stable sort: the values of one name keep their order, which means something.
    headers.sort_by(|one, other| one.0.cmp(&other.0));
    Sent { query: format!("{pairs:?}"), headers, ..sent.clone() }
}

/// A copy of the request for each value.
fn each<T>(values: impl IntoIterator<Item = T>, sent: &Sent, change: impl Fn(&mut Sent, T)) -> Vec<Sent> {
    values
        .into_iter()
        .map(|value| {
            let mut other = sent.clone();
            change(&mut other, value);
            other
        })
        .collect()
}

/// Every text that one character replaced, removed or inserted makes of this one.
fn bent(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut all = vec![text.to_uppercase(), text.to_lowercase(), format!("{text}/"), String::new()];
    for at in 0..letters.len() {
        for replacement in ["", "x", "0", "%", "A", ";"] {
            let head: String = letters[..at].iter().collect();
            let tail: String = letters[at + 1..].iter().collect();
            all.push(format!("{head}{replacement}{tail}"));
            all.push(format!("{head}{replacement}{}{tail}", letters[at]));
        }
    }
    all.retain(|other| other != text);
    all
}

fn methods(sent: &Sent) -> Vec<Sent> {
    let others = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map(str::to_owned);
    let others = others.into_iter().filter(|method| *method != sent.method);
    each(bent(&sent.method).into_iter().chain(others), sent, |other, method| other.method = method)
}

fn queries(sent: &Sent) -> Vec<Sent> {
    let mut all = bent(&sent.query);
    all.extend(
        ["&added=1", "&X-Amz-Signature=00", "&X-Amz-Date=20260102T030405Z"]
            .map(|more| sent.query.clone() + more),
    );
    all.push(sent.query.replace("600", "604800"));
    let pieces: Vec<&str> = sent.query.split('&').collect();
    for at in 0..pieces.len() {
        all.push([&pieces[..at], &pieces[at + 1..]].concat().join("&"));
        all.push([&pieces[..], &pieces[at..=at]].concat().join("&"));
    }
    each(all, sent, |other, query| other.query = query)
}

fn header_values(sent: &Sent) -> Vec<Sent> {
    let places = (0..sent.headers.len())
        .flat_map(|at| bent(&sent.headers[at].1).into_iter().map(move |value| (at, value)));
    each(places, sent, |other, (at, value)| other.headers[at].1 = value)
}

fn header_sets(sent: &Sent) -> Vec<Sent> {
    let places = 0..sent.headers.len();
    let mut all = each(places.clone(), sent, |other, at| drop(other.headers.remove(at)));
    all.extend(each(places.clone(), sent, |other, at| other.headers[at].0.push('x')));
    all.extend(each(places.clone(), sent, |other, at| other.headers.push(other.headers[at].clone())));
    all.extend(each(places.clone(), sent, |other, at| other.headers.insert(0, other.headers[at].clone())));
    all.extend(each(places, sent, |other, at| {
        other.headers.insert(at, (other.headers[at].0.clone(), "evil".to_owned()));
    }));
    let added = [
        ("x-amz-target", "evil"),
        ("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"),
        ("x-amz-date", "20260102T030405Z"),
        ("x-amz-copy-source", ""),
        ("Host", "evil.example"),
    ];
    all.extend(added.map(|(name, value)| sent.clone().header(name, value)));
    all
}

fn reordered_values(sent: &Sent) -> Vec<Sent> {
    let mut all = Vec::new();
    for one in 0..sent.headers.len() {
        for other in one + 1..sent.headers.len() {
            if sent.headers[one].0.eq_ignore_ascii_case(&sent.headers[other].0) {
                let mut swapped = sent.clone();
                swapped.headers.swap(one, other);
                all.push(swapped);
            }
        }
    }
    all
}

fn bodies(sent: &Sent) -> Vec<Sent> {
    let mut all =
        each([&b" "[..], b"{}", b"\0", b"x"], sent, |other, more| other.body.extend_from_slice(more));
    all.extend(each(0..sent.body.len(), sent, |other, at| other.body[at] ^= 1));
    all.extend(each(0..sent.body.len(), sent, |other, at| {
        other.body.remove(at);
    }));
    all.extend(each(0..sent.body.len(), sent, |other, at| other.body.truncate(at)));
    all
}

/// The request with a part of its signature replaced, wherever it stands.
fn replaced(sent: &Sent, from: &str, to: &str) -> Sent {
    let mut other = sent.clone();
    for (_, value) in other.headers.iter_mut().filter(|(name, _)| name == "authorization") {
        *value = value.replace(from, to);
    }
    let escaped =
        |text: &str| text.replace('/', "%2F").replace(';', "%3B").replace('-', "%2D").replace('_', "%5F");
    other.query = other.query.replace(&escaped(from), &escaped(to));
    other
}

/// A part of the signature: `Credential`, `SignedHeaders` or `Signature`.
fn part(sent: &Sent, name: &str) -> String {
    let authorization =
        sent.headers.iter().find(|(header, _)| header == "authorization").map(|(_, value)| value);
    let text = match authorization {
        Some(value) => value.split([',', ' ']).find_map(|piece| piece.strip_prefix(&format!("{name}="))),
        None => sent.query.split('&').find_map(|piece| piece.strip_prefix(&format!("X-Amz-{name}="))),
    };
    percent_decode_str(text.expect("the part")).decode_utf8().expect("text").into_owned()
}

/// Every digit of the signature replaced by every other; cut, doubled, in capitals, with none at all.
fn signatures(sent: &Sent) -> Vec<Sent> {
    let signature = part(sent, "Signature");
    let mut others = vec![String::new(), signature.to_uppercase(), signature.repeat(2), "0".repeat(64)];
    for at in 0..signature.len() {
        others.push(signature[..at].to_owned());
        let digits = "0123456789abcdef".chars().filter(|digit| !signature[at..].starts_with(*digit));
        others.extend(digits.map(|digit| format!("{}{digit}{}", &signature[..at], &signature[at + 1..])));
    }
    others.iter().map(|other| replaced(sent, &signature, other)).collect()
}

fn scopes(sent: &Sent) -> Vec<Sent> {
    let credential = part(sent, "Credential");
    let parts: Vec<&str> = credential.split('/').collect();
    let replacements: [&[&str]; 5] = [
        &["AKIDEXAMPLF", "akidexample", "", "AKIDEXAMPL"],
        &["20260101", "20260103", "20250102", "", "2026010", "202601022"],
        &["us-east-2", "eu-west-1", "", "US-EAST-1", "*"],
        &["s3", "sts", "emr-containers", "", "EMR-Serverless", "*"],
        &["aws5_request", "", "AWS4_REQUEST", "aws4_request/x"],
    ];
    let mut others = vec![format!("/{credential}"), format!("{credential}/"), parts[1..].join("/")];
    for (at, choices) in replacements.into_iter().enumerate() {
        for choice in choices {
            let mut changed = parts.clone();
            changed[at] = choice;
            others.push(changed.join("/"));
        }
    }
    others.iter().map(|other| replaced(sent, &credential, other)).collect()
}

/// The list with a name less, more, twice, in capitals, and in another order.
fn signed_headers(sent: &Sent) -> Vec<Sent> {
    let list = part(sent, "SignedHeaders");
    let names: Vec<&str> = list.split(';').collect();
    let mut others = vec![
        String::new(),
        list.to_uppercase(),
        format!("{list};"),
        format!(";{list}"),
        list.replace(';', ","),
    ];
    for at in 0..names.len() {
        others.push([&names[..at], &names[at + 1..]].concat().join(";"));
        others.push([&names[..=at], &names[at..]].concat().join(";"));
        for more in ["a", "via", "x-amz-date", "zz", "authorization"] {
            let mut longer = names.clone();
            longer.insert(at, more);
            others.push(longer.join(";"));
            longer.sort_unstable();
            others.push(longer.join(";"));
        }
        let mut turned = names.clone();
        turned.swap(0, at);
        others.push(turned.join(";"));
    }
    others.retain(|other| *other != list);
    let lead = if sent.query.contains("X-Amz-Signature") { "" } else { "SignedHeaders=" };
    others.iter().map(|other| replaced(sent, &format!("{lead}{list}"), &format!("{lead}{other}"))).collect()
}

fn tokens(sent: &Sent) -> Vec<Sent> {
    let added = ["evil", ""].map(|value| sent.clone().header("X-Amz-Security-Token", value));
    let in_query = ["evil", ""]
        .map(|value| Sent { query: format!("{}&X-Amz-Security-Token={value}", sent.query), ..sent.clone() });
    let mut dropped = sent.clone();
    dropped.headers.retain(|(name, _)| name != "x-amz-security-token");
    let pieces: Vec<&str> =
        sent.query.split('&').filter(|piece| !piece.starts_with("X-Amz-Security-Token")).collect();
    dropped.query = pieces.join("&");
    let at = sent.headers.iter().position(|(name, _)| name == "x-amz-security-token");
    let values =
        at.into_iter().flat_map(|at| bent(&sent.headers[at].1).into_iter().map(move |value| (at, value)));
    let bent = each(values, sent, |other, (at, value)| other.headers[at].1 = value);
    let others = ["x", "token", "token%20/%3D"]
        .map(|value| Sent { query: sent.query.replace("token%2B%2F%3D", value), ..sent.clone() });
    [&added[..], &in_query, &[dropped], &others, &bent].concat()
}
