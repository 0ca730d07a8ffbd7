//! CancelJobRun: a run that is being cancelled or has ended stays as it is, and the call succeeds: the operation is
//! idempotent, and who cancels a run that has just ended has what was wanted, a run that does not go on.

use super::{Service, json, refuse, text};
use crate::home::Home;
use firesteel_core::command::Command;
use firesteel_core::id::JobRunId;
use firesteel_core::refusal::Refusal;
use firesteel_core::time::SECOND;
use firesteel_journal::SubmitError;
use firesteel_wire::shapes::CancelJobRunResponse;
use firesteel_wire::{ApiError, Input, texts};
use serde_json::Value;

/// Allowed graces besides 0, seconds (user guide, "job-cancellation-grace-period").
const GRACES: std::ops::RangeInclusive<i64> = 15..=1800;
/// Grace of a streaming run when nothing is said, seconds.
const STREAMING_GRACE: i64 = 120;

impl Service {
    pub(super) async fn cancel_job_run(&self, input: &Input) -> Result<String, ApiError> {
        let home = self.home(input).await?;
        let id = text(input, "jobRunId");
        let run = self.find_run(&home, id).await?;
        let asked = input.get("shutdownGracePeriodInSeconds").and_then(Value::as_i64);
        let grace = match asked {
            Some(0) => 0,
            Some(grace) if GRACES.contains(&grace) => grace,
            Some(_) => return Err(ApiError::validation(texts::GRACE_PERIOD_RANGE)),
            None if &*run.request.mode == "STREAMING" => STREAMING_GRACE,
            None => 0,
        };
        if run.state.is_terminal() {
            return answer(&home, id);
        }
        let command = Command::CancelJobRun { run: JobRunId::new(id), grace: grace * SECOND };
        match home.submit(command).await {
            // It was archived meanwhile, so it had ended.
            Ok(_) | Err(SubmitError::Refused(Refusal::NoRun(_))) => {}
            Err(error) => return Err(refuse::submission(&home.id, error, |_| None)),
        }
        answer(&home, id)
    }
}

fn answer(home: &Home, id: &str) -> Result<String, ApiError> {
    json(&CancelJobRunResponse { application_id: home.id.to_string(), job_run_id: id.to_owned() })
}
