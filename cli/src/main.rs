//! The `firesteel` binary.
fn main() {}
