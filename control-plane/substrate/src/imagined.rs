//! Workers in memory only (being furnished).
