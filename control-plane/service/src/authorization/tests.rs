use super::*;
use crate::ports::Config;
use firesteel_protocol::ObjectStore;
use firesteel_wire::{Input, Operation};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ACCOUNT: &str = "000000000000";
const APP: &str = "arn:aws:emr-serverless:us-east-1:000000000000:/applications/00a";
const ROLE: &str = "arn:aws:iam::000000000000:role/etl";

fn config() -> Config {
    Config {
        region: "us-east-1".to_owned(),
        account: ACCOUNT.to_owned(),
        quota_cpu: 16,
        heap_percent: 70,
        store: ObjectStore { endpoint: None, region: "us-east-1".to_owned(), path_style: true },
        endpoints: Vec::new(),
        public_url: String::new(),
        secret: Vec::new(),
        alone: true,
        contact_every_ms: 1,
        contact_limit_ms: 1,
    }
}

fn policy(statements: Value) -> Policy {
    serde_json::from_value(statements).expect("a policy")
}

fn asked(operation: Operation, input: Value) -> Vec<Question> {
    let input: Input = input.as_object().expect("an object").clone();
    questions(&config(), operation, &input)
}

fn verdicts(policy: &Policy, operation: Operation, input: Value, tags: &[(&str, &str)]) -> Vec<Verdict> {
    let tags: BTreeMap<String, String> =
        tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    asked(operation, input).iter().map(|question| policy.verdict(question, &tags)).collect()
}

fn allows(policy: &Policy, operation: Operation, input: Value) -> bool {
    verdicts(policy, operation, input, &[]).iter().all(|verdict| *verdict == Verdict::Allowed)
}

