//! firesteel-substrate (room being furnished).
