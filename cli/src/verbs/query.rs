//! `--query`: JMESPath over an answer, whose objects keep their order as in the AWS CLI. The parser is the `jmespath`
//! crate's; its own evaluation sorts every object's members. No I/O.

use super::functions;
use super::shown::Shown;
use jmespath::ast::{Ast, Comparator};
use jmespath::{Rcvar, Variable};
use serde_json::Value;

/// A query that was understood.
#[derive(Clone, Debug)]
pub struct Query(Ast);

impl Query {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, String> {
        jmespath::parse(&with_quoted_literals(text)).map(Self).map_err(|error| {
            let reason = error.reason.to_string();
            format!("Bad value for --query {text}: {} at position {}", reason.trim_end(), error.offset)
        })
    }

    /// What it finds in an answer.
    pub fn search(&self, answer: &Shown) -> Result<Shown, String> {
        evaluate(&self.0, answer)
    }
}

/// Literals that are no JSON are texts, an old form that the AWS CLI still takes: `` [?state==`FAILED`] ``.
fn with_quoted_literals(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['`', '\'', '"']) {
        let quote = &rest[start..=start];
        let body = &rest[start + 1..];
        let Some(end) = end_of_quoted(body, quote) else { break };
        out += &rest[..=start];
        let inner = &body[..end];
        let old = quote == "`" && serde_json::from_str::<Value>(&inner.replace("\\`", "`")).is_err();
        out += &if old { format!("\"{}\"", inner.trim_start()) } else { inner.to_owned() };
        out += quote;
        rest = &body[end + 1..];
    }
    out + rest
}

/// Where the quote ends that has just begun; a backslash takes the next character along.
fn end_of_quoted(body: &str, quote: &str) -> Option<usize> {
    let mut escaped = false;
    body.char_indices().find_map(|(at, letter)| {
        let ends = !escaped && quote.starts_with(letter);
        escaped = !escaped && letter == '\\';
        ends.then_some(at)
    })
}

/// The value of an expression in this place.
pub(super) fn evaluate(expression: &Ast, at: &Shown) -> Result<Shown, String> {
    Ok(match expression {
        Ast::Identity { .. } => at.clone(),
        Ast::Field { name, .. } => at.member(name).cloned().unwrap_or(Shown::Null),
        Ast::Index { idx, .. } => index(at, *idx),
        Ast::Slice { start, stop, step, .. } => slice(at, *start, *stop, *step)?,
        Ast::Literal { value, .. } => literal(value),
        Ast::Subexpr { lhs, rhs, .. } => evaluate(rhs, &evaluate(lhs, at)?)?,
        Ast::Or { .. }
        | Ast::And { .. }
        | Ast::Not { .. }
        | Ast::Condition { .. }
        | Ast::Comparison { .. } => logic(expression, at)?,
        Ast::ObjectValues { node, .. } => match evaluate(node, at)? {
            Shown::Object(members) => Shown::List(members.into_iter().map(|(_, value)| value).collect()),
            _ => Shown::Null,
        },
        Ast::Projection { lhs, rhs, .. } => project(&evaluate(lhs, at)?, rhs)?,
        Ast::Flatten { node, .. } => flatten(evaluate(node, at)?),
        Ast::MultiList { .. } | Ast::MultiHash { .. } if matches!(at, Shown::Null) => Shown::Null,
        Ast::MultiList { elements, .. } => {
            Shown::List(elements.iter().map(|element| evaluate(element, at)).collect::<Result<_, _>>()?)
        }
        Ast::MultiHash { elements, .. } => {
            let pairs = elements.iter().map(|pair| Ok((pair.key.clone(), evaluate(&pair.value, at)?)));
            Shown::Object(pairs.collect::<Result<_, String>>()?)
        }
        Ast::Function { name, args, .. } => functions::call(name, args, at)?,
        Ast::Expref { .. } => return Err("an expression (&…) stands where a value is needed".to_owned()),
    })
}

