//! firesteel-protocol (room being furnished).
