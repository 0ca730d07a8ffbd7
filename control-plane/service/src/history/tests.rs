//! Lists over history against a plain list, whatever is settled and packed, by whom and when, and whatever fails.

use super::list::{Filter, list};
use super::pack::store_pack;
use super::segment::{self, Segment};
use super::segments::Segments;
use firesteel_core::command::Command;
use firesteel_core::history::{Bounds, Head, History, Pack, Summary};
use firesteel_core::id::{self, JobRunId};
use firesteel_core::job_run::JobRunState::{self, Cancelled, Failed, Success};
use firesteel_core::time::Millis;
use firesteel_journal::{FaultyStore, MemoryStore, Odds, SeededPlan};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const APP: &str = "app";
const SMALL: Bounds = Bounds { recent: 8, segment: 5, heads: 4, retagged: 4 };
const START: i64 = 1_795_265_200_000;

fn run(created: i64, chance: u64, state: JobRunState, mode: &str) -> Arc<Summary> {
    Arc::new(Summary {
        id: JobRunId::new(id::mint(Millis(START + created), chance)),
        name: (chance.is_multiple_of(2)).then(|| format!("name {}", chance % 3).into()),
        mode: mode.into(),
        state,
        state_details: if state == Failed { "it failed".into() } else { "".into() },
        // The clock of the journal need not be the one that minted the id.
        created: Millis(START + created + (chance % 7) as i64 - 3),
        updated: Millis(START + created + 90),
        created_by: "arn:aws:iam::000000000000:user/u".into(),
        execution_role: "arn:aws:iam::000000000000:role/job".into(),
        release: "emr-7.13.0".into(),
        attempt: 1 + (chance % 3) as u32,
        attempt_created: Millis(START + created + 5),
        flex: (chance >= 6).then_some(chance.is_multiple_of(2)),
    })
}

/// One step of a storm.
#[derive(Clone, Debug)]
enum Step {
    /// A run that was created `late` before the newest ends so.
    Settle { late: i64, chance: u64, state: JobRunState, streaming: bool },
    /// A control plane looks at the state.
    Look { plane: usize },
    /// It packs what it saw to be due; killed before it can say so, or not.
    Pack { plane: usize, killed: bool },
    /// A page of a list that is being read.
    Page,
}

