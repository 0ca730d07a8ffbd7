//! firesteel-agent (room being furnished).

pub mod pod_api;
