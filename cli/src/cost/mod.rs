//! `firesteel cost`: a run's billed resources times a table of prices that the user can change.
//!
//! It reads only the API and that table: it must not know how a bill is computed.

mod bill;
pub mod prices;

use crate::access::Access;
use crate::arguments::Cost as Arguments;
use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::verbs::{self, Api};
use bill::Cost;
use prices::Prices;
use serde_json::Value;

/// The states in which a run does not move any more.
const TERMINAL: [&str; 3] = ["SUCCESS", "FAILED", "CANCELLED"];

/// Prints what the run cost; exit 1 if it is not billed yet.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let folder = DataFolder::choose(arguments.target.data.data.clone()).ok();
    let text = prices::text(arguments.prices.as_deref(), folder.as_ref())?;
    let prices = Prices::parse(&text)?;
    let Some(job_run) = arguments.job_run.filter(|_| !arguments.print_prices) else {
        return crate::print(&text);
    };
    let api = Api::new(Access::find(&arguments.target)?)?;
    let run = verbs::find_run(&api, arguments.application_id.as_deref(), &job_run, None).await?;
    let application = verbs::application_of(&api, &run).await?;
    let architecture = application["architecture"].as_str().unwrap_or("X86_64");
    let Some(cost) = Cost::of(&run, architecture, &prices) else {
        return Err(anyhow::anyhow!("{}", not_billed(&run)).into());
    };
    match arguments.output.as_str() {
        "json" => crate::say(&verbs::json(&cost)),
        _ => crate::print(&cost.text()),
    }
}

fn not_billed(run: &Value) -> String {
    let text = |member: &str| run[member].as_str().unwrap_or_default();
    let (id, state) = (text("jobRunId"), text("state"));
    if TERMINAL.contains(&state) {
        format!(
            "job run {id} is {state} and not billed yet: its bill comes when its last worker has ended, within seconds"
        )
    } else {
        format!("job run {id} is {state}: not billed yet; a run is billed when it has ended")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_without_a_bill_says_why() {
        let said = |state: &str| not_billed(&json!({"jobRunId": "r", "state": state}));
        assert!(said("RUNNING").contains("r is RUNNING: not billed yet"));
        assert!(said("FAILED").contains("within seconds"));
    }
}
