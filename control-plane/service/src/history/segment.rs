//! The form of a segment: summaries of settled runs of one class, or heads of segments. This room knows no store.

use firesteel_core::history::{Class, Drift, Head, Pack, Summary};
use firesteel_core::id::JobRunId;
use firesteel_core::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Version of a segment.
const FORMAT: u32 = 1;

/// A segment as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runs: Option<Rows>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heads: Option<Vec<Head>>,
}

/// Summaries: what repeats stands once in `texts`.
#[derive(Serialize, Deserialize)]
struct Rows {
    class: Class,
    texts: Vec<Arc<str>>,
    rows: Vec<Row>,
}

/// id, created, updated, attempt, attempt created; and by their place in `texts`: name, details, created by, execution
/// role, release; and, if it was given, whether the run was flexible.
#[derive(Serialize, Deserialize)]
struct Row(
    JobRunId,
    Millis,
    Millis,
    u32,
    Millis,
    Option<u32>,
    u32,
    u32,
    u32,
    u32,
    #[serde(default, skip_serializing_if = "Option::is_none")] Option<bool>,
);

/// A segment as it is used.
#[derive(Debug, PartialEq)]
pub enum Segment {
    /// Of runs.
    Runs(Runs),
    /// Of heads, in the order of their youngest runs.
    Heads(Vec<Arc<Head>>),
}

/// Runs in the order of their ids.
#[derive(Debug, PartialEq)]
pub struct Runs {
    /// The runs, oldest first.
    pub all: Vec<Arc<Summary>>,
    /// How their times go with their ids.
    pub drift: Drift,
}

impl From<Vec<Arc<Summary>>> for Runs {
    fn from(all: Vec<Arc<Summary>>) -> Self {
        Self { drift: Drift::of(&all), all }
    }
}

#[derive(Default)]
struct Texts {
    places: HashMap<Arc<str>, u32>,
    all: Vec<Arc<str>>,
}

impl Texts {
    fn place(&mut self, text: &Arc<str>) -> u32 {
        *self.places.entry(text.clone()).or_insert_with(|| {
            self.all.push(text.clone());
            self.all.len() as u32 - 1
        })
    }
}

/// A pack as bytes: the same pack gives the same bytes.
pub fn encode(pack: &Pack) -> serde_json::Result<bytes::Bytes> {
    let mut stored = Stored { format: FORMAT, runs: None, heads: None };
    match pack {
        Pack::Heads(heads) => stored.heads = Some(heads.iter().map(|head| (**head).clone()).collect()),
        Pack::Runs(runs) => {
            let mut texts = Texts::default();
            let rows = runs.iter().map(|run| row(run, &mut texts)).collect();
            stored.runs = runs.first().map(|run| Rows { class: run.class(), texts: texts.all, rows });
        }
    }
    serde_json::to_vec(&stored).map(bytes::Bytes::from)
}

fn row(run: &Summary, texts: &mut Texts) -> Row {
    Row(
        run.id.clone(),
        run.created,
        run.updated,
        run.attempt,
        run.attempt_created,
        run.name.as_ref().map(|name| texts.place(name)),
        texts.place(&run.state_details),
        texts.place(&run.created_by),
        texts.place(&run.execution_role),
        texts.place(&run.release),
        run.flex,
    )
}

/// Reads a segment's bytes; says what is wrong with them.
pub fn decode(body: &[u8]) -> Result<Segment, String> {
    let stored: Result<Stored, _> = serde_json::from_slice(body);
    match stored {
        Ok(stored) if stored.format <= FORMAT => match (stored.runs, stored.heads) {
            (Some(rows), None) => summaries(rows),
            (None, Some(mut heads)) => {
                heads.sort_by(|a, b| a.newest.cmp(&b.newest));
                Ok(Segment::Heads(heads.into_iter().map(Arc::new).collect()))
            }
            _ => Err("it holds neither runs nor heads".to_owned()),
        },
        unclear => match serde_json::from_slice::<Form>(body) {
            Ok(Form { format }) if format > FORMAT => {
                Err(format!("format {format} is newer than this program"))
            }
            _ => Err(unclear.err().map_or_else(String::new, |error| error.to_string())),
        },
    }
}

#[derive(Deserialize)]
struct Form {
    format: u32,
}

fn summaries(rows: Rows) -> Result<Segment, String> {
    let Rows { class, texts, rows } = rows;
    let mode: Arc<str> = class.mode.as_str().into();
    let run = |row| summary(row, &class, &mode, &texts).map(Arc::new);
    let runs: Option<Vec<_>> = rows.into_iter().map(run).collect();
    runs.map(|runs| Segment::Runs(runs.into())).ok_or_else(|| "a text that it names is missing".to_owned())
}

fn summary(row: Row, class: &Class, mode: &Arc<str>, texts: &[Arc<str>]) -> Option<Summary> {
    let Row(id, created, updated, attempt, attempt_created, name, details, by, role, release, flex) = row;
    let text = |place: u32| texts.get(place as usize).cloned();
    Some(Summary {
        id,
        name: match name {
            Some(place) => Some(text(place)?),
            None => None,
        },
        mode: mode.clone(),
        state: class.state,
        state_details: text(details)?,
        created,
        updated,
        created_by: text(by)?,
        execution_role: text(role)?,
        release: text(release)?,
        attempt,
        attempt_created,
        flex,
    })
}
