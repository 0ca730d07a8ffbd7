//! Properties over what the model allows and over what it does not: nothing that is allowed is refused, nothing at all is a panic.

use crate::published::{Published, text};
use crate::values::{fitting, key, sample};
use firesteel_wire::paging::{self, Page};
use firesteel_wire::{ApiError, ErrorKind, Input, Operation, client, route, validate};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

fn model() -> &'static Published {
    static MODEL: OnceLock<Published> = OnceLock::new();
    MODEL.get_or_init(Published::vendored)
}

/// The operations with the names of their inputs.
fn inputs() -> Vec<(Operation, String)> {
    let named = |(name, raw)| Some((Operation::named(name)?, model().input(raw)));
    model().operations().filter_map(named).collect()
}

/// Numbers that decide what a valid value looks like.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = usize::try_from(high.saturating_sub(low)).unwrap_or(usize::MAX).saturating_add(1);
        low.saturating_add(i64::try_from(self.below(span)).unwrap_or(0))
    }
}

/// Any value that a shape allows.
fn valid(shape: &str, choices: &mut Choices, depth: usize) -> Value {
    let bound = |which: &str| model().bound(shape, which);
    let part = |which: &str| text(&model().shape(shape)[which]["shape"]).to_owned();
    match model().kind(shape) {
        "string" => json!(valid_text(shape, choices)),
        "integer" => json!(
            choices.between(bound("min").unwrap_or(i32::MIN.into()), bound("max").unwrap_or(i32::MAX.into()))
        ),
        "long" => json!(choices.between(bound("min").unwrap_or(-9), bound("max").unwrap_or(i64::MAX))),
        "boolean" => json!(choices.below(2) == 1),
        "timestamp" => json!(choices.between(0, 4_000_000_000) as f64 + 0.5),
        "double" | "float" => json!(0.25),
        "list" | "map" => {
            let least = usize::try_from(bound("min").unwrap_or(0)).unwrap_or(0);
            let most = usize::try_from(bound("max").unwrap_or(9)).unwrap_or(9);
            let count = if depth == 0 { least } else { (least + choices.below(5)).min(most) };
            if model().kind(shape) == "list" {
                return (0..count)
                    .map(|_| valid(&part("member"), choices, depth.saturating_sub(1)))
                    .collect();
            }
            let pair = |n| (key(n), valid(&part("value"), choices, depth.saturating_sub(1)));
            Value::Object((0..count).map(pair).collect())
        }
        _ => valid_structure(shape, choices, depth),
    }
}

fn valid_structure(shape: &str, choices: &mut Choices, depth: usize) -> Value {
    let members = model().members(shape);
    let chosen = model().is_union(shape).then(|| choices.below(members.len()));
    let mut object = Map::new();
    for (index, member) in members.iter().enumerate() {
        let wanted = match chosen {
            Some(chosen) => chosen == index,
            None => member.required || (depth > 0 && choices.below(3) > 0),
        };
        if wanted {
            object.insert(member.name.to_owned(), valid(member.shape, choices, depth.saturating_sub(1)));
        }
    }
    Value::Object(object)
}

fn valid_text(shape: &str, choices: &mut Choices) -> String {
    let index = choices.below(1000);
    if !model().choices(shape).is_empty() {
        return fitting(model(), shape, index).expect("a choice");
    }
    let bound = |which: &str, other| {
        model().bound(shape, which).and_then(|n| usize::try_from(n).ok()).unwrap_or(other)
    };
    let (least, most) = (bound("min", 1).max(1), bound("max", 60));
    let sample = sample(model(), shape).expect("a sample");
    let length = least + choices.below(most.min(300).saturating_sub(least) + 1);
    sample.of_length(length).unwrap_or_else(|| sample.at_least(least))
}

