//! Why a run is not further: what the last tick saw, and what keeps a started driver's runner without its job.

use firesteel_core::application::Application;
use firesteel_core::id::JobRunId;
use firesteel_core::job_run::{JobRun, JobRunState};
use firesteel_core::plan::Waits;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The reasons of one moment.
#[derive(Clone, Default)]
pub struct Reasons {
    waits: Arc<Waits>,
    hindered: Arc<BTreeMap<JobRunId, String>>,
}

impl Reasons {
    /// `stateDetails`: why a waiting run waits, else what the state says.
    pub fn details<'a>(&self, app: &Application, run: &'a JobRun) -> Cow<'a, str> {
        let id = &run.request.id;
        let reason = match run.state {
            _ if run.wants_driver() => self.waits.of(app, id).map(|waiting| waiting.to_string()),
            JobRunState::Scheduled => self.hindered.get(id).cloned(),
            _ => None,
        };
        reason.map_or(Cow::Borrowed(&run.state_details), Cow::Owned)
    }

    /// Takes the reasons of a tick.
    pub fn note_waits(&mut self, waits: Waits) {
        self.waits = Arc::new(waits);
    }

    /// Takes what keeps a run's driver from its job, or that nothing does; runs that have ended are forgotten.
    pub fn note_hindered(&mut self, app: &Application, run: &JobRunId, why: Option<String>) {
        if why.is_none() && !self.hindered.contains_key(run) {
            return;
        }
        let hindered = Arc::make_mut(&mut self.hindered);
        hindered.retain(|known, _| known != run && app.runs.get(known).is_some());
        hindered.extend(why.map(|why| (run.clone(), why)));
    }
}