#[test]
fn wildcards_fit_as_in_iam() {
    let table = [
        ("a", "a", true),
        ("a", "ab", false),
        ("*", "", true),
        ("a*", "a", true),
        ("a*c", "abbc", true),
        ("a*c", "abcd", false),
        ("a?c", "abc", true),
        ("a?c", "aéc", true),
        ("a?c", "ac", false),
        ("*b*b*", "abab", true),
        ("a.c", "abc", false),
        ("[a]", "a", false),
        ("", "", true),
        ("", "a", false),
    ];
    for (pattern, text, expected) in table {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn every_operation_asks_for_its_action_on_its_resource() {
    let input = json!({
        "applicationId": "00a", "jobRunId": "00r", "sessionId": "00s", "resourceId": "00s",
        "resourceArn": format!("{APP}/jobruns/00r"), "executionRoleArn": ROLE,
    });
    for operation in Operation::ALL {
        let asked = asked(*operation, input.clone());
        let resource = match operation {
            Operation::CreateApplication | Operation::ListApplications => "*".to_owned(),
            Operation::GetJobRun
            | Operation::CancelJobRun
            | Operation::ListJobRunAttempts
            | Operation::GetDashboardForJobRun
            | Operation::TagResource
            | Operation::UntagResource
            | Operation::ListTagsForResource => format!("{APP}/jobruns/00r"),
            Operation::GetSession
            | Operation::GetSessionEndpoint
            | Operation::TerminateSession
            | Operation::GetResourceDashboard => format!("{APP}/sessions/00s"),
            _ => APP.to_owned(),
        };
        assert_eq!(asked[0].action, format!("emr-serverless:{operation}"));
        assert_eq!(asked[0].about.resource(), resource, "{operation}");
        let passes = matches!(operation, Operation::StartJobRun | Operation::StartSession);
        let rest: Vec<(&str, &str)> =
            asked[1..].iter().map(|q| (q.action.as_str(), q.about.resource())).collect();
        assert_eq!(rest, if passes { vec![("iam:PassRole", ROLE)] } else { vec![] }, "{operation}");
        assert!(allows(&Policy::everything(), *operation, input.clone()), "{operation}");
        assert!(!allows(&Policy::default(), *operation, input.clone()), "{operation}");
    }
}

#[test]
fn what_policies_allow() {
    let engineer = policy(json!([
        { "actions": ["emr-serverless:*JobRun*", "emr-serverless:getapplication"], "applications": ["00a"], "pass_roles": [ROLE] },
        { "effect": "deny", "actions": ["emr-serverless:CancelJobRun"], "applications": ["*"] },
    ]));
    let start =
        |app: &str, role: &str| json!({ "applicationId": app, "executionRoleArn": role, "clientToken": "t" });
    let run = |app: &str| json!({ "applicationId": app, "jobRunId": "00r" });
    let table = [
        (Operation::StartJobRun, start("00a", ROLE), true),
        (Operation::StartJobRun, start("00ab", ROLE), false),
        (Operation::StartJobRun, start("00b", ROLE), false),
        (Operation::StartJobRun, start("00a", "arn:aws:iam::000000000000:role/etl2"), false),
        (Operation::StartSession, start("00a", ROLE), false),
        (Operation::GetApplication, start("00a", ROLE), true),
        (Operation::UpdateApplication, start("00a", ROLE), false),
        (Operation::GetJobRun, run("00a"), true),
        (Operation::GetJobRun, run("00b"), false),
        (Operation::CancelJobRun, run("00a"), false),
        (Operation::ListJobRuns, run("00a"), true),
        (Operation::ListApplications, json!({}), false),
        (Operation::CreateApplication, json!({}), false),
    ];
    for (operation, input, expected) in table {
        assert_eq!(allows(&engineer, operation, input.clone()), expected, "{operation} {input}");
    }
}

#[test]
fn arns_mean_what_they_say_and_everything_is_only_a_star() {
    let by_arn = policy(json!([{ "actions": ["*"], "applications": [APP] }]));
    let run = json!({ "applicationId": "00a", "jobRunId": "00r" });
    assert!(allows(&by_arn, Operation::GetApplication, run.clone()));
    assert!(!allows(&by_arn, Operation::GetJobRun, run.clone()), "an ARN without a star is one resource");
    let below = policy(json!([{ "actions": ["*"], "applications": [format!("{APP}/*")] }]));
    assert!(allows(&below, Operation::GetJobRun, run.clone()));
    assert!(!allows(&below, Operation::GetApplication, run));
    let all_ids = policy(json!([{ "actions": ["*"], "applications": ["?*", "arn:*"] }]));
    assert!(!allows(&all_ids, Operation::ListApplications, json!({})), "a list is of no application");
    assert!(allows(&all_ids, Operation::ListTagsForResource, json!({ "resourceArn": "arn:other" })));
    let other = format!("arn:aws:emr-serverless:us-east-1:{}:/applications/00a", "1".repeat(12));
    let ids = policy(json!([{ "actions": ["*"], "applications": ["00a"] }]));
    assert!(allows(&ids, Operation::TagResource, json!({ "resourceArn": APP })));
    assert!(!allows(&ids, Operation::TagResource, json!({ "resourceArn": other })), "another account's");
    let elsewhere = APP.replacen("aws", "aws-cn", 1);
    assert!(
        !allows(&ids, Operation::TagResource, json!({ "resourceArn": elsewhere })),
        "another partition's"
    );
}

#[test]
fn roles_are_passed_where_their_statement_says() {
    let tied = policy(json!([
        { "actions": ["emr-serverless:StartJobRun"], "applications": ["*"] },
        { "pass_roles": ["arn:aws:iam::*:role/a-*"], "applications": ["00a"] },
        { "pass_roles": ["arn:aws:iam::*:role/any"] },
        { "effect": "deny", "pass_roles": ["arn:*secret*"] },
    ]));
    let table = [
        ("00a", "role/a-1", true),
        ("00b", "role/a-1", false),
        ("00b", "role/any", true),
        ("00b", "role/path/any", false),
        ("00a", "role/a-secret", false),
    ];
    for (app, role, expected) in table {
        let role = format!("arn:aws:iam::{ACCOUNT}:{role}");
        let input = json!({ "applicationId": app, "executionRoleArn": role });
        assert_eq!(allows(&tied, Operation::StartJobRun, input), expected, "{app} {role}");
    }
}

#[test]
fn conditions_on_tags_hold_only_where_the_tags_are() {
    let team = policy(json!([
        { "actions": ["*"], "applications": ["*"], "tags": { "team": "gen*" } },
        { "effect": "deny", "actions": ["*"], "applications": ["*"], "tags": { "locked": "*" } },
    ]));
    assert!(team.looks_at_tags() && !Policy::everything().looks_at_tags());
    let table: [(&[(&str, &str)], Verdict); 4] = [
        (&[], Verdict::NotAllowed),
        (&[("team", "other")], Verdict::NotAllowed),
        (&[("team", "genomics")], Verdict::Allowed),
        (&[("team", "genomics"), ("locked", "")], Verdict::Denied),
    ];
    for (tags, expected) in table {
        let input = json!({ "applicationId": "00a" });
        assert_eq!(verdicts(&team, Operation::GetApplication, input, tags), [expected], "{tags:?}");
    }
}

#[test]
fn what_could_never_take_effect_is_refused() {
    let table = [
        (json!({ "actions": ["emr-serverless:StartJobRuns"], "applications": ["*"] }), "is no action"),
        (json!({ "actions": ["StartJobRun"], "applications": ["*"] }), "is no action"),
        (json!({ "actions": ["s3:*"], "applications": ["*"] }), "is no action"),
        (json!({ "actions": ["*"] }), "actions without applications"),
        (json!({ "applications": ["*"] }), "needs actions or pass_roles"),
        (json!({ "actions": ["*"], "applications": ["My-App"] }), "is no application"),
        (json!({ "actions": ["*"], "applications": [""] }), "is no application"),
        (json!({ "pass_roles": ["etl"] }), "is no role"),
        (json!({ "pass_roles": ["*"], "effect": "Deny" }), "unknown variant"),
        (json!({ "pass_roles": ["*"], "resources": ["*"] }), "unknown field"),
    ];
    for (statement, expected) in table {
        let error = serde_json::from_value::<Policy>(json!([statement.clone()])).unwrap_err().to_string();
        assert!(error.contains(expected), "{statement}: {error}");
    }
}

#[test]
fn a_denial_says_what_aws_says() {
    let mut denial = Denial {
        caller: "arn:aws:iam::000000000000:user/bob".to_owned(),
        action: "iam:PassRole".to_owned(),
        resource: ROLE.to_owned(),
        explicit: false,
    };
    let head =
        format!("User: {} is not authorized to perform: iam:PassRole on resource: {ROLE} ", denial.caller);
    let why = "because no identity-based policy allows the iam:PassRole action";
    assert_eq!(denial.to_string(), format!("{head}{why}"));
    denial.explicit = true;
    assert_eq!(denial.to_string(), format!("{head}with an explicit deny in an identity-based policy"));
}

/// The plain meaning of a pattern, slow and obvious.
fn plainly_fits(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, _) => text.is_empty(),
        (Some(('*', rest)), _) => (0..=text.len()).any(|at| plainly_fits(rest, &text[at..])),
        (Some(_), None) => false,
        (Some((p, rest)), Some((t, further))) => (*p == '?' || p == t) && plainly_fits(rest, further),
    }
}

