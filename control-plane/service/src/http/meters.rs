//! How long requests took, by operation and status. Each series is looked up once.

use firesteel_wire::Operation;
use metrics::Histogram;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// Series of `firesteel_api_seconds`.
#[derive(Default)]
pub(super) struct Meters {
    known: RwLock<BTreeMap<(Option<Operation>, u16), Histogram>>,
}

impl Meters {
    /// Notes a request; `None` for one whose operation was not found out.
    pub(super) fn record(&self, operation: Option<Operation>, status: u16, took: Duration) {
        let series = (operation, status);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&series).cloned();
        let meter = known.unwrap_or_else(|| {
            let name = operation.map_or("unknown", Operation::name);
            let meter =
                metrics::histogram!("firesteel_api_seconds", "operation" => name, "status" => status.to_string());
            self.known.write().unwrap_or_else(PoisonError::into_inner).insert(series, meter.clone());
            meter
        });
        meter.record(took);
    }
}
