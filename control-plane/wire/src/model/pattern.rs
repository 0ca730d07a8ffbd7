//! The model's patterns, which are Java's: the whole text must match, `\w`, `\d` and `\s` are ASCII, escapes are UTF-16.
//!
//! `regex-lite` has ASCII classes already. Two common forms (one class repeated; "not blank") are decided without a regex machine.

use regex_lite::Regex;
use std::sync::{PoisonError, RwLock};

/// Longest text that is remembered, bytes.
const REMEMBERED: usize = 256;

/// A pattern that the whole of a text must match.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    /// `.*\S.*`: some character is not white space.
    NotBlank,
    /// `[…]+` or `[…]*`: each character is in the class; the ASCII ones are looked up in a bit set.
    Each { ascii: u128, class: Regex, may_be_empty: bool },
    /// Anything else, and the text that has matched last: callers send the same ARN of their role with every request.
    Whole(Regex, RwLock<Option<Box<str>>>),
    /// Does not compile even after translation: not enforced. The tests prove that the embedded model has none.
    Unknown,
}

impl Pattern {
    /// Compiles a pattern of the model.
    pub fn new(source: &str) -> Self {
        Self { source: source.to_owned(), test: test(source) }
    }

    /// The pattern as the model has it, for messages.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        match &self.test {
            Test::NotBlank => text.chars().any(|c| !matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')),
            Test::Each { ascii, class, may_be_empty } => {
                (*may_be_empty || !text.is_empty()) && text.chars().all(|c| in_class(*ascii, class, c))
            }
            Test::Whole(regex, last) => matches(regex, last, text),
            Test::Unknown => true,
        }
    }

    /// Whether the pattern could be compiled, and is therefore enforced.
    pub const fn is_enforced(&self) -> bool {
        !matches!(self.test, Test::Unknown)
    }
}

fn test(source: &str) -> Test {
    if source == r".*\S.*" {
        return Test::NotBlank;
    }
    let translated = translated(source);
    if let Some((class, may_be_empty)) = repeated_class(&translated)
        && let Some(class) = anchored(class)
    {
        let ascii = (0..128u8)
            .filter(|b| class.is_match(char::from(*b).encode_utf8(&mut [0; 4])))
            .fold(0, |set, b| set | (1u128 << b));
        return Test::Each { ascii, class, may_be_empty };
    }
    anchored(&translated).map_or(Test::Unknown, |regex| Test::Whole(regex, RwLock::default()))
}

/// Only what matches is remembered, and one short text at most: whatever callers send, it costs no more room.
fn matches(regex: &Regex, last: &RwLock<Option<Box<str>>>, text: &str) -> bool {
    if last.read().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(text) {
        return true;
    }
    let found = regex.is_match(text);
    if found && text.len() <= REMEMBERED {
        *last.write().unwrap_or_else(PoisonError::into_inner) = Some(text.into());
    }
    found
}

/// `.` matches line ends too: a query or an argument of several lines is no less well formed.
fn anchored(source: &str) -> Option<Regex> {
    Regex::new(&format!(r"\A(?s:{source})\z")).ok()
}

/// Two things in the model are not what was meant: supplementary characters as surrogate escapes, and `[    -` where tab, line feed,
/// carriage return and space stood before some tool turned them all into spaces (compare IAM's `[\u0009\u000A\u000D\u0020-\u00FF]+`).
fn translated(source: &str) -> String {
    source.replace(r"\uD800\uDBFF-\uDC00\uDFFF", r"\x{10000}-\x{10FFFF}").replace("[    -", r"[\t\n\r -")
}

/// The class of `[…]+` (must not be empty) or `[…]*` (may be), brackets included, with or without a group around the whole.
fn repeated_class(source: &str) -> Option<(&str, bool)> {
    let inner = source.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(source);
    let (class, may_be_empty) = match inner.strip_suffix('+') {
        Some(class) => (class, false),
        None => (inner.strip_suffix('*')?, true),
    };
    let body = class.strip_prefix('[')?.strip_suffix(']')?;
    (!body.contains(['[', ']'])).then_some((class, may_be_empty))
}

