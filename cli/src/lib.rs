//! The command line of Firesteel: `up`, `env`, `serve`, the verbs of the EMR Serverless API, `logs`, `cost`,
//! `release`.
//!
//! This room puts the parts together and brings what they need of the machine ([`machine`]). It must not hold rules of
//! applications and job runs, nor the wire's shapes: it asks the rooms that do.

pub mod access;
pub mod arguments;
pub mod cost;
pub mod failure;
pub mod folder;
pub mod http_client;
pub mod logging;
pub mod logs;
pub mod machine;
pub mod release;
pub mod serve;
pub mod shell;
mod toml_text;
pub mod trust;
pub mod up;
pub mod verbs;

use arguments::{Arguments, Command};
use clap::{CommandFactory, FromArgMatches};
use failure::Failure;
use firesteel_wire::Operation;
use machine::identity_file;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Runs the command line. `words` begins with the program's name.
pub fn run(words: Vec<OsString>) -> ExitCode {
    let done = match verb(&words) {
        Some(operation) => run_verb(operation, &words).map(|()| ExitCode::SUCCESS),
        None => run_own(&words),
    };
    done.unwrap_or_else(|failure| failure.report())
}

/// Prints a line (or more) on the standard output; a reader that went away ends the program quietly.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    print(&format!("{text}\n"))
}

/// Prints a text as it is; a reader that went away ends the program quietly.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(gone)
}

pub(crate) fn gone(error: std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => Failure::Silent(0),
        _ => error.into(),
    }
}

/// The operation that the first word names, `help` before it or not.
fn verb(words: &[OsString]) -> Option<Operation> {
    let named = |at: usize| words.get(at).and_then(|word| word.to_str());
    match named(1)? {
        "help" => verbs::operation(named(2)?),
        word => verbs::operation(word),
    }
}

fn run_verb(operation: Operation, words: &[OsString]) -> Result<(), Failure> {
    let mut words = words.to_vec();
    if words[1] == "help" {
        words.swap(1, 2);
        words[2] = "--help".into();
    }
    let command = Arguments::command().subcommand(verbs::command(operation));
    let matches = command.try_get_matches_from(words).unwrap_or_else(|error| error.exit());
    let matches = matches.subcommand_matches(&operation.command()).unwrap_or(&matches);
    asynchronous()?.block_on(verbs::run(operation, matches))
}

fn run_own(words: &[OsString]) -> Result<ExitCode, Failure> {
    let matches = own_commands().try_get_matches_from(words).unwrap_or_else(|error| error.exit());
    match Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()).command {
        Command::Up(up) => long_lived(up::run(up))?,
        Command::Serve(serve) => long_lived(serve::run(serve))?,
        Command::Env(env) => print_env(env)?,
        Command::Logs(logs) => asynchronous()?.block_on(logs::run(logs))?,
        Command::Cost(cost) => asynchronous()?.block_on(cost::run(cost))?,
        Command::Release(release) => release::run(release)?,
        Command::Runner(runner) => {
            logging::start("info");
            return Ok(firesteel_agent::run(runner.errand_fd));
        }
        Command::RunnerGuard(guard) => return Ok(firesteel_agent::guard(&guard.mark)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a server; what still goes on in the background when it has ended is not waited for.
fn long_lived(server: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    logging::start("info");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(server);
    runtime.shutdown_background();
    done
}

/// Our own commands, and the verbs by name only: enough for help and for "did you mean".
fn own_commands() -> clap::Command {
    let names: Vec<String> = Operation::ALL.iter().map(|operation| operation.command()).collect();
    let listing = format!(
        "Verbs of the EMR Serverless API, with the flags of `aws emr-serverless`:\n  {}\n\n\
         Begin with:\n  firesteel up\n  eval \"$(firesteel env)\"\n  aws emr-serverless list-applications",
        names.join("\n  ")
    );
    let bare = |operation: &Operation| {
        clap::Command::new(operation.command()).about(verbs::summary(*operation)).hide(true)
    };
    Arguments::command().after_help(listing).subcommands(Operation::ALL.iter().map(bare))
}

fn print_env(env: arguments::Env) -> Result<(), Failure> {
    let folder = folder::DataFolder::choose(env.data.data)?;
    let installation = folder.open()?;
    let keys = match &env.identity {
        Some(name) => identity_file::keys_of(&folder.path().join(identity_file::FILE), name)?,
        None => installation.operator.clone(),
    };
    if std::env::var_os("AWS_SESSION_TOKEN").is_some_and(|token| !token.is_empty()) {
        eprintln!(
            "firesteel: AWS_SESSION_TOKEN is set in this shell and would spoil these keys: unset AWS_SESSION_TOKEN"
        );
    }
    let mut out = std::io::stdout().lock();
    write!(out, "{}", shell::exports(&installation, &keys)).and_then(|()| out.flush()).map_err(gone)
}

/// One thread is enough to ask and to wait.
fn asynchronous() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
