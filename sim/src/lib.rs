//! sim (room being furnished).