fn in_class(ascii: u128, class: &Regex, c: char) -> bool {
    match u8::try_from(u32::from(c)) {
        Ok(byte) if byte < 128 => ascii >> byte & 1 == 1,
        _ => class.is_match(c.encode_utf8(&mut [0; 4])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::model;
    use proptest::prelude::*;

    fn of(shape: &str) -> &'static Pattern {
        model().shape_named(shape).and_then(|s| s.pattern.as_ref()).expect("the shape has a pattern")
    }

    /// Shape, text, and whether the one's pattern matches the other.
    const TEXTS: &[(&str, &str, bool)] = &[
        ("ApplicationId", "00f1cbsc6anuij25", true),
        ("ApplicationId", "00F1", false),
        ("ApplicationId", "abc\n", false),
        ("ClientToken", "a-b_c.9", true),
        ("ClientToken", "a b", false),
        ("CpuSize", "4 vCPU", true),
        ("CpuSize", "4vcpu", true),
        ("CpuSize", "4", true),
        ("CpuSize", "0 vCPU", false),
        ("CpuSize", "4  vCPU", false),
        ("DiskSize", "20", false),
        ("DiskSize", "20 gb", true),
        ("IAMRoleArn", "arn:aws:iam::123456789012:role/service-role/hail", true),
        ("IAMRoleArn", "arn:aws:iam::123456789012:role/é", false),
        ("IAMRoleArn", "arn:aws:iam::123456789012:user/bob", false),
        ("TagValue", "", true),
        ("TagKey", "", false),
        ("UriString", "s3://bucket/logs/\u{1F600}", true),
        ("String256", " \t ", false),
        ("String256", "a\nb", true),
        ("PolicyDocument", "{\n\t\"Version\": \"2012-10-17\"\r\n}", true),
        ("PolicyDocument", "\u{4e00}", false),
        ("Arn", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", true),
        ("Arn", "", false),
        ("EncryptionKeyArn", "arn:aws:kms:us-east-1:123456789012:key/1-a", true),
        ("EncryptionKeyArn", "arn:aws:kms:us-east-1:123456789012:alias/a", false),
        ("ImageUri", "123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b:latest", true),
        ("ImageUri", "docker.io/a/b:latest", false),
        ("DiskType", "Shuffle_Optimized", true),
        ("DiskType", "fast", false),
        ("LogStreamNamePrefix", "é", true),
        ("LogStreamNamePrefix", "a:b", false),
    ];

    #[test]
    fn whole_texts_match_or_do_not() {
        for (shape, text, expected) in TEXTS {
            assert_eq!(of(shape).matches(text), *expected, "{shape} {text:?}");
        }
    }

    #[test]
    fn what_matched_before_changes_no_answer() {
        let (good, bad) = ("arn:aws:iam::123456789012:role/etl", "arn:aws:iam::123456789012:user/etl");
        let long = format!("{good}{}", "x".repeat(REMEMBERED));
        let pattern = Pattern::new(of("IAMRoleArn").source());
        for text in [good, bad, good, &long, &format!("{good}\n"), bad, good, &long, ""] {
            let whole = anchored(&translated(pattern.source())).expect("compiles");
            assert_eq!(pattern.matches(text), whole.is_match(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_short_ways_say_what_the_regex_says(text in "\\PC{0,12}|[a-zA-Z0-9 ./:=+@_-]{0,12}|[ \\t\\r\\n]{0,3}") {
            for source in [r"[A-Za-z0-9 /_.:=+@-]*", r"[0-9a-z]+", r"[^:*]*", r".*\S.*", "([    -\u{ff}]+)"] {
                let whole = anchored(&translated(source)).expect("compiles");
                prop_assert_eq!(Pattern::new(source).matches(&text), whole.is_match(&text), "{} {:?}", source, text);
            }
        }
    }
}
