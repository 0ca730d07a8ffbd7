//! The functions of JMESPath, with the meaning that the AWS CLI's Python library gives them. No I/O.

use super::query::evaluate;
use super::shown::Shown;
use jmespath::ast::Ast;
use serde_json::Number;
use std::cmp::Ordering;

/// Calls a function with arguments that are evaluated in this place.
pub fn call(name: &str, arguments: &[Ast], at: &Shown) -> Result<Shown, String> {
    let call = Call { name, arguments, at };
    match name {
        "map" | "sort_by" | "min_by" | "max_by" => call.with_expression(),
        "abs" | "avg" | "ceil" | "floor" | "sum" | "to_number" => call.of_numbers(),
        "contains" | "starts_with" | "ends_with" | "join" | "to_string" => call.of_texts(),
        "keys" | "values" | "merge" => call.of_objects(),
        "length" | "max" | "min" | "reverse" | "sort" | "to_array" => call.of_lists(),
        "not_null" | "type" => call.of_anything(),
        _ => Err(format!("Unknown function: {name}()")),
    }
}

struct Call<'a> {
    name: &'a str,
    arguments: &'a [Ast],
    at: &'a Shown,
}

impl Call<'_> {
    fn takes<const N: usize>(&self) -> Result<&[Ast; N], String> {
        self.arguments
            .try_into()
            .map_err(|_| format!("{}() takes {N} argument(s), not {}", self.name, self.arguments.len()))
    }

    fn value(&self, argument: &Ast) -> Result<Shown, String> {
        evaluate(argument, self.at)
    }

    fn one(&self) -> Result<Shown, String> {
        let [argument] = self.takes()?;
        self.value(argument)
    }

    fn two(&self) -> Result<(Shown, Shown), String> {
        let [one, two] = self.takes()?;
        Ok((self.value(one)?, self.value(two)?))
    }

    fn all(&self) -> Result<Vec<Shown>, String> {
        if self.arguments.is_empty() {
            return Err(format!("{}() takes at least 1 argument", self.name));
        }
        self.arguments.iter().map(|argument| self.value(argument)).collect()
    }

    fn wrong<T>(&self, value: &Shown) -> Result<T, String> {
        Err(format!("{}() does not take a value of type {}: {}", self.name, type_of(value), value.word()))
    }

    fn list(&self, value: Shown) -> Result<Vec<Shown>, String> {
        match value {
            Shown::List(values) => Ok(values),
            other => self.wrong(&other),
        }
    }

    fn number(&self, value: &Shown) -> Result<Number, String> {
        match value {
            Shown::Number(number) => Ok(number.clone()),
            other => self.wrong(other),
        }
    }

    fn text(&self, value: Shown) -> Result<String, String> {
        match value {
            Shown::Text(text) => Ok(text),
            other => self.wrong(&other),
        }
    }

    fn of_numbers(&self) -> Result<Shown, String> {
        let value = self.one()?;
        match self.name {
            "to_number" => Ok(to_number(value)),
            "sum" | "avg" => {
                let numbers =
                    self.list(value)?.iter().map(|v| self.number(v)).collect::<Result<Vec<_>, _>>()?;
                Ok(if self.name == "sum" { sum(&numbers) } else { average(&numbers) })
            }
            name => {
                let number = self.number(&value)?;
                let float = number.as_f64().unwrap_or_default();
                Ok(match (name, number.as_i64()) {
                    ("abs", Some(whole)) => Shown::Number(whole.unsigned_abs().into()),
                    ("abs", None) => real(float.abs()),
                    (_, Some(_)) => value,
                    ("ceil", None) => Shown::Number((float.ceil() as i64).into()),
                    _ => Shown::Number((float.floor() as i64).into()),
                })
            }
        }
    }

    fn of_texts(&self) -> Result<Shown, String> {
        if self.name == "to_string" {
            return Ok(match self.one()? {
                Shown::Text(text) => Shown::Text(text),
                value => Shown::Text(serde_json::to_string(&value).unwrap_or_default()),
            });
        }
        let (one, two) = self.two()?;
        Ok(match (self.name, one) {
            ("contains", Shown::List(values)) => Shown::Bool(values.contains(&two)),
            ("contains", one) => Shown::Bool(self.text(one)?.contains(&self.text(two)?)),
            ("starts_with", one) => Shown::Bool(self.text(one)?.starts_with(&self.text(two)?)),
            ("ends_with", one) => Shown::Bool(self.text(one)?.ends_with(&self.text(two)?)),
            (_, glue) => {
                let texts = self.list(two)?.into_iter().map(|value| self.text(value));
                Shown::Text(texts.collect::<Result<Vec<_>, _>>()?.join(&self.text(glue)?))
            }
        })
    }

    fn of_objects(&self) -> Result<Shown, String> {
        let object = |value: Shown| match value {
            Shown::Object(members) => Ok(members),
            other => self.wrong(&other),
        };
        match self.name {
            "keys" => {
                Ok(Shown::List(object(self.one()?)?.into_iter().map(|(name, _)| Shown::Text(name)).collect()))
            }
            "values" => Ok(Shown::List(object(self.one()?)?.into_iter().map(|(_, value)| value).collect())),
            _ => {
                let mut merged: Vec<(String, Shown)> = Vec::new();
                for (name, value) in
                    self.all()?.into_iter().map(object).collect::<Result<Vec<_>, _>>()?.concat()
                {
                    match merged.iter_mut().find(|(known, _)| *known == name) {
                        Some(known) => known.1 = value,
                        None => merged.push((name, value)),
                    }
                }
                Ok(Shown::Object(merged))
            }
        }
    }

    fn of_lists(&self) -> Result<Shown, String> {
        let value = self.one()?;
        let length = |length: usize| Ok(Shown::Number(length.into()));
        match (self.name, value) {
            ("to_array", Shown::List(values)) => Ok(Shown::List(values)),
            ("to_array", value) => Ok(Shown::List(vec![value])),
            ("length", Shown::Text(text)) => length(text.chars().count()),
            ("length", Shown::Object(members)) => length(members.len()),
            ("length", value) => length(self.list(value)?.len()),
            ("reverse", Shown::Text(text)) => Ok(Shown::Text(text.chars().rev().collect())),
            ("reverse", value) => Ok(Shown::List(self.list(value)?.into_iter().rev().collect())),
            (name, value) => {
                let mut values = self.comparable(self.list(value)?)?;
                values.sort_by(order);
                Ok(match name {
                    "sort" => Shown::List(values),
                    "max" => values.pop().unwrap_or(Shown::Null),
                    _ => values.into_iter().next().unwrap_or(Shown::Null),
                })
            }
        }
    }

    fn of_anything(&self) -> Result<Shown, String> {
        if self.name == "type" {
            return Ok(Shown::Text(type_of(&self.one()?).to_owned()));
        }
        Ok(self.all()?.into_iter().find(|value| !matches!(value, Shown::Null)).unwrap_or(Shown::Null))
    }

    /// `map(&expression, list)`, and `sort_by(list, &expression)` with its kin.
    fn with_expression(&self) -> Result<Shown, String> {
        let [one, two] = self.takes()?;
        let (list, expression) = if self.name == "map" { (two, one) } else { (one, two) };
        let Ast::Expref { ast, .. } = expression else {
            return Err(format!("{}() needs an expression: &…", self.name));
        };
        let values = self.list(self.value(list)?)?;
        let keys = values.iter().map(|value| evaluate(ast, value)).collect::<Result<Vec<_>, _>>()?;
        if self.name == "map" {
            return Ok(Shown::List(keys));
        }
        let mut pairs: Vec<(Shown, Shown)> = self.comparable(keys)?.into_iter().zip(values).collect();
        // Of equals the first counts, as in Python.
        let least =
            |pairs: Vec<(Shown, Shown)>| pairs.into_iter().next().map_or(Shown::Null, |(_, value)| value);
        Ok(match self.name {
            "max_by" => {
                pairs.sort_by(|one, two| order(&two.0, &one.0));
                least(pairs)
            }
            name => {
                pairs.sort_by(|one, two| order(&one.0, &two.0));
                if name == "min_by" {
                    least(pairs)
                } else {
                    Shown::List(pairs.into_iter().map(|(_, v)| v).collect())
                }
            }
        })
    }

    /// All are numbers, or all are texts.
    fn comparable(&self, values: Vec<Shown>) -> Result<Vec<Shown>, String> {
        let first = values.first().map(type_of);
        let odd = values.iter().find(|value| {
            !matches!(value, Shown::Number(_) | Shown::Text(_)) || Some(type_of(value)) != first
        });
        odd.map_or(Ok(()), |odd| self.wrong(odd))?;
        Ok(values)
    }
}

