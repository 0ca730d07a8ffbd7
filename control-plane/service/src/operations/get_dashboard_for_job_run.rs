//! GetDashboardForJobRun: a URL that opens the run's Spark UI for one hour.
//!
//! EMR refuses it for a run that does not run yet; here the URL opens a page that says what the run waits for, and
//! that turns into the Spark UI.

use super::{Caller, Service, json, text};
use crate::applications::now;
use crate::dashboards::{self, LIFE, Ticket};
use firesteel_wire::{ApiError, Input, texts};
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
struct Answer {
    url: String,
}

impl Service {
    pub(super) async fn get_dashboard_for_job_run(
        &self,
        caller: &Caller,
        input: &Input,
    ) -> Result<String, ApiError> {
        let home = self.home(input).await?;
        let run = self.find_run(&home, text(input, "jobRunId")).await?;
        let newest = run.attempt_number();
        let asked = input.get("attempt").and_then(Value::as_i64);
        let attempt = match asked.map(u32::try_from) {
            None => newest,
            Some(Ok(asked)) if (1..=newest).contains(&asked) => asked,
            Some(_) => {
                let (id, asked) = (run.request.id.as_str(), asked.unwrap_or_default());
                return Err(ApiError::not_found(texts::attempt_not_found(id, asked)));
            }
        };
        let ticket = Ticket {
            application: home.id.clone(),
            run: run.request.id.clone(),
            attempt,
            expires: now(&self.parts).plus(LIFE),
        };
        let target = dashboards::target(&ticket, &self.parts.config.secret);
        json(&Answer { url: format!("{}{target}", self.origin(caller)) })
    }

    /// Where the caller reaches this control plane: under the name that they have used, by what runners use.
    fn origin(&self, caller: &Caller) -> String {
        let own = self.parts.config.public_url.as_str();
        match (&caller.host, own.split_once("://")) {
            (Some(host), Some((scheme, _))) => format!("{scheme}://{host}"),
            _ => own.to_owned(),
        }
    }
}
