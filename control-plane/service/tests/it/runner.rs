//! What runners are answered, by call, and what becomes of workers.

mod end;
mod exchange;
mod hello;
mod lives;
mod quota;
