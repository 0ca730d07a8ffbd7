//! An answer as the AWS CLI prints it, with `--query` and `--output`. No I/O.

use super::query::Query;
use super::shown::Shown;
use super::{table, text};
use clap::ValueEnum;
use firesteel_wire::Operation;
use firesteel_wire::model::model;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

/// In which form an answer is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// JSON, indented by four
    #[default]
    Json,
    /// A drawn table
    Table,
    /// Lines with tabs, for scripts
    Text,
}

/// What is printed of an answer.
#[derive(Clone, Debug, Default)]
pub struct Printing {
    /// In which form.
    pub form: Form,
    /// Which part.
    pub query: Option<Query>,
    /// How wide a table may be before its objects stand upright.
    pub width: usize,
}

impl Printing {
    /// The text of an answer, with its end of line; empty if the operation answers nothing.
    pub fn answer(&self, operation: Operation, answer: Value) -> Result<String, String> {
        let shown = match model().operation(operation) {
            Some(described) => Shown::answer(described.output, answer),
            None => answer.into(),
        };
        self.shown(operation.name(), shown)
    }

    /// The text of a list's pages. As text each is printed for itself, and so is the token; else all are one answer.
    pub fn pages(
        &self,
        operation: Operation,
        list: &str,
        pages: Vec<Vec<Value>>,
        token: Option<String>,
    ) -> Result<String, String> {
        let page = |values: Vec<Value>| {
            Value::Object([(list.to_owned(), Value::Array(values))].into_iter().collect())
        };
        let shown = |values| match model().operation(operation) {
            Some(described) => Shown::answer(described.output, page(values)),
            None => page(values).into(),
        };
        let token = token.map(Shown::Text);
        if self.form == Form::Text {
            let mut out = String::new();
            for values in pages {
                out += &self.shown(operation.name(), shown(values))?;
            }
            if let Some(token) = token {
                let named = |value| Shown::Object(vec![("NextToken".to_owned(), value)]);
                out += &self.shown(operation.name(), named(named(token)))?;
            }
            return Ok(out);
        }
        let mut whole = shown(pages.concat());
        if let (Shown::Object(members), Some(token)) = (&mut whole, token) {
            members.push(("NextToken".to_owned(), token));
        }
        self.shown(operation.name(), whole)
    }

    fn shown(&self, title: &str, answer: Shown) -> Result<String, String> {
        let found = match &self.query {
            Some(query) => query.search(&answer)?,
            None => answer,
        };
        Ok(match self.form {
            Form::Json if matches!(&found, Shown::Object(members) if members.is_empty()) => String::new(),
            Form::Json => json(&found) + "\n",
            Form::Table => table::table(title, &found, self.width),
            Form::Text => text::text(&found),
        })
    }
}

/// JSON as Python's `json.dump` writes it with an indent of four.
pub fn json(value: &impl Serialize) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
    // Neither a key that is no text nor a failing writer can happen here.
    value.serialize(&mut serializer).ok();
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn printing(form: Form, query: Option<&str>) -> Printing {
        Printing { form, query: query.map(|text| Query::parse(text).unwrap()), width: 80 }
    }

    fn printed(form: Form, query: Option<&str>) -> String {
        let answer = json!({"jobRunId": "r", "applicationId": "a"});
        printing(form, query).answer(Operation::StartJobRun, answer).unwrap()
    }

    #[test]
    fn forms_and_queries() {
        let json = "{\n    \"applicationId\": \"a\",\n    \"jobRunId\": \"r\"\n}\n";
        let table = [
            (Form::Json, None, json),
            (Form::Text, None, "a\tr\n"),
            (Form::Text, Some("jobRunId"), "r\n"),
            (Form::Json, Some("jobRunId"), "\"r\"\n"),
            (Form::Json, Some("none"), "null\n"),
            (Form::Text, Some("none"), "None\n"),
            (Form::Table, Some("none"), ""),
        ];
        for (form, query, expected) in table {
            assert_eq!(printed(form, query), expected, "{form:?} {query:?}");
        }
        assert!(printed(Form::Table, None).contains("StartJobRun"));
    }

    #[test]
    fn an_empty_answer_prints_nothing() {
        for form in [Form::Json, Form::Table, Form::Text] {
            assert_eq!(
                printing(form, None).answer(Operation::StartApplication, json!({})),
                Ok(String::new())
            );
        }
    }

    #[test]
    fn pages_are_one_answer_but_for_text() {
        let pages = || vec![vec![json!({"id": "a"})], vec![json!({"id": "b"})]];
        let print = |form, query| {
            printing(form, query)
                .pages(Operation::ListApplications, "applications", pages(), Some("t".into()))
                .unwrap()
        };
        assert_eq!(print(Form::Text, None), "APPLICATIONS\ta\nAPPLICATIONS\tb\nNEXTTOKEN\tt\n");
        assert_eq!(print(Form::Text, Some("length(applications || `[]`)")), "1\n1\n0\n");
        assert_eq!(print(Form::Json, Some("[length(applications), NextToken]")), "[\n    2,\n    \"t\"\n]\n");
    }
}
