//! The control plane as its callers and its runners meet it: whole requests in, whole answers out.

mod authorization;
mod dashboards;
mod http;
mod life;
mod operations;
mod runner;
mod world;
