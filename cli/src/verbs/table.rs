//! `--output table` as the AWS CLI draws it: a section for each object and list, one below the other. No I/O.

use super::shown::Shown;
use std::collections::BTreeSet;

/// What a column has beside its widest cell.
const PADDING: usize = 4;

/// The table, or nothing if there is nothing to show. Wider than `width`, objects are turned to stand upright.
pub fn table(title: &str, answer: &Shown, width: usize) -> String {
    let mut sections = Sections(Vec::new());
    sections.add(Some(title), answer, 0);
    if sections.0.is_empty() {
        return String::new();
    }
    if sections.width() > width {
        sections.0.iter_mut().for_each(Section::turn);
    }
    let width = sections.width();
    let mut out = format!("{}\n", "-".repeat(width));
    sections.0.iter().for_each(|section| section.draw(&mut out, width));
    out
}

#[derive(Default)]
struct Section {
    title: String,
    indent: usize,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
}

struct Sections(Vec<Section>);

impl Sections {
    fn add(&mut self, title: Option<&str>, value: &Shown, indent: usize) {
        if value.is_nothing() {
            return;
        }
        if let Some(title) = title {
            self.0.push(Section { title: title.to_owned(), indent, ..Section::default() });
        }
        match value {
            Shown::List(values) if matches!(values.first(), Some(Shown::Object(_))) => {
                self.add_objects(title.unwrap_or_default(), values, indent);
            }
            Shown::List(values) => self.add_list(values),
            Shown::Object(members) => self.add_object(members, indent),
            _ => {}
        }
    }

    fn row(&mut self, row: Vec<String>) {
        if let Some(section) = self.0.last_mut() {
            section.rows.push(row);
        }
    }

    fn headers(&mut self, names: &[&str]) {
        if let Some(section) = self.0.last_mut() {
            section.headers = names.iter().map(|name| (*name).to_owned()).collect();
        }
    }

    fn add_list(&mut self, values: &[Shown]) {
        for value in values {
            match value {
                Shown::List(inner) if inner.iter().all(Shown::is_scalar) => {
                    self.row(inner.iter().map(Shown::word).collect());
                }
                value if value.is_scalar() => self.row(vec![value.word()]),
                value => self.add(None, value, 0),
            }
        }
    }

    fn add_object(&mut self, members: &[(String, Shown)], indent: usize) {
        let (scalars, more) = names(std::slice::from_ref(&members));
        let word = |name: &str| member(members, name).map_or(String::new(), Shown::word);
        match scalars[..] {
            [] => {}
            [one] => self.row(vec![one.to_owned(), word(one)]),
            _ => {
                self.headers(&scalars);
                self.row(scalars.iter().map(|name| word(name)).collect());
            }
        }
        for name in more {
            if let Some(value) = member(members, name) {
                self.add(Some(name), value, indent + 1);
            }
        }
    }

    fn add_objects(&mut self, title: &str, values: &[Shown], indent: usize) {
        let objects: Vec<&[(String, Shown)]> = values
            .iter()
            .filter_map(|value| match value {
                Shown::Object(members) => Some(members.as_slice()),
                _ => None,
            })
            .collect();
        let (scalars, more) = names(&objects);
        self.headers(&scalars);
        for (at, members) in objects.into_iter().enumerate() {
            if at > 0 && !more.is_empty() {
                self.0.push(Section { title: title.to_owned(), indent, ..Section::default() });
                self.headers(&scalars);
            }
            self.row(scalars.iter().map(|n| member(members, n).map_or(String::new(), Shown::word)).collect());
            for name in &more {
                if let Some(value) = member(members, name) {
                    self.add(Some(name), value, indent + 1);
                }
            }
        }
    }

    fn width(&self) -> usize {
        self.0.iter().map(Section::width).max().unwrap_or(0)
    }
}

fn member<'a>(members: &'a [(String, Shown)], name: &str) -> Option<&'a Shown> {
    members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The names of scalars and the names of the rest, each sorted. A name can be among both.
fn names<'a>(objects: &[&'a [(String, Shown)]]) -> (Vec<&'a str>, Vec<&'a str>) {
    let chosen = |scalar: bool| {
        let members = objects.iter().flat_map(|members| members.iter());
        let fitting = members.filter(|(_, value)| value.is_scalar() == scalar);
        fitting.map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
    };
    (chosen(true), chosen(false))
}

impl Section {
    /// One row with headers becomes a row for each of them.
    fn turn(&mut self) {
        if let ([row], false) = (self.rows.as_slice(), self.headers.is_empty()) {
            self.rows =
                self.headers.drain(..).zip(row.iter()).map(|(h, cell)| vec![h, cell.clone()]).collect();
        }
    }

    fn columns(&self) -> Vec<usize> {
        let mut widest: Vec<usize> = Vec::new();
        for row in std::iter::once(&self.headers).chain(&self.rows) {
            widest.resize(widest.len().max(row.len()), 0);
            for (width, cell) in widest.iter_mut().zip(row) {
                *width = (*width).max(length(cell));
            }
        }
        widest
    }

