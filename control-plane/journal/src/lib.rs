//! The create-only journal on S3: state as the fold of numbered entries, each an object created once.
//!
//! * [`Store`] is the port; [`MemoryStore`] is its plain form. [`suite`] says what it means.
//! * [`Journal`] commits commands to one log and folds it, whatever the rules behind [`Fold`] are.
//! * [`keys`] is the map of everything stored.
//!
//! The crate knows nothing of applications, runs or workers, and reads no clock and draws no chance of its own.
//! See `docs/storage.md`.

mod draft;
mod entry;
mod faulty;
mod fold;
mod journal;
pub mod keys;
mod memory;
mod port;
mod probe;
pub mod protocols;
mod recording;
mod replay;
pub mod requests;
mod s3;
pub mod segments;
#[doc(hidden)]
pub mod suite;
mod upkeep;
mod writer;

pub use entry::{Entry, FORMAT, FormatError, decode, decode_checkpoint, encode, encode_checkpoint};
pub use faulty::{Fault, FaultyStore, Kind, Odds, Plan, SeededPlan, Verdict};
pub use fold::{Accepted, Clock, Deps, Fold, Millis, ReadError, Settings, Snapshot, SubmitError};
pub use journal::Journal;
pub use keys::Log;
pub use memory::MemoryStore;
pub use port::{Created, Listed, Page, Store, StoreError};
pub use probe::{ProbeError, probe};
pub use recording::{Counts, RecordingStore};
pub use requests::Stored;
pub use s3::S3Store;
