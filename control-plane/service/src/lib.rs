//! firesteel-service (room being furnished).
