//! Three hundred seeds without a violation, the same bytes for the same seed, and every planted mistake found.

use sim::{Mistake, Report, Scenario, play};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const SEEDS: u64 = 300;

fn played(seed: u64, mistake: Option<Mistake>) -> Report {
    play(Scenario { seed, mistake, scarce: false }).expect("a runtime")
}

/// Plays seeds on two threads, one world to a thread, until `seen` has seen enough of one.
fn play_until(mistake: Option<Mistake>, seen: impl Fn(Report) -> bool + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let seed = next.fetch_add(1, Ordering::SeqCst)
                    && seed < SEEDS
                {
                    if seen(played(seed, mistake)) {
                        next.store(SEEDS, Ordering::SeqCst);
                    }
                }
            });
        }
    });
}

#[test]
fn no_seed_breaks_an_invariant() {
    let (runs, retried, queued) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let (given_up, came_back) = (AtomicU64::new(0), AtomicU64::new(0));
    let broken = Mutex::new(Vec::new());
    play_until(None, |report| {
        let count = |what: &str| report.trace.matches(what).count() as u64;
        retried.fetch_add(count("\"attempt_failed\""), Ordering::SeqCst);
        queued.fetch_add(count("\"QUEUED\""), Ordering::SeqCst);
        given_up.fetch_add(count("nothing was heard of its host"), Ordering::SeqCst);
        came_back.fetch_add(count("is joined again"), Ordering::SeqCst);
        runs.fetch_add(report.acknowledged as u64, Ordering::SeqCst);
        broken.lock().expect("whole").extend(report.violation.map(|violation| (report.seed, violation)));
        false
    });
    let broken = broken.into_inner().expect("whole");
    assert!(broken.is_empty(), "repeat with `cargo run -p sim -- --seeds 1 --from SEED`: {broken:?}");
    assert!(runs.into_inner() > 5 * SEEDS, "the storms drowned nearly every run: nothing was tried");
    let (retried, queued) = (retried.into_inner(), queued.into_inner());
    assert!(
        retried > SEEDS / 2 && queued > SEEDS,
        "{retried} retries, {queued} runs queued: too few to show anything"
    );
    let (given_up, came_back) = (given_up.into_inner(), came_back.into_inner());
    assert!(
        given_up > SEEDS / 5 && came_back > SEEDS / 5,
        "{given_up} workers of lost hosts, {came_back} hosts cut off and back: too few to show anything"
    );
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..12 {
        let (first, second) = (played(seed, None), played(seed, None));
        let differ = first.trace.lines().zip(second.trace.lines()).find(|(one, other)| one != other);
        assert_eq!(differ, None, "seed {seed}");
        assert!(first == second, "seed {seed}");
    }
    assert_ne!(played(0, None).trace, played(1, None).trace);
}

#[test]
fn every_planted_mistake_is_found() {
    let missed: Vec<Mistake> = Mistake::all().iter().copied().filter(|mistake| !is_found(*mistake)).collect();
    assert!(missed.is_empty(), "not found in {SEEDS} seeds: {missed:?}");
}

fn is_found(mistake: Mistake) -> bool {
    let found = Mutex::new(None);
    play_until(Some(mistake), |report| {
        let Some(violation) = report.violation else { return false };
        found.lock().expect("whole").get_or_insert((report.seed, violation));
        true
    });
    let found = found.into_inner().expect("whole");
    println!("{mistake:?}: {found:?}");
    found.is_some()
}