    fn width(&self) -> usize {
        let columns: usize = self.columns().iter().map(|width| width + PADDING).sum();
        (length(&self.title) + 2).max(columns + 2) + 2 * self.indent
    }

    fn draw(&self, out: &mut String, width: usize) {
        let width = width - 2 * self.indent;
        let mut lines = Vec::new();
        if !self.title.is_empty() {
            lines.push(centered(&self.title, width, "|"));
        }
        if self.headers.is_empty() && self.rows.is_empty() {
            lines.push(format!("+{}+", "-".repeat(width.saturating_sub(2))));
        }
        let widths = scaled(&self.columns(), width);
        let edge = |at: usize| if at == 0 { "|" } else { "" };
        if !self.headers.is_empty() {
            let cells = self.headers.iter().zip(&widths).enumerate();
            lines.push(rule(&widths));
            lines.push(cells.map(|(at, (cell, width))| centered(cell, *width, edge(at))).collect());
        }
        if !self.rows.is_empty() && !widths.is_empty() {
            lines.push(rule(&widths));
            for row in &self.rows {
                let cells = row.iter().zip(&widths).enumerate();
                lines.push(cells.map(|(at, (cell, width))| left(cell, *width, edge(at))).collect());
            }
            lines.push(rule(&widths));
        }
        let bars = "|".repeat(self.indent);
        lines.iter().for_each(|line| out.push_str(&format!("{bars}{line}{bars}\n")));
    }
}

/// In characters, without the AWS CLI's doubling of wide ones.
fn length(text: &str) -> usize {
    text.chars().count()
}

/// The columns stretched or shrunk to `width` together.
fn scaled(columns: &[usize], width: usize) -> Vec<usize> {
    let total: usize = columns.iter().map(|column| column + PADDING).sum();
    let factor = width as f64 / total.max(1) as f64;
    let scale = |column: &usize| (factor * (column + PADDING) as f64).round_ties_even() as usize;
    let mut scaled: Vec<usize> = columns.iter().map(scale).collect();
    while !scaled.is_empty() {
        let sum: usize = scaled.iter().sum();
        let count = scaled.len();
        match sum.cmp(&width) {
            std::cmp::Ordering::Equal => break,
            std::cmp::Ordering::Greater => scaled.iter_mut().take(sum - width).for_each(|w| *w -= 1),
            std::cmp::Ordering::Less => {
                scaled.iter_mut().skip(count.saturating_sub(width - sum)).for_each(|w| *w += 1);
            }
        }
    }
    scaled
}

fn rule(widths: &[usize]) -> String {
    let part = |(at, width): (usize, &usize)| match at {
        0 => format!("+{}+", "-".repeat(width.saturating_sub(2))),
        _ => format!("{}+", "-".repeat(width.saturating_sub(1))),
    };
    widths.iter().enumerate().map(part).collect()
}

fn centered(text: &str, width: usize, edge: &str) -> String {
    let before = (width / 2).saturating_sub(length(text) / 2 + 1);
    let used = edge.len() + before + length(text);
    let after = " ".repeat(width.saturating_sub(1 + used));
    format!("{edge}{}{text}{after}|", " ".repeat(before))
}

fn left(text: &str, width: usize, edge: &str) -> String {
    let padding = if width >= length(text) + 3 + edge.len() { 2 } else { 0 };
    let used = edge.len() + padding + length(text);
    format!("{edge}{}{text}{}|", " ".repeat(padding), " ".repeat(width.saturating_sub(used + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn drawn(value: Value, width: usize) -> String {
        table("GetIt", &value.into(), width)
    }

    /// As awscli 1.46.3 draws it; the stories compare more.
    #[test]
    fn objects_lists_and_what_is_below_them() {
        let value = json!({"applicationId": "a", "name": "n", "tags": {"k": "v"}, "l": ["p", "q"]});
        let expected = "\
---------------------------
|          GetIt          |
+----------------+--------+
|  applicationId | name   |
+----------------+--------+
|  a             |  n     |
+----------------+--------+
||           l           ||
|+-----------------------+|
||  p                    ||
||  q                    ||
|+-----------------------+|
||         tags          ||
|+----------+------------+|
||  k       |  v         ||
|+----------+------------+|
";
        assert_eq!(drawn(value, 80), expected);
    }

    #[test]
    fn too_wide_an_object_stands_upright() {
        let value = json!({"first": "x".repeat(30), "second": "y"});
        let expected = "\
----------------------------------------------
|                    GetIt                   |
+--------+-----------------------------------+
|  first |  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx   |
|  second|  y                                |
+--------+-----------------------------------+
";
        assert_eq!(drawn(value.clone(), 40), expected);
        assert!(drawn(value, 80).contains("first              | second"));
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(drawn(json!({}), 80) + &drawn(json!([]), 80) + &drawn(json!(null), 80), "");
    }
}
