//! `--output text` as the AWS CLI prints it: a line of scalars between tabs for each object, lists and objects below
//! under their names. No I/O.

use super::shown::Shown;
use std::collections::BTreeSet;

/// The lines, each with its end.
pub fn text(answer: &Shown) -> String {
    let mut out = String::new();
    write(&mut out, answer, None, None);
    out
}

fn write(out: &mut String, value: &Shown, name: Option<&str>, columns: Option<&[&str]>) {
    match value {
        Shown::Object(members) => object(out, members, name, columns),
        Shown::List(values) => list(out, values, name),
        scalar => line(out, &[scalar.word()]),
    }
}

fn line(out: &mut String, words: &[String]) {
    out.push_str(&words.join("\t"));
    out.push('\n');
}

fn list(out: &mut String, values: &[Shown], name: Option<&str>) {
    if values.iter().any(|value| matches!(value, Shown::Object(_))) {
        let columns = scalar_names(values);
        values.iter().for_each(|value| write(out, value, name, Some(&columns)));
        return;
    }
    let (scalars, lists): (Vec<&Shown>, Vec<&Shown>) = values.iter().partition(|value| value.is_scalar());
    match name {
        Some(name) => scalars.iter().for_each(|value| line(out, &[name.to_uppercase(), value.word()])),
        None if !scalars.is_empty() => {
            line(out, &scalars.iter().map(|value| value.word()).collect::<Vec<_>>());
        }
        None => {}
    }
    lists.into_iter().for_each(|value| write(out, value, name, None));
}

/// The names under which any of these objects has a scalar, sorted.
fn scalar_names(values: &[Shown]) -> Vec<&str> {
    let objects = values.iter().filter_map(|value| match value {
        Shown::Object(members) => Some(members),
        _ => None,
    });
    let scalars = objects.flatten().filter(|(_, value)| value.is_scalar());
    scalars.map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn object(out: &mut String, members: &[(String, Shown)], name: Option<&str>, columns: Option<&[&str]>) {
    let mut sorted: Vec<&(String, Shown)> = members.iter().collect();
    sorted.sort_by(|one, two| one.0.cmp(&two.0));
    let find = |column: &str| members.iter().find(|(known, _)| known == column).map(|(_, value)| value);
    let mut words: Vec<String> = match columns {
        Some(columns) => columns.iter().map(|c| find(c).map_or(String::new(), Shown::word)).collect(),
        None => sorted.iter().filter(|(_, value)| value.is_scalar()).map(|(_, value)| value.word()).collect(),
    };
    if !words.is_empty() {
        words.splice(0..0, name.map(str::to_uppercase));
        line(out, &words);
    }
    let below = |name: &str, value: &Shown| match columns {
        Some(columns) => !columns.contains(&name),
        None => !value.is_scalar(),
    };
    for (name, value) in sorted.into_iter().filter(|(name, value)| below(name, value)) {
        write(out, value, Some(name), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Each as awscli 1.46.3 prints it; the stories compare more.
    #[test]
    fn as_the_aws_cli_prints_it() {
        let table: Vec<(Value, &str)> = vec![
            (json!("a"), "a\n"),
            (json!(null), "None\n"),
            (json!([]), ""),
            (json!(["a", 1, true, null]), "a\t1\tTrue\tNone\n"),
            (json!([["a", 1], ["b", 2]]), "a\t1\nb\t2\n"),
            (json!(["x", ["a"]]), "x\na\n"),
            (json!({"b": 1, "a": "x"}), "x\t1\n"),
            (json!({"application": {"name": "n", "id": "i"}}), "APPLICATION\ti\tn\n"),
            (json!({"tags": {"k": "v"}, "l": ["p", "q"]}), "L\tp\nL\tq\nTAGS\tv\n"),
            (json!({"runs": [{"id": "a", "n": 1}, {"id": "b"}]}), "RUNS\ta\t1\nRUNS\tb\t\n"),
            (json!([{"id": "a", "more": {"x": 1}}]), "a\nMORE\t1\n"),
            (json!([{"more": {"x": 1}}]), "MORE\t1\n"),
        ];
        for (value, expected) in table {
            assert_eq!(text(&value.clone().into()), expected, "{value}");
        }
    }
}
