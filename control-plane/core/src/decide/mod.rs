//! What a command means: the events it brings about, or why not.
//!
//! Pure: the same state, command and time give the same events. One file per kind of asker.

mod application;
mod history;
mod job_run;
mod progress;
mod retry;
mod tick;
mod worker;

use crate::application::Application;
use crate::command::Command;
use crate::event::Event;
use crate::refusal::Refusal;
use crate::time::Millis;

/// Decides one command at the time `now`.
pub fn decide(app: &Application, command: &Command, now: Millis) -> Result<Vec<Event>, Refusal> {
    if let Command::Create { identity, settings, tags } = command {
        return Ok(application::create(app, identity, settings, tags));
    }
    if !app.is_alive() {
        return application::after_its_end(app, command);
    }
    let mut draft = Draft { app: app.clone(), events: Vec::new(), now };
    run(&mut draft, command)?;
    Ok(draft.events)
}

fn run(draft: &mut Draft, command: &Command) -> Result<(), Refusal> {
    match command {
        Command::Create { .. } => Ok(()),
        Command::Update(patch) => application::update(draft, patch),
        Command::Start => application::start(draft),
        Command::Stop => application::stop(draft),
        Command::Delete => application::delete(draft),
        Command::Tag { run, tags, looked_at, moves } => {
            application::tag(draft, run.as_ref(), tags, looked_at.as_ref(), *moves)
        }
        Command::StartJobRun { run, looked_at } => job_run::start(draft, run, *looked_at),
        Command::CancelJobRun { run, grace } => job_run::cancel(draft, run, *grace),
        Command::FailJobRun { run, details } => job_run::fail(draft, run, details),
        Command::Abandon { host, details } => job_run::abandon(draft, host, details),
        Command::Archived(runs) => job_run::archived(draft, runs),
        Command::Packed { head, names } => history::packed(draft, head, names),
        Command::TagsStored(runs) => history::tags_stored(draft, runs),
        Command::Hello { worker, mark, address, ui_port } => {
            worker::hello(draft, worker, mark, address, *ui_port)
        }
        Command::Report { worker, mark, started, wanted, room } => {
            worker::report(draft, worker, mark, *started, wanted.as_ref(), room)
        }
        Command::Credentials { worker, until } => worker::credentials(draft, worker, *until),
        Command::End { worker, mark, fence, exit } => worker::end(draft, worker, mark, *fence, exit),
        Command::Lost { worker, exit } => worker::lost(draft, worker, exit),
        Command::GiveUp { worker, exit } => worker::give_up(draft, worker, exit),
        Command::Tick(seen) => tick::tick(draft, seen),
    }
}

/// The state as it becomes while events are decided one after the other.
struct Draft {
    app: Application,
    events: Vec<Event>,
    now: Millis,
}

impl Draft {
    fn emit(&mut self, event: Event) {
        self.app.apply(&event);
        self.events.push(event);
    }
}
