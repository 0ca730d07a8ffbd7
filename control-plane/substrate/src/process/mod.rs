//! Workers as sessions of processes on this machine (being furnished).