fn logic(expression: &Ast, at: &Shown) -> Result<Shown, String> {
    Ok(match expression {
        Ast::Or { lhs, rhs, .. } => match evaluate(lhs, at)? {
            found if is_true(&found) => found,
            _ => evaluate(rhs, at)?,
        },
        Ast::And { lhs, rhs, .. } => match evaluate(lhs, at)? {
            found if is_true(&found) => evaluate(rhs, at)?,
            found => found,
        },
        Ast::Not { node, .. } => Shown::Bool(!is_true(&evaluate(node, at)?)),
        Ast::Condition { predicate, then, .. } if is_true(&evaluate(predicate, at)?) => evaluate(then, at)?,
        Ast::Comparison { comparator, lhs, rhs, .. } => {
            compare(comparator, &evaluate(lhs, at)?, &evaluate(rhs, at)?)
        }
        _ => Shown::Null,
    })
}

/// JMESPath's truth: numbers are true, zero too.
fn is_true(value: &Shown) -> bool {
    matches!(value, Shown::Number(_)) || !value.is_nothing()
}

fn compare(comparator: &Comparator, one: &Shown, two: &Shown) -> Shown {
    let order = match (one, two) {
        (Shown::Number(one), Shown::Number(two)) => one.as_f64().partial_cmp(&two.as_f64()),
        (Shown::Text(one), Shown::Text(two)) => Some(one.cmp(two)),
        _ => None,
    };
    let ordered =
        |holds: fn(std::cmp::Ordering) -> bool| order.map_or(Shown::Null, |o| Shown::Bool(holds(o)));
    match comparator {
        Comparator::Equal => Shown::Bool(one == two),
        Comparator::NotEqual => Shown::Bool(one != two),
        Comparator::LessThan => ordered(std::cmp::Ordering::is_lt),
        Comparator::LessThanEqual => ordered(std::cmp::Ordering::is_le),
        Comparator::GreaterThan => ordered(std::cmp::Ordering::is_gt),
        Comparator::GreaterThanEqual => ordered(std::cmp::Ordering::is_ge),
    }
}

fn index(at: &Shown, index: i32) -> Shown {
    let Shown::List(values) = at else { return Shown::Null };
    let from_end = usize::try_from(index.unsigned_abs()).ok().and_then(|back| values.len().checked_sub(back));
    let place = if index < 0 { from_end } else { usize::try_from(index).ok() };
    place.and_then(|place| values.get(place)).cloned().unwrap_or(Shown::Null)
}

/// Python's slice.
fn slice(at: &Shown, start: Option<i32>, stop: Option<i32>, step: i32) -> Result<Shown, String> {
    let Shown::List(values) = at else { return Ok(Shown::Null) };
    if step == 0 {
        return Err("a slice cannot have a step of 0".to_owned());
    }
    let (length, step) = (i64::try_from(values.len()).unwrap_or(i64::MAX), i64::from(step));
    let (least, most) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let place = |bound: Option<i32>, default: i64| match bound.map(i64::from) {
        None => default,
        Some(bound) if bound < 0 => (bound + length).clamp(least, most),
        Some(bound) => bound.clamp(least, most),
    };
    let (mut at, stop) = if step > 0 {
        (place(start, 0), place(stop, length))
    } else {
        (place(start, length - 1), place(stop, -1))
    };
    let mut chosen = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        chosen.extend(usize::try_from(at).ok().and_then(|at| values.get(at)).cloned());
        at += step;
    }
    Ok(Shown::List(chosen))
}

fn project(list: &Shown, rest: &Ast) -> Result<Shown, String> {
    let Shown::List(values) = list else { return Ok(Shown::Null) };
    let mut found = Vec::new();
    for value in values {
        match evaluate(rest, value)? {
            Shown::Null => {}
            value => found.push(value),
        }
    }
    Ok(Shown::List(found))
}

fn flatten(list: Shown) -> Shown {
    let Shown::List(values) = list else { return Shown::Null };
    let parts = values.into_iter().flat_map(|value| match value {
        Shown::List(inner) => inner,
        value => vec![value],
    });
    Shown::List(parts.collect())
}