fn step() -> impl Strategy<Value = Step> {
    let late = prop_oneof![4 => Just(0_i64), 1 => 1_i64..60];
    let state = prop_oneof![6 => Just(Success), 2 => Just(Failed), 1 => Just(Cancelled)];
    let settle = (late, any::<u64>(), state, prop::bool::weighted(0.2))
        .prop_map(|(late, chance, state, streaming)| Step::Settle { late, chance, state, streaming });
    prop_oneof![
        8 => settle,
        2 => (0..2_usize).prop_map(|plane| Step::Look { plane }),
        3 => (0..2_usize, prop::bool::weighted(0.2)).prop_map(|(plane, killed)| Step::Pack { plane, killed }),
        3 => Just(Step::Page),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let state = prop_oneof![Just(None), Just(Some(Success)), Just(Some(Failed)), Just(Some(Cancelled))];
    let mode = prop_oneof![2 => Just(None), 1 => Just(Some("STREAMING".to_owned())), 1 => Just(Some("BATCH".to_owned()))];
    let time = || prop::option::weighted(0.3, (0..150_i64).prop_map(|at| Millis(START + at)));
    (state, mode, time(), time()).prop_map(|(state, mode, from, to)| Filter {
        state,
        mode,
        from,
        to,
        before: None,
    })
}

/// The state, two control planes' views of it, and what has really happened.
struct Storm {
    store: FaultyStore<MemoryStore>,
    history: History,
    views: [History; 2],
    model: BTreeMap<JobRunId, Arc<Summary>>,
    now: i64,
    packed: u64,
}

impl Storm {
    fn settle(&mut self, late: i64, chance: u64, state: JobRunState, streaming: bool) {
        self.now += 1 + (chance % 3) as i64;
        let run = run((self.now - late).max(0), chance, state, if streaming { "STREAMING" } else { "BATCH" });
        self.history.recent.insert(run.clone());
        self.model.insert(run.id.clone(), run);
    }

    /// What the journal does with the command is what `decide` says: all of it must still wait.
    async fn pack(&mut self, plane: usize, killed: bool) {
        let Some(due) = self.views[plane].due(&SMALL) else { return };
        if let Ok(Some(Command::Packed { head, names })) = store_pack(&self.store, APP, &due).await
            && !killed
            && self.history.waits(head.level, &names)
        {
            self.history.packed(&head, &names);
            self.packed += 1;
        }
    }

    async fn page(&self, filter: &Filter, size: usize, cold: &Segments) -> Vec<Arc<Summary>> {
        // The store's faults are over for reading: a read that fails is asked again by whoever reads.
        list(self.store.inner(), APP, cold, &self.history, filter, size).await.expect("a page")
    }
}

async fn storm(steps: Vec<Step>, filter: Filter, size: usize, seed: u64) -> Result<u64, TestCaseError> {
    let store =
        FaultyStore::new(MemoryStore::new(), SeededPlan::new(seed, Odds { late_write: 0, ..Odds::STORM }));
    let mut storm = Storm {
        store,
        history: History::default(),
        views: Default::default(),
        model: BTreeMap::new(),
        now: 0,
        packed: 0,
    };
    let (mut shown, mut at_start, mut at) = (Vec::new(), None, filter.clone());
    for step in steps {
        match step {
            Step::Settle { late, chance, state, streaming } => storm.settle(late, chance, state, streaming),
            Step::Look { plane } => storm.views[plane] = storm.history.clone(),
            Step::Pack { plane, killed } => storm.pack(plane, killed).await,
            Step::Page => {
                at_start.get_or_insert_with(|| storm.model.clone());
                let page = storm.page(&at, size, &Segments::default()).await;
                at.before = page.last().map(|run| run.id.clone()).or(at.before);
                shown.extend(page);
            }
        }
    }
    let rest = storm.page(&at, usize::MAX, &Segments::default()).await;
    shown.extend(rest);
    check(&storm, &filter, &shown, at_start.unwrap_or_default())?;
    let whole = storm.page(&filter, usize::MAX, &Segments::default()).await;
    let passing = |run: &&Arc<Summary>| filter.passes(&run.id, run.state, &run.mode, run.created);
    let expected: Vec<_> = storm.model.values().rev().filter(passing).cloned().collect();
    prop_assert_eq!(whole, expected, "a list at rest is the plain list");
    prop_assert_eq!(storm.history.runs(), storm.model.len() as u64, "nothing is counted twice");
    Ok(storm.packed)
}

/// Pages that were read during the storm: in order, nothing twice, nothing missing that was there throughout.
fn check(
    storm: &Storm,
    filter: &Filter,
    shown: &[Arc<Summary>],
    at_start: BTreeMap<JobRunId, Arc<Summary>>,
) -> Result<(), TestCaseError> {
    prop_assert!(shown.windows(2).all(|pair| pair[0].id > pair[1].id), "newest first, nothing twice");
    let ids: BTreeSet<&JobRunId> = shown.iter().map(|run| &run.id).collect();
    for run in at_start.values() {
        let passes = filter.passes(&run.id, run.state, &run.mode, run.created);
        prop_assert_eq!(ids.contains(&run.id), passes, "{} was there throughout", run.id);
    }
    for run in shown {
        prop_assert_eq!(storm.model.get(&run.id), Some(run));
    }
    Ok(())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}

proptest! {
    #[test]
    fn lists_are_right_whatever_is_packed_when_and_by_whom(
        steps in prop::collection::vec(step(), 1..220),
        filter in filter(),
        size in 1..9_usize,
        seed: u64,
    ) {
        block_on(storm(steps, filter, size, seed))?;
    }
}

#[test]
fn storms_do_pack() {
    let mut steps = Vec::new();
    for n in 0..400_u64 {
        steps.push(Step::Settle { late: 0, chance: n, state: Success, streaming: false });
        steps.push(Step::Look { plane: 0 });
        steps.push(Step::Look { plane: 1 });
        steps.push(Step::Pack { plane: (n % 2) as usize, killed: n % 5 == 0 });
    }
    assert!(block_on(storm(steps, Filter::default(), 7, 1)).expect("right") > 50);
}

fn golden(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn some_heads() -> Vec<Arc<Head>> {
    let head = |name: &str, from| {
        let pack = Pack::Runs(vec![run(from, 4, Failed, "BATCH"), run(from + 9, 5, Failed, "BATCH")]);
        Arc::new(pack.head(name.to_owned()).expect("it holds something"))
    };
    vec![head("9f86d081", 10), head("60303ae2", 30)]
}

/// Never change a file there: a new format gets a new folder and this test a new section.
#[test]
fn version_1_is_read_and_written_byte_for_byte() {
    let runs = vec![run(10, 4, Failed, "BATCH"), run(20, 5, Failed, "BATCH")];
    assert_eq!(segment::decode(&golden("v1/segment-runs.json")), Ok(Segment::Runs(runs.clone().into())));
    assert_eq!(segment::encode(&Pack::Runs(runs)).expect("JSON"), golden("v1/segment-runs.json"));
    assert_eq!(segment::decode(&golden("v1/segment-heads.json")), Ok(Segment::Heads(some_heads())));
    assert_eq!(segment::encode(&Pack::Heads(some_heads())).expect("JSON"), golden("v1/segment-heads.json"));
    let tags = BTreeMap::from([("team".to_owned(), "genomics".to_owned())]);
    assert_eq!(super::decode_tags("r", &golden("v1/tags.json")).expect("tags"), tags);
    assert_eq!(super::encode_tags(&tags).expect("JSON"), golden("v1/tags.json"));
}

#[test]
fn newer_and_damaged_segments_are_refused() {
    let newer = segment::decode(br#"{"format":2,"rows":{}}"#).expect_err("newer");
    assert!(newer.contains("newer than this program"), "{newer}");
    assert!(segment::decode(br#"{"format":1}"#).is_err());
    let text = String::from_utf8(golden("v1/segment-runs.json")).expect("text");
    assert!(segment::decode(text.replace("\"texts\":[", "\"texts\":[],\"old\":[").as_bytes()).is_err());
    assert!(super::decode_tags("r", br#"{"format":2,"tags":{}}"#).is_err());
}

#[tokio::test]
async fn a_filter_reads_only_what_can_pass() {
    let store = firesteel_journal::RecordingStore::new(MemoryStore::new());
    let mut history = History::default();
    let bounds = Bounds { heads: 20, ..SMALL };
    for n in 0..500 {
        let run = run(n, n as u64, if n == 250 { Failed } else { Success }, "BATCH");
        history.recent.insert(run);
        while let Some(due) = history.due(&bounds) {
            let Ok(Some(Command::Packed { head, names })) = store_pack(&store, APP, &due).await else {
                panic!()
            };
            history.packed(&head, &names);
        }
    }
    let gets = async |filter: Filter| {
        store.take();
        let found = list(&store, APP, &Segments::default(), &history, &filter, 3).await.expect("a page");
        (found.len(), store.take().get)
    };
    assert_eq!(gets(Filter { state: Some(Cancelled), ..Filter::default() }).await, (0, 0));
    let (found, failed) = gets(Filter { state: Some(Failed), ..Filter::default() }).await;
    assert!(found == 1 && failed <= 6, "{failed} requests");
    let before = Filter { to: Some(Millis(START - 10)), ..Filter::default() };
    assert_eq!(gets(before).await, (0, 0));
    let (found, oldest) = gets(Filter { to: Some(Millis(START + 20)), ..Filter::default() }).await;
    assert!(found == 3 && oldest <= 6, "{oldest} requests");
}

#[tokio::test]
async fn a_missing_segment_is_said_by_its_name() {
    let store = MemoryStore::new();
    let mut history = History::default();
    history.heads.insert(some_heads()[0].clone());
    let error =
        list(&store, APP, &Segments::default(), &history, &Filter::default(), 3).await.expect_err("missing");
    assert_eq!(error.to_string(), "segment 9f86d081 of history is missing");
}