/// Any JSON, with the model's own names in it as often as not.
fn any_json() -> impl Strategy<Value = Value> {
    let names: Vec<String> =
        inputs().iter().flat_map(|(_, input)| model().members(input)).map(|m| m.name.to_owned()).collect();
    let name = prop_oneof![proptest::sample::select(names), "\\PC{0,6}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        "[a-z0-9]{1,70}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn has_token(shape: &str) -> bool {
    model().members(shape).iter().any(|member| member.name == "clientToken")
}

fn in_form(error: &ApiError) -> bool {
    matches!(error.kind, ErrorKind::Validation | ErrorKind::Serialization)
        && error.message.chars().count() <= 1024
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Validation has an answer for every JSON, and the answer has AWS's form.
    #[test]
    fn any_json_is_accepted_or_refused(which in 0usize..22, value in any_json()) {
        let (operation, _) = inputs()[which];
        let Value::Object(input) = value else { return Ok(()) };
        if let Err(error) = validate(operation, &input) {
            prop_assert!(in_form(&error), "{error}");
        }
    }

    /// A value put into a valid input at one of its members.
    #[test]
    fn any_json_in_a_member_is_accepted_or_refused(
        which in 0usize..22, seed: u64, at in 0usize..20, value in any_json(),
    ) {
        let (operation, shape) = &inputs()[which];
        let members = model().members(shape);
        prop_assume!(!members.is_empty());
        let mut input = valid(shape, &mut Choices(seed), 3);
        let member = members[at % members.len()].name;
        input[member] = value;
        let input = input.as_object().expect("a structure");
        if let Err(error) = validate(*operation, input) {
            prop_assert!(in_form(&error), "{error}");
            prop_assert!(error.message.contains(member), "{member}: {error}");
        }
    }

    /// What the model allows is accepted, and arrives whole when our client sends it.
    #[test]
    fn whatever_the_model_allows_is_accepted_and_arrives(which in 0usize..22, seed: u64) {
        let (operation, shape) = &inputs()[which];
        let value = valid(shape, &mut Choices(seed), 4);
        let input: &Input = value.as_object().expect("a structure");
        prop_assert_eq!(validate(*operation, input), Ok(()), "{}", value);
        let sent = client::request(*operation, input).expect("a request");
        let arrived = route(&sent.method, &sent.path, &sent.query)
            .and_then(|routed| routed.with_body(sent.body.unwrap_or_default().as_bytes()))
            .expect("arrives");
        let mut expected = input.clone();
        // An empty list in the query is no list at all.
        expected.retain(|name, value| sent.query.contains(name.as_str()) || *value != json!([]) || arrived.input.contains_key(name));
        prop_assert_eq!((arrived.operation, Value::Object(arrived.input)), (*operation, Value::Object(expected)));
    }

    #[test]
    fn client_tokens_are_1_to_64_letters_digits_dots_and_dashes(
        which in 0usize..4, seed: u64, token in "[A-Za-z0-9._-]{1,64}|\\PC{0,3}|[A-Za-z0-9._-]{65,70}",
    ) {
        let with_token: Vec<_> = inputs().into_iter().filter(|(_, shape)| has_token(shape)).collect();
        prop_assert_eq!(with_token.len(), 4);
        let (operation, shape) = &with_token[which];
        let mut input = valid(shape, &mut Choices(seed), 2);
        input["clientToken"] = json!(token);
        let right = (1..=64).contains(&token.len())
            && token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        let verdict = validate(*operation, input.as_object().expect("a structure"));
        prop_assert_eq!(verdict.is_ok(), right, "{:?} {:?}", token, verdict);
        if let Err(error) = verdict {
            prop_assert!(error.message.contains(" at 'clientToken' failed to satisfy constraint: "), "{error}");
        }
    }

    /// Tokens serve the request they were made for; to every other, and from every other hand, they are a ValidationException.
    #[test]
    fn paging_tokens_serve_their_own_request_only(
        one in 0usize..4, other in 0usize..4, seed: u64, cursor in "\\PC{0,200}", hostile in "[A-Za-z0-9_=-]{1,1024}",
    ) {
        const LISTINGS: [Operation; 4] =
            [Operation::ListApplications, Operation::ListJobRuns, Operation::ListJobRunAttempts, Operation::ListSessions];
        let filters = |operation: Operation, seed: u64| {
            let shape = inputs().into_iter().find(|(o, _)| *o == operation).expect("an input").1;
            let Value::Object(mut input) = valid(&shape, &mut Choices(seed), 2) else { panic!("a structure") };
            input.remove("nextToken");
            input
        };
        let asked = |operation: Operation, mut input: Input, token: &str| {
            input.insert("nextToken".into(), json!(token));
            assert_eq!(validate(operation, &input), Ok(()));
            Page::of(operation, &input).map(|page| page.cursor)
        };
        let (one, other) = (LISTINGS[one], LISTINGS[other]);
        let mine = filters(one, seed);
        let token = paging::next_token(one, &mine, &cursor).expect("a token");
        prop_assert_eq!(asked(one, mine.clone(), &token), Ok(Some(cursor.clone())));
        let theirs = filters(other, seed.wrapping_add(1));
        let same = |a: &Input, b: &Input| {
            let rest = |i: &Input| { let mut i = i.clone(); i.remove("maxResults"); i };
            rest(a) == rest(b)
        };
        let refused = |verdict: Result<Option<String>, ApiError>| verdict.map_err(|e| e.kind) == Err(ErrorKind::Validation);
        prop_assert!((one == other && same(&mine, &theirs)) || refused(asked(other, theirs, &token)));
        prop_assert!(refused(asked(one, mine, &hostile)));
    }
}
