//! What the fuzz targets do with arbitrary bytes. The crates' own tests do the same with the corpus and bent copies of it
//! (`tests/fuzzed.rs` in `control-plane/wire` and `control-plane/core`), so that these promises hold in every build.

pub mod bent;
pub mod parameters;
pub mod wire;
