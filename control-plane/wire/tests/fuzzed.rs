//! The fuzz targets of this crate without libFuzzer: the checked-in corpus, and some thousands of bent copies of it.

#[allow(clippy::disallowed_methods)] // The rules read no file; their tests do.
#[path = "../../../fuzz/src/bent.rs"]
mod bent;
#[path = "../../../fuzz/src/wire.rs"]
mod wire;

#[test]
fn requests() {
    bent::inputs("request", 6000).for_each(|data| wire::request(&data));
}

#[test]
fn signatures() {
    bent::inputs("signature", 4000).for_each(|data| wire::signature(&data));
}

#[test]
fn tokens() {
    bent::inputs("token", 4000).for_each(|data| wire::token(&data));
}
