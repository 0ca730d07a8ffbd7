//! The lives of applications and runs: retries, queues, terms, tokens, texts by state.

mod idle;
mod queue;
mod retries;
mod settings;
mod terms;
mod tokens;
