//! Two journals on one log over a faulty store, on paused time: random interleavings, one seed each.
//!
//! Checked: every acknowledged command is in the log exactly once and where it was said to be, no refused one is, an
//! unanswered one is at most once; entries are whole and in order; all folds and checkpoints agree; reads are fresh.
//! Broken variants show that the checks can fail.
mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use common::{Command, Event, Ledger, TestClock, log};
use firesteel_journal::{
    Created, Entry, FaultyStore, Fold, Journal, MemoryStore, Odds, Page, SeededPlan, Settings, Store,
    StoreError, SubmitError, decode, decode_checkpoint, keys,
};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

type Faulty = FaultyStore<Arc<MemoryStore>>;

/// What is wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    None,
    /// No answer is taken for "committed".
    UnknownIsCommitted,
    /// One's own entry is not recognised: no answer is taken for "lost", and the command is decided again.
    UnknownIsLost,
    /// All writers use one mark: another's entry is taken for one's own.
    OneMark,
    /// 412 is taken for "committed".
    ExistsIsCommitted,
    /// The condition is ignored.
    Overwrite,
    /// Reads come from a cache: a probe does not see what others wrote.
    BlindToOthers,
}

/// What a caller was told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Accepted(u64),
    Nothing,
    Refused,
    Unknown,
    /// The caller went away before it was told.
    Dropped,
}

#[derive(Debug, Default)]
struct Record {
    told: BTreeMap<u64, Told>,
    /// Highest entry that anybody was told of.
    acknowledged: u64,
    faults: Vec<String>,
}

struct Flawed {
    inner: Arc<Faulty>,
    mistake: Mistake,
}

#[async_trait]
impl Store for Flawed {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        if self.mistake == Mistake::Overwrite && key.contains("/journal/") {
            return self.inner.put(key, body).await.map(|()| Created::Committed);
        }
        Ok(match (self.inner.create(key, body).await?, self.mistake) {
            (Created::Unknown, Mistake::UnknownIsCommitted)
            | (Created::Exists, Mistake::ExistsIsCommitted) => Created::Committed,
            (created, _) => created,
        })
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.inner.put(key, body).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let found = self.inner.get(key).await?;
        let Some(body) = found.filter(|_| key.contains("/journal/")) else {
            return self.inner.get(key).await;
        };
        if self.mistake == Mistake::BlindToOthers && key.ends_with("5.json") {
            return Ok(None);
        }
        if self.mistake != Mistake::UnknownIsLost {
            return Ok(Some(body));
        }
        let mut entry: Entry<Event> = serde_json::from_slice(&body).expect("an entry");
        entry.mark = "?".to_owned();
        Ok(Some(serde_json::to_vec(&entry).expect("JSON").into()))
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Page, StoreError> {
        self.inner.list(prefix, after, limit).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.inner.delete(key).await
    }
}

/// SplitMix64, for the callers' choices.
struct Dice(u64);

