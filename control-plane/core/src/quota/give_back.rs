//! The application's side: it takes what was granted, and gives back what it does not use.

use crate::admission;
use crate::application::Application;
use crate::command::Room;
use crate::event::Event;

/// Before anything is admitted: what was granted since is taken; otherwise what is not used goes back first, if it must.
pub(crate) fn settle(app: &Application, room: &Room) -> Option<Event> {
    let granted = room.granted.as_ref()?;
    if granted.version > app.grant.seen {
        let (amounts, version) = (granted.amounts.clone(), granted.version);
        return Some(Event::GrantTaken { amounts, version });
    }
    give_back(app, room)
}

/// After everything is admitted. Heap on other hosts is theirs to give back, while anything lives.
pub(crate) fn give_back(app: &Application, room: &Room) -> Option<Event> {
    let granted = room.granted.as_ref().filter(|_| room.gives_back)?;
    let held = &app.grant.amounts;
    let mut amounts = held.clone();
    amounts.cpu = held.cpu.min(admission::in_use(app).cpu);
    if app.workers.values().any(|worker| worker.is_live()) {
        let used = admission::heap_in_use(app, room);
        amounts.set_heap(&room.host, held.heap_on(&room.host).min(used));
    } else {
        amounts.heap_mib.clear();
    }
    let seen = app.grant.seen.max(granted.version);
    (amounts != *held).then_some(Event::GrantLowered { amounts, seen })
}