fn literal(value: &Rcvar) -> Shown {
    match value.as_ref() {
        Variable::Null | Variable::Expref(_) => Shown::Null,
        Variable::Bool(value) => Shown::Bool(*value),
        Variable::Number(number) => Shown::Number(number.clone()),
        Variable::String(text) => Shown::Text(text.clone()),
        Variable::Array(values) => Shown::List(values.iter().map(literal).collect()),
        Variable::Object(members) => {
            Shown::Object(members.iter().map(|(name, value)| (name.clone(), literal(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What each expression finds, as the Python library that the AWS CLI uses finds it; the stories compare the two.
    const TABLE: &[(&str, &str)] = &[
        ("runs[].id", r#"["a","b","c"]"#),
        ("runs[0]", r#"{"state":"SUCCESS","id":"a","size":3}"#),
        ("runs[-1].id", r#""c""#),
        ("runs[7]", "null"),
        ("runs[-4]", "null"),
        ("runs[?state=='FAILED'].id | [0]", r#""b""#),
        ("runs[?size > `2`].id", r#"["a"]"#),
        ("runs[?state >= 'RUNNING'].id", r#"["a","c"]"#),
        ("runs[?size].id", r#"["a","b"]"#),
        ("runs[?!size].id", r#"["c"]"#),
        ("runs[].{z: id, a: state} | [0]", r#"{"z":"a","a":"SUCCESS"}"#),
        ("runs[].[id, size]", r#"[["a",3],["b",0],["c",null]]"#),
        ("runs[].[id, size][]", r#"["a",3,"b",0,"c"]"#),
        ("runs[1:].id", r#"["b","c"]"#),
        ("runs[::-1].id", r#"["c","b","a"]"#),
        ("runs[-2:-1].id", r#"["b"]"#),
        ("tags.*", r#"["genomics","x"]"#),
        ("tags", r#"{"team":"genomics","env":"x"}"#),
        ("none || `\"other\"`", r#""other""#),
        ("tags && runs[0].id", r#""a""#),
        ("none.deeper[].x", "null"),
        ("`[1,2]` == `[1.0,2]`", "true"),
        ("runs < `3`", "null"),
        ("runs[?state==`FAILED`].id", r#"["b"]"#),
        ("runs[?state==` FAILED`].id", r#"["b"]"#),
        (r#"runs[?id=='`' || id=="`" || size==`3`].id"#, r#"["a"]"#),
        ("@.tags.team", r#""genomics""#),
    ];

    fn answer() -> Shown {
        let run = |state: &str, id: &str, size: Option<i32>| {
            let mut members = vec![
                ("state".to_owned(), Shown::Text(state.to_owned())),
                ("id".to_owned(), Shown::Text(id.to_owned())),
            ];
            members.extend(size.map(|size| ("size".to_owned(), Shown::Number(size.into()))));
            Shown::Object(members)
        };
        let tags =
            [("team", "genomics"), ("env", "x")].map(|(k, v)| (k.to_owned(), Shown::Text(v.to_owned())));
        let runs = vec![run("SUCCESS", "a", Some(3)), run("FAILED", "b", Some(0)), run("RUNNING", "c", None)];
        Shown::Object(vec![
            ("runs".to_owned(), Shown::List(runs)),
            ("tags".to_owned(), Shown::Object(tags.into())),
        ])
    }

    #[test]
    fn expressions_find_what_they_name_in_its_order() {
        for (text, expected) in TABLE {
            let found = Query::parse(text).unwrap().search(&answer()).unwrap();
            assert_eq!(serde_json::to_string(&found).unwrap(), *expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_names_the_expression_and_the_place() {
        let said = Query::parse("runs[").unwrap_err();
        assert!(said.starts_with("Bad value for --query runs[: ") && said.contains("position"), "{said}");
        assert!(Query::parse("").is_err());
    }

    #[test]
    fn what_cannot_be_done_is_an_error() {
        for text in ["[::0]", "nosuch(@)", "length(`3`)", "&a"] {
            assert!(Query::parse(text).and_then(|query| query.search(&json!([1]).into())).is_err(), "{text}");
        }
    }
}