impl Dice {
    fn upto(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

fn settings() -> Settings {
    Settings {
        checkpoint_every: 6,
        give_up_after: Duration::from_secs(4),
        request_timeout: Duration::from_secs(2),
        ..Settings::default()
    }
}

async fn open(
    store: &Arc<Faulty>,
    clock: &Arc<TestClock>,
    writer: &'static str,
    mistake: Mistake,
) -> Result<Journal<Ledger>, String> {
    let mut deps = common::deps(clock, writer);
    if mistake == Mistake::OneMark {
        deps.marks = Arc::new(|| "same".to_owned());
    }
    let mut last = String::new();
    for _ in 0..100 {
        let flawed = Arc::new(Flawed { inner: Arc::clone(store), mistake });
        match Journal::open(flawed, log(), deps.clone(), settings()).await {
            Ok(journal) => return Ok(journal),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err(format!("the log cannot be opened: {last}"))
}

fn command(id: u64, dice: &mut Dice) -> Command {
    let account = ["a", "b"][dice.upto(2) as usize].to_owned();
    match dice.upto(10) {
        0 => Command::Ensure { account },
        1..=3 => Command::Add { id, account, amount: -(dice.upto(4) as i64), padding: 0 },
        _ => Command::Add { id, account, amount: dice.upto(3) as i64, padding: 0 },
    }
}

// One caller: submits, reads, sometimes goes away.
async fn caller(journal: Journal<Ledger>, record: Arc<Mutex<Record>>, first: u64, seed: u64) {
    let mut dice = Dice(seed);
    for id in first..first + 12 {
        tokio::time::sleep(Duration::from_millis(dice.upto(150))).await;
        let command = command(id, &mut dice);
        if dice.upto(6) == 0 {
            read(&journal, &record).await;
        }
        let patience = if dice.upto(5) == 0 { dice.upto(100) } else { 600_000 };
        let patience = Duration::from_millis(patience);
        let told = match tokio::time::timeout(patience, journal.submit(command)).await {
            Err(_) => Told::Dropped,
            Ok(Ok(accepted)) if accepted.events.is_empty() => Told::Nothing,
            Ok(Ok(accepted)) => Told::Accepted(accepted.seq),
            Ok(Err(SubmitError::Refused(_))) => Told::Refused,
            Ok(Err(_)) => Told::Unknown,
        };
        let mut record = record.lock().unwrap();
        if let Told::Accepted(seq) = told {
            record.acknowledged = record.acknowledged.max(seq);
            if journal.state().seq < seq {
                record.faults.push(format!("{id} was acknowledged before it was published"));
            }
        }
        record.told.insert(id, told);
    }
}

async fn read(journal: &Journal<Ledger>, record: &Arc<Mutex<Record>>) {
    let known = record.lock().unwrap().acknowledged;
    if let Ok(snapshot) = journal.fresh().await
        && snapshot.seq < known
    {
        let fault = format!("a read gave {} after {known} was acknowledged", snapshot.seq);
        record.lock().unwrap().faults.push(fault);
    }
}

/// One storm; returns every stored byte and every answer, or what is wrong.
fn storm(seed: u64, mistake: Mistake, odds: Odds) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async move {
        let memory = Arc::new(MemoryStore::new());
        let store = Arc::new(FaultyStore::new(Arc::clone(&memory), SeededPlan::new(seed, odds)));
        let clock = TestClock::new();
        let record = Arc::new(Mutex::new(Record::default()));
        let mut callers = Vec::new();
        let mut journals = Vec::new();
        for (n, writer) in ["a", "b"].into_iter().enumerate() {
            let journal = open(&store, &clock, writer, mistake).await?;
            for m in 0..3 {
                let first = (n as u64 * 3 + m) * 100 + 1;
                let (journal, record) = (journal.clone(), Arc::clone(&record));
                let seed = seed.wrapping_mul(31).wrapping_add(first);
                callers.push(tokio::spawn(caller(journal, record, first, seed)));
            }
            journals.push(journal);
        }
        for caller in callers {
            caller.await.map_err(|e| e.to_string())?;
        }
        store.set_plan(SeededPlan::new(seed, Odds::FINE));
        tokio::time::sleep(Duration::from_secs(30)).await;
        let mut states = Vec::new();
        for journal in &journals {
            states.push(journal.refresh().await.map_err(|e| format!("after the storm: {e}"))?);
            journal.close().await;
        }
        states.push(open(&store, &clock, "c", mistake).await?.state());
        let record = record.lock().unwrap();
        check(&memory, &record, &states)?;
        Ok(format!("{:?} {:?}", memory.objects(), record.told))
    })
}

fn check(
    memory: &MemoryStore,
    record: &Record,
    states: &[Arc<firesteel_journal::Snapshot<Ledger>>],
) -> Result<(), String> {
    if let Some(fault) = record.faults.first() {
        return Err(fault.clone());
    }
    let mut replayed = Ledger::default();
    let mut found: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let mut at = 0;
    let objects = memory.objects();
    let entries: Vec<&String> = objects.keys().filter(|key| key.contains("/journal/")).collect();
    let mut folds = vec![replayed.clone()];
    for (n, key) in entries.iter().enumerate() {
        let seq = n as u64 + 1;
        let entry: Entry<Event> =
            decode(key, seq, &objects[*key]).map_err(|e| format!("entry {seq}: {e}"))?;
        if entry.at < at || entry.events.is_empty() {
            return Err(format!("entry {seq} is empty or goes back in time"));
        }
        at = entry.at;
        for event in &entry.events {
            replayed.apply(event);
            if let Event::Added { id, .. } = event {
                found.entry(*id).or_default().push(seq);
            }
        }
        if replayed.accounts.values().any(|balance| *balance < 0) {
            return Err(format!("entry {seq} was not decided on the state before it"));
        }
        folds.push(replayed.clone());
    }
    for (key, body) in objects.iter().filter(|(key, _)| key.contains("/checkpoints/")) {
        let snapshot = decode_checkpoint::<Ledger>(key, body).map_err(|e| e.to_string())?;
        if keys::seq_of(key) != Some(snapshot.seq)
            || folds.get(snapshot.seq as usize) != Some(&snapshot.state)
        {
            return Err(format!("{key} is not the fold of the entries"));
        }
    }
    if let Some(state) = states.iter().find(|state| state.state != replayed) {
        return Err(format!("a fold differs from the log at {}", state.seq));
    }
    for (id, told) in &record.told {
        let seqs = found.get(id).map(Vec::as_slice).unwrap_or_default();
        let right = match told {
            Told::Accepted(seq) => seqs == [*seq] || seqs.is_empty() && found[&0].contains(seq),
            Told::Nothing | Told::Refused => seqs.is_empty(),
            Told::Unknown | Told::Dropped => seqs.len() <= 1,
        };
        if !right {
            return Err(format!("command {id} was told {told:?} and is in entries {seqs:?}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_store_does_the_log_is_right(
        seed in any::<u64>(),
        refused in 0..150_u64,
        lost in 0..150_u64,
        lost_reply in 0..150_u64,
        late_write in 0..150_u64,
        delay in 0..400_u64,
        late_by in 0..25_u64,
    ) {
        let (delay, late_by) = (Duration::from_millis(delay), Duration::from_secs(late_by));
        let odds = Odds { refused, lost, lost_reply, late_write, delay, late_by };
        if let Err(wrong) = storm(seed, Mistake::None, odds) {
            prop_assert!(false, "{}", wrong);
        }
    }
}

// Found by the property above when one bad answer cost a whole tail.
#[test]
fn a_long_tail_is_read_through_many_faults() {
    let (delay, late_by) = (Duration::from_millis(310), Duration::from_secs(11));
    let odds = Odds { refused: 91, lost: 112, lost_reply: 32, late_write: 102, delay, late_by };
    storm(10_801_481_498_448_273_310, Mistake::None, odds).expect("right");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..10 {
        assert_eq!(storm(seed, Mistake::None, Odds::STORM), storm(seed, Mistake::None, Odds::STORM));
    }
}

#[test]
fn storms_reach_every_answer() {
    let runs: String = (0..20).map(|seed| storm(seed, Mistake::None, Odds::STORM).expect("right")).collect();
    for told in ["Accepted", "Nothing", "Refused", "Unknown", "Dropped"] {
        assert!(runs.contains(told), "no command was told {told}");
    }
}

#[test]
fn known_mistakes_are_found() {
    let missed = AtomicU64::new(0);
    for mistake in [
        Mistake::UnknownIsCommitted,
        Mistake::UnknownIsLost,
        Mistake::OneMark,
        Mistake::ExistsIsCommitted,
        Mistake::Overwrite,
        Mistake::BlindToOthers,
    ] {
        let found = (0..60).find_map(|seed| storm(seed, mistake, Odds::STORM).err());
        match found {
            Some(wrong) => println!("{mistake:?}: {wrong}"),
            None => {
                println!("{mistake:?} was not found");
                missed.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
    assert_eq!(missed.into_inner(), 0, "see the output");
}
