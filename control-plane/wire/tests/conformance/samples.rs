//! Texts that fit a pattern of the model, at any length, and texts that do not. Written by hand, so that no regex machine is judge of itself.

/// How to write texts for one pattern.
pub struct Sample {
    pattern: &'static str,
    /// What stands before, is repeated, and stands after: all together they fit.
    parts: (&'static str, &'static str, &'static str),
    /// What does not fit, though its length is right; empty if everything fits.
    pub bad: &'static str,
    /// Whether nothing at all fits.
    pub empty_fits: bool,
}

impl Sample {
    /// The sample of a pattern, or of no pattern; `None` if nobody has written one.
    pub fn of(pattern: Option<&str>) -> Option<&'static Self> {
        let Some(pattern) = pattern else { return Some(&ANY) };
        ALL.iter().find(|sample| sample.pattern == pattern)
    }

    /// A text of so many characters that fits, if there is one.
    pub fn of_length(&self, length: usize) -> Option<String> {
        let (before, filler, after) = self.parts;
        let fixed = before.chars().count() + after.chars().count();
        let room = length.checked_sub(fixed).filter(|room| *room > 0 && !filler.is_empty())?;
        Some(format!("{before}{}{after}", filler.repeat(room)))
    }

    /// A fitting text of at least this length.
    pub fn at_least(&self, length: usize) -> String {
        let (before, filler, after) = self.parts;
        self.of_length(length).unwrap_or_else(|| format!("{before}{filler}{after}"))
    }
}

const fn sample(
    pattern: &'static str,
    parts: (&'static str, &'static str, &'static str),
    bad: &'static str,
) -> Sample {
    Sample { pattern, parts, bad, empty_fits: false }
}

const ANY: Sample = Sample { pattern: "", parts: ("", "é", ""), bad: "", empty_fits: true };

const ALL: &[Sample] = &[
    sample("[0-9a-z]+", ("", "a", ""), "aB"),
    sample("[A-Za-z0-9._/#-]+", ("", "#", ""), "a b"),
    sample("[A-Za-z0-9._-]+", ("", ".", ""), "a/b"),
    sample("[A-Za-z0-9._/-]+", ("", "/", ""), "a#b"),
    sample("[A-Za-z0-9_=-]+", ("", "=", ""), "a.b"),
    sample("[A-Za-z0-9 /_.:=+@-]+", ("", "@", ""), "é"),
    Sample { empty_fits: true, ..sample("[A-Za-z0-9 /_.:=+@-]*", ("", "@", ""), "é") },
    sample(r"[\.\-_/#A-Za-z0-9]+", ("", "-", ""), "a:b"),
    Sample { empty_fits: true, ..sample("[^:*]*", ("", "ü", ""), "a*") },
    sample("[-0-9a-zA-Z]+.*", ("s", "é", ""), "é"),
    sample("[a-zA-Z]+[-_]*[a-zA-Z]+", ("a", "b", ""), "a1"),
    sample(r".*\S.*", (" ", "x", " "), " \t "),
    sample(r"[1-9][0-9]*(\s)?(vCPU|vcpu|VCPU)?", ("1", "0", " vCPU"), "4 cpu"),
    sample(r"[1-9][0-9]*(\s)?(GB|gb|gB|Gb)", ("2", "0", "gB"), "20"),
    sample(r"[1-9][0-9]*(\s)?(GB|gb|gB|Gb)?", ("2", "0", ""), "0 GB"),
    sample(
        "(SHUFFLE_OPTIMIZED|[Ss]huffle_[Oo]ptimized|STANDARD|[Ss]tandard)",
        ("Shuffle_optimized", "", ""),
        "shuffle",
    ),
    sample(
        "sha256:[0-9a-f]{64}",
        ("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "", ""),
        "sha256:00",
    ),
    sample("([    -\u{ff}]+)", ("", "\n", "{}"), "\u{100}"),
    sample(
        "([    -~\u{85}\u{a0}-\u{d7ff}\u{e000}-\u{fffd}\u{1000}0-\u{10ff}FF]+)",
        ("arn:aws:iam::aws:policy/", "p", ""),
        "arn:aws:iam::aws:policy/\u{1}",
    ),
    Sample {
        empty_fits: true,
        ..sample(
            r".*[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDBFF-\uDC00\uDFFF\r\n\t]*.*",
            ("s3://bucket/", "\u{1F600}", "/"),
            "",
        )
    },
    sample(
        r"arn:(aws[a-zA-Z0-9-]*):iam::([0-9]{12}):(role((\u002F)|(\u002F[\u0021-\u007F]+\u002F))[\w+=,.@-]+)",
        ("arn:aws-cn:iam::123456789012:role/a/", "r", ""),
        "arn:aws:iam::123456789012:user/r",
    ),
    sample(
        r"arn:(aws[a-zA-Z0-9-]*):kms:[a-zA-Z0-9\-]*:([0-9]{12}):key\/[a-zA-Z0-9-]+",
        ("arn:aws:kms:us-east-1:123456789012:key/", "k", ""),
        "arn:aws:kms:us-east-1:123456789012:alias/k",
    ),
    sample(
        r"arn:(aws[a-zA-Z0-9-]*):sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}",
        ("arn:aws", "x", ":sso:::instance/ssoins-0123456789abcdef"),
        "arn:aws:sso:::instance/ins-0",
    ),
    sample(
        r"arn:(aws[a-zA-Z0-9-]*):emr-serverless:.+:(\d{12}):\/applications\/[0-9a-zA-Z]+(\/jobruns\/[0-9a-zA-Z]+|\/sessions\/[0-9a-zA-Z]+)?",
        ("arn:aws:emr-serverless:r:123456789012:/applications/", "a", ""),
        "arn:aws:emr-serverless:us-east-1:123456789012:/applications/a/tables/b",
    ),
    sample(
        r"https://aps-workspaces.([a-z]{2}-[a-z-]{1,20}-[1-9]).amazonaws(.[0-9A-Za-z]{2,4})+/workspaces/[-_.0-9A-Za-z]{1,100}/api/v1/remote_write",
        ("https://aps-workspaces.us-east-1.amazonaws.com", "x", "/workspaces/w/api/v1/remote_write"),
        "https://prometheus.example/api/v1/remote_write",
    ),
    sample(
        r"([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+).([a-z0-9._-]+)\/((?:[a-z0-9]+(?:[-._][a-z0-9]+)*/)*[a-z0-9]+(?:[-._][a-z0-9]+)*)(?::([a-zA-Z0-9_]+[a-zA-Z0-9-._]*)|@(sha256:[0-9a-f]{64}))",
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/image:", "1", ""),
        "docker.io/team/image:1",
    ),
];
