//! The fuzz target of `spark::parameters` without libFuzzer: the checked-in corpus, and some thousands of bent copies of it.

#[allow(clippy::disallowed_methods)] // The rules read no file; their tests do.
#[path = "../../../fuzz/src/bent.rs"]
mod bent;
#[path = "../../../fuzz/src/parameters.rs"]
mod parameters;

#[test]
fn spark_submit_parameters() {
    bent::inputs("parameters", 6000).for_each(|data| parameters::text(&data));
}