fn action() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "*",
        "emr-serverless:*",
        "emr-serverless:StartJobRun",
        "emr-serverless:Get*",
        "emr-serverless:?etJobRun",
    ])
}

fn statement() -> impl Strategy<Value = Value> {
    let effect = prop::sample::select(vec!["allow", "deny"]);
    let target = prop::sample::select(vec!["*", "00a", "00b", "00?", APP]);
    let role = prop::sample::select(vec![ROLE, "*", "arn:aws:iam::*:role/x"]);
    (effect, action(), target, role).prop_map(|(effect, action, target, role)| {
        json!({ "effect": effect, "actions": [action], "applications": [target], "pass_roles": [role] })
    })
}

proptest! {
    #[test]
    fn patterns_mean_what_they_plainly_mean(pattern in "[ab*?]{0,7}", text in "[abc*?]{0,7}") {
        let chars = |text: &str| text.chars().collect::<Vec<char>>();
        prop_assert_eq!(fits(&pattern, &text), plainly_fits(&chars(&pattern), &chars(&text)));
    }

    #[test]
    fn a_pattern_without_wildcards_fits_itself_alone(pattern in "[a-z0-9:/-]{0,30}", text in "[a-z0-9:/*?-]{0,30}") {
        prop_assert!(fits(&pattern, &pattern));
        prop_assert_eq!(fits(&pattern, &text), pattern == text);
    }

    #[test]
    fn hostile_patterns_end_soon(stars in 1usize..200, length in 0usize..2000) {
        let pattern = format!("{}b", "*a".repeat(stars));
        prop_assert!(!fits(&pattern, &"a".repeat(length)));
    }

    #[test]
    fn a_denial_wins_wherever_it_stands_and_nothing_is_allowed_that_nobody_allows(
        statements in prop::collection::vec(statement(), 0..6),
        operation in prop::sample::select(Operation::ALL.to_vec()),
        id in "00[ab]",
    ) {
        let input = json!({ "applicationId": id, "jobRunId": "00r", "executionRoleArn": ROLE, "resourceArn": APP });
        let alone = |statement: &Value| verdicts(&policy(json!([statement])), operation, input.clone(), &[]);
        let mut expected = vec![Verdict::NotAllowed; asked(operation, input.clone()).len()];
        for verdict in statements.iter().map(alone) {
            for (known, new) in expected.iter_mut().zip(verdict) {
                if new == Verdict::Denied || *known == Verdict::NotAllowed {
                    *known = new;
                }
            }
        }
        let mut turned = statements.clone();
        turned.reverse();
        for order in [statements, turned] {
            prop_assert_eq!(verdicts(&policy(json!(order)), operation, input.clone(), &[]), expected.clone());
        }
    }
}