fn type_of(value: &Shown) -> &'static str {
    match value {
        Shown::Null => "null",
        Shown::Bool(_) => "boolean",
        Shown::Number(_) => "number",
        Shown::Text(_) => "string",
        Shown::List(_) => "array",
        Shown::Object(_) => "object",
    }
}

fn order(one: &Shown, two: &Shown) -> Ordering {
    match (one, two) {
        (Shown::Number(one), Shown::Number(two)) => {
            one.as_f64().partial_cmp(&two.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Shown::Text(one), Shown::Text(two)) => one.cmp(two),
        _ => Ordering::Equal,
    }
}

fn real(value: f64) -> Shown {
    Number::from_f64(value).map_or(Shown::Null, Shown::Number)
}

fn total(numbers: &[Number]) -> f64 {
    numbers.iter().filter_map(Number::as_f64).sum()
}

fn sum(numbers: &[Number]) -> Shown {
    let whole = numbers.iter().try_fold(0_i64, |sum, number| sum.checked_add(number.as_i64()?));
    whole.map_or_else(|| real(total(numbers)), |whole| Shown::Number(whole.into()))
}

fn average(numbers: &[Number]) -> Shown {
    if numbers.is_empty() { Shown::Null } else { real(total(numbers) / numbers.len() as f64) }
}

fn to_number(value: Shown) -> Shown {
    match value {
        Shown::Number(number) => Shown::Number(number),
        Shown::Text(text) => match text.trim().parse::<i64>() {
            Ok(whole) => Shown::Number(whole.into()),
            Err(_) => text.trim().parse::<f64>().map_or(Shown::Null, real),
        },
        _ => Shown::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::Query;
    use serde_json::{Value, json};

    fn found(text: &str, answer: &Value) -> Result<Value, String> {
        let found = Query::parse(text)?.search(&answer.clone().into())?;
        Ok(serde_json::to_value(found).unwrap())
    }

    #[test]
    fn every_function() {
        let answer = json!({"n": [3, 1, 2], "s": ["b", "a"], "o": {"x": 1, "y": 2}, "e": [],
            "runs": [{"id": "a", "at": 2}, {"id": "b", "at": 9}, {"id": "c", "at": 9}]});
        let table = [
            ("abs(`-3`)", json!(3)),
            ("abs(`-0.5`)", json!(0.5)),
            ("avg(n)", json!(2.0)),
            ("avg(e)", json!(null)),
            ("ceil(`1.2`)", json!(2)),
            ("floor(`-1.2`)", json!(-2)),
            ("floor(`7`)", json!(7)),
            ("sum(n)", json!(6)),
            ("sum(`[1, 0.5]`)", json!(1.5)),
            ("to_number('12')", json!(12)),
            ("to_number('1.5')", json!(1.5)),
            ("to_number('x')", json!(null)),
            ("to_number(o)", json!(null)),
            ("contains(s, 'a')", json!(true)),
            ("contains('abc', 'd')", json!(false)),
            ("starts_with('abc', 'ab')", json!(true)),
            ("ends_with('abc', 'ab')", json!(false)),
            ("join('-', s)", json!("b-a")),
            ("to_string(n)", json!("[3,1,2]")),
            ("to_string('x')", json!("x")),
            ("keys(o)", json!(["x", "y"])),
            ("values(o)", json!([1, 2])),
            ("merge(o, `{\"x\": 5, \"z\": 6}`)", json!({"x": 5, "y": 2, "z": 6})),
            ("length(runs)", json!(3)),
            ("length('äb')", json!(2)),
            ("length(o)", json!(2)),
            ("max(n)", json!(3)),
            ("min(s)", json!("a")),
            ("max(e)", json!(null)),
            ("reverse(n)", json!([2, 1, 3])),
            ("reverse('abc')", json!("cba")),
            ("sort(s)", json!(["a", "b"])),
            ("to_array('a')", json!(["a"])),
            ("to_array(n)", json!([3, 1, 2])),
            ("not_null(none, n[0])", json!(3)),
            ("not_null(none)", json!(null)),
            ("type(o)", json!("object")),
            ("map(&at, runs)", json!([2, 9, 9])),
            ("sort_by(runs, &at)[-1].id", json!("c")),
            ("reverse(sort_by(runs, &at))[0].id", json!("c")),
            ("max_by(runs, &at).id", json!("b")),
            ("min_by(runs, &at).id", json!("a")),
            ("max_by(e, &at)", json!(null)),
        ];
        for (text, expected) in table {
            assert_eq!(found(text, &answer), Ok(expected), "{text}");
        }
    }

    #[test]
    fn wrong_types_and_numbers_of_arguments_are_said() {
        let table = [
            ("length(`3`)", "length() does not take a value of type number"),
            ("sort(`[1, \"a\"]`)", "type string"),
            ("sort_by(@, &none)", "type null"),
            ("sort_by(@, 'x')", "needs an expression"),
            ("join('-')", "takes 2 argument(s), not 1"),
            ("not_null()", "at least 1"),
            ("nope(@)", "Unknown function: nope()"),
            ("contains('a', `1`)", "type number"),
        ];
        for (text, expected) in table {
            let said = found(text, &json!([{}])).unwrap_err();
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
