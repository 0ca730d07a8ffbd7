//! The conformance suite: what every store must do to hold the journal. Run it over each implementation.
//!
//! Each check works below its own prefix and panics with a message when the store is wrong, as a test does; so this
//! room is for tests only and is hidden from the documentation.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::future::{join_all, try_join_all};

use crate::port::{Created, Store};

/// Runs every check below `scope` (a prefix that nothing else uses).
///
/// # Panics
/// When the store is wrong, or gives no answer.
pub async fn run<S: Store + ?Sized>(store: &S, scope: &str) {
    create_is_refused_when_there_is_something(store, &format!("{scope}/create/")).await;
    put_overwrites_and_get_gives_the_last(store, &format!("{scope}/put/")).await;
    deleted_is_absent_and_can_be_created(store, &format!("{scope}/delete/")).await;
    one_of_many_creators_wins(store, &format!("{scope}/race/")).await;
    acknowledged_creates_are_seen_at_once(store, &format!("{scope}/seen/")).await;
    listing_is_ordered_paged_and_bounded(store, &format!("{scope}/list/")).await;
    bodies_come_back_whole(store, &format!("{scope}/bodies/")).await;
    keys_are_kept_apart(store, &format!("{scope}/keys/")).await;
}

fn body(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

async fn create<S: Store + ?Sized>(store: &S, key: &str, text: &str) -> Created {
    store.create(key, body(text)).await.unwrap_or_else(|e| panic!("create {key}: {e}"))
}

async fn get<S: Store + ?Sized>(store: &S, key: &str) -> Option<Bytes> {
    store.get(key).await.unwrap_or_else(|e| panic!("get {key}: {e}"))
}

async fn keys<S: Store + ?Sized>(store: &S, prefix: &str, after: &str, limit: usize) -> (Vec<String>, bool) {
    let page = store.list(prefix, after, limit).await.unwrap_or_else(|e| panic!("list: {e}"));
    (page.entries.into_iter().map(|listed| listed.key).collect(), page.more)
}

async fn create_is_refused_when_there_is_something<S: Store + ?Sized>(store: &S, at: &str) {
    let key = format!("{at}one");
    assert_eq!(get(store, &key).await, None, "absent is None");
    assert_eq!(create(store, &key, "first").await, Created::Committed);
    assert_eq!(create(store, &key, "second").await, Created::Exists, "a second create is refused");
    assert_eq!(create(store, &key, "first").await, Created::Exists, "even with the same bytes");
    assert_eq!(get(store, &key).await, Some(body("first")), "the first create stands");
    let put = format!("{at}put");
    store.put(&put, body("put")).await.expect("put");
    assert_eq!(create(store, &put, "late").await, Created::Exists, "a put counts as something");
    assert_eq!(get(store, &put).await, Some(body("put")));
    let empty = format!("{at}empty");
    assert_eq!(create(store, &empty, "").await, Created::Committed);
    assert_eq!(create(store, &empty, "more").await, Created::Exists, "an empty object exists");
}

async fn put_overwrites_and_get_gives_the_last<S: Store + ?Sized>(store: &S, at: &str) {
    let key = format!("{at}beat");
    for n in 0..5 {
        store.put(&key, body(&format!("beat {n}"))).await.expect("put");
        assert_eq!(get(store, &key).await, Some(body(&format!("beat {n}"))));
    }
}

async fn deleted_is_absent_and_can_be_created<S: Store + ?Sized>(store: &S, at: &str) {
    let key = format!("{at}gone");
    store.delete(&key).await.expect("deleting what is not there is no error");
    assert_eq!(create(store, &key, "a").await, Created::Committed);
    store.delete(&key).await.expect("delete");
    assert_eq!(get(store, &key).await, None);
    assert_eq!(keys(store, at, "", 10).await, (vec![], false), "a deleted key is not listed");
    assert_eq!(create(store, &key, "b").await, Created::Committed, "a deleted key is free");
}

async fn one_of_many_creators_wins<S: Store + ?Sized>(store: &S, at: &str) {
    for round in 0..10 {
        let key = format!("{at}{round}");
        let texts: Vec<String> = (0..12).map(|n| format!("creator {n}")).collect();
        let answers = join_all(texts.iter().map(|text| create(store, &key, text))).await;
        let won: Vec<usize> = (0..texts.len()).filter(|n| answers[*n] == Created::Committed).collect();
        assert_eq!(won.len(), 1, "exactly one creator wins, round {round}: {answers:?}");
        assert_eq!(get(store, &key).await, Some(body(&texts[won[0]])), "the winner's bytes stand");
    }
}

async fn acknowledged_creates_are_seen_at_once<S: Store + ?Sized>(store: &S, at: &str) {
    for n in 1..=20_u64 {
        let (key, text) = (format!("{at}{n:020}"), format!("entry {n}"));
        assert_eq!(create(store, &key, &text).await, Created::Committed);
        assert_eq!(get(store, &key).await, Some(body(&text)), "read after write");
        let before = format!("{at}{:020}", n - 1);
        assert_eq!(keys(store, at, &before, 10).await, (vec![key], false), "list after write");
    }
}

async fn listing_is_ordered_paged_and_bounded<S: Store + ?Sized>(store: &S, at: &str) {
    let all: Vec<String> = (0..25).map(|n| format!("{at}{:020}.json", n * 7)).collect();
    let writes = all.iter().rev().map(|key| store.put(key, body(key)));
    try_join_all(writes).await.expect("put");
    store.put(&format!("{}z", at.trim_end_matches('/')), body("outside")).await.expect("put");
    let (mut seen, mut after) = (Vec::new(), String::new());
    for page in 0.. {
        let (found, more) = keys(store, at, &after, 10).await;
        assert_eq!(found.len(), [10, 10, 5][page], "page {page}");
        after.clone_from(found.last().expect("no empty page"));
        seen.extend(found);
        assert_eq!(more, page < 2, "more after page {page}");
        if !more {
            break;
        }
    }
    assert_eq!(seen, all, "ascending, whole, nothing from outside the prefix");
    assert_eq!(keys(store, at, &all[24], 10).await, (vec![], false), "nothing after the last");
    assert_eq!(keys(store, at, "", 25).await, (all.clone(), false), "a full last page has no more");
    let between = format!("{at}{:020}.json", 8);
    let (found, _) = keys(store, at, &between, 1).await;
    assert_eq!(found, all[2..3], "starting after a key that is not there");
    let page = store.list(at, "", 1).await.expect("list");
    assert_eq!(page.entries[0].size, all[0].len() as u64, "sizes are in bytes");
}

async fn bodies_come_back_whole<S: Store + ?Sized>(store: &S, at: &str) {
    for size in [0, 1, 8 << 10, 200 << 10, 4 << 20] {
        let bytes: Bytes = (0..size).map(|n: usize| (n * 31 % 251) as u8).collect();
        let key = format!("{at}{size}");
        let created = store.create(&key, bytes.clone()).await.expect("create");
        assert_eq!(created, Created::Committed);
        assert_eq!(get(store, &key).await, Some(bytes), "{size} bytes");
    }
}

async fn keys_are_kept_apart<S: Store + ?Sized>(store: &S, at: &str) {
    let names: BTreeSet<String> =
        ["a", "a.json", "a-b/c.json", "A", "a_b", "a=b"].iter().map(|name| format!("{at}{name}")).collect();
    for name in &names {
        assert_eq!(create(store, name, name).await, Created::Committed, "{name}");
    }
    for name in &names {
        assert_eq!(get(store, name).await, Some(body(name)));
    }
    let (found, more) = keys(store, at, "", 100).await;
    assert_eq!((found.into_iter().collect::<BTreeSet<_>>(), more), (names, false));
}
