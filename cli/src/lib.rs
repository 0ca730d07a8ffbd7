//! firesteel-cli (room being furnished).
