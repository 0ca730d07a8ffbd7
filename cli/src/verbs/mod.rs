//! The verbs of the EMR Serverless API with AWS's flag names, all read from the service model.
//!
//! This room knows how to ask and how to show the answer. It must not know what any operation does.

mod call;
mod flags;
mod functions;
mod input;
mod paging;
mod print;
mod query;
mod runs;
mod shorthand;
mod shown;
mod table;
mod text;
mod unknown;

pub use call::{Api, CallError};
pub use flags::{command, summary};
pub use print::json;
pub use runs::{application_of, find_run, get_run};

use crate::access::Access;
use crate::failure::Failure;
use clap::ArgMatches;
use firesteel_wire::Operation;

/// The operation behind a verb, e.g. `start-job-run`.
pub fn operation(verb: &str) -> Option<Operation> {
    Operation::ALL.iter().copied().find(|operation| operation.command() == verb)
}

/// Does what the verb says and prints the answer.
pub async fn run(operation: Operation, matches: &ArgMatches) -> Result<(), Failure> {
    let input = input::gather(operation, matches).map_err(Failure::Usage)?;
    let printing = flags::printing(matches).map_err(Failure::Usage)?;
    let paging = paging::Paging::of(operation, matches, &input)?;
    let api = Api::new(Access::find(&flags::target(matches))?)?;
    let text = match paging {
        Some(paging) => {
            let (pages, token) = paging.all(&api, input).await?;
            printing.pages(operation, paging.list(), pages, token)
        }
        None => printing.answer(operation, api.call(operation, &input).await?),
    };
    crate::print(&text.map_err(Failure::Usage)?)
}
