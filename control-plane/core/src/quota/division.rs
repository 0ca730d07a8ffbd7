//! The registry's side: who is granted what, and who waits.

use super::{Amounts, Granted, Limit, Raise, Step, Wish};
use crate::id::{ApplicationId, HostId};
use crate::refusal::Refusal;
use crate::registry::RegistryEvent;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

/// What is divided between applications.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Division {
    /// What each is granted.
    pub granted: OrdMap<ApplicationId, Granted>,
    /// What those lack that wait.
    pub wishes: OrdMap<ApplicationId, Wish>,
    /// The last ticket that was given.
    pub last_ticket: u64,
}

impl Division {
    /// What this application is granted.
    pub fn granted_to(&self, application: &ApplicationId) -> Granted {
        self.granted.get(application).cloned().unwrap_or_default()
    }

    /// True if another application waits that came before this one: it gives back what it does not use.
    pub fn must_yield(&self, application: &ApplicationId) -> bool {
        self.wishes.iter().any(|(other, wish)| other != application && self.is_before(wish, application))
    }

    /// What the others leave to this application, its own part included.
    pub fn left_to(&self, application: &ApplicationId, host: &HostId, limit: Limit) -> Limit {
        let mut left = limit;
        let others = self.granted.iter().map(|(other, granted)| (other, granted.amounts.clone()));
        let waiting = self.wishes.keys().filter(|other| !self.granted.contains_key(*other));
        let others = others.chain(waiting.map(|other| (other, Amounts::default())));
        for (other, granted) in others.filter(|(other, _)| *other != application) {
            let ahead = self.wishes.get(other).filter(|wish| self.is_before(wish, application));
            let kept = ahead.map_or(granted.clone(), |wish| granted.or_more(&wish.amounts));
            left.cpu = left.cpu.saturating_sub(kept.cpu);
            left.heap_mib = left.heap_mib.saturating_sub(kept.heap_on(host));
        }
        left
    }

    fn is_before(&self, wish: &Wish, application: &ApplicationId) -> bool {
        self.wishes.get(application).is_none_or(|own| wish.ticket < own.ticket)
    }

    /// As many steps as there is room for; the first that finds none is what it waits for.
    pub fn raise(&self, ask: &Raise) -> Vec<RegistryEvent> {
        let left = self.left_to(&ask.application, &ask.host, ask.limit);
        let before = self.granted_to(&ask.application);
        let mut amounts = before.amounts.clone();
        let mut lacking = None;
        for step in &ask.steps {
            let cpu_is_there = step.cpu <= amounts.cpu.max(left.cpu);
            let heap_is_there = step.heap_mib <= amounts.heap_on(&ask.host).max(left.heap_mib);
            if !cpu_is_there || !heap_is_there {
                lacking = Some(*step);
                break;
            }
            amounts = amounts.or_more(&step.on(&ask.host));
        }
        let raised = amounts != before.amounts;
        let mut events = Vec::new();
        if raised {
            let (application, version) = (ask.application.clone(), before.version + 1);
            events.push(RegistryEvent::GrantRaised { application, amounts, version });
        }
        if ask.queues {
            events.extend(self.wish(ask, lacking, raised));
        }
        events
    }

    /// Who was served and wants more goes behind those who wait.
    fn wish(&self, ask: &Raise, lacking: Option<Step>, served: bool) -> Option<RegistryEvent> {
        let application = ask.application.clone();
        let known = self.wishes.get(&application);
        // What can never be had keeps nothing from others.
        let fits = |step: &Step| step.cpu <= ask.limit.cpu && step.heap_mib <= ask.limit.heap_mib;
        let Some(step) = lacking.filter(fits) else {
            return known.map(|_| RegistryEvent::WishDropped { application });
        };
        let mut amounts = known.map(|wish| wish.amounts.clone()).unwrap_or_default();
        amounts.cpu = step.cpu;
        amounts.set_heap(&ask.host, step.heap_mib);
        let ticket = known.filter(|_| !served).map_or(self.last_ticket + 1, |wish| wish.ticket);
        let wish = Wish { amounts, ticket };
        (known != Some(&wish)).then_some(RegistryEvent::WishMade { application, wish })
    }

    /// What is in use is granted, whatever the limits say: it was admitted before there were grants.
    pub fn cover(&self, application: &ApplicationId, in_use: &Amounts) -> Vec<RegistryEvent> {
        let before = self.granted_to(application);
        let amounts = before.amounts.clone().or_more(in_use);
        if amounts == before.amounts {
            return Vec::new();
        }
        let version = before.version + 1;
        vec![RegistryEvent::GrantRaised { application: application.clone(), amounts, version }]
    }

    /// What the application has given back. Refused if something was granted since it last looked.
    pub fn lower(
        &self,
        application: &ApplicationId,
        seen: u64,
        held: &Amounts,
    ) -> Result<Vec<RegistryEvent>, Refusal> {
        let before = self.granted_to(application);
        if before.version != seen {
            return Err(Refusal::LookAgain);
        }
        let amounts = before.amounts.clone().or_less(held);
        if amounts == before.amounts {
            return Ok(Vec::new());
        }
        Ok(vec![RegistryEvent::GrantLowered { application: application.clone(), amounts }])
    }

    /// It waits for nothing any more.
    pub fn withdraw(&self, application: &ApplicationId) -> Vec<RegistryEvent> {
        let known = self.wishes.contains_key(application);
        let dropped = RegistryEvent::WishDropped { application: application.clone() };
        known.then_some(dropped).into_iter().collect()
    }

    pub(crate) fn raised(&mut self, application: &ApplicationId, amounts: &Amounts, version: u64) {
        self.granted.insert(application.clone(), Granted { amounts: amounts.clone(), version });
    }

    pub(crate) fn lowered(&mut self, application: &ApplicationId, amounts: &Amounts) {
        if let Some(granted) = self.granted.get_mut(application) {
            granted.amounts = amounts.clone();
        }
    }

    pub(crate) fn wished(&mut self, application: &ApplicationId, wish: &Wish) {
        self.last_ticket = self.last_ticket.max(wish.ticket);
        self.wishes.insert(application.clone(), wish.clone());
    }

    pub(crate) fn dropped(&mut self, application: &ApplicationId) {
        self.wishes.remove(application);
    }

    /// A deleted application uses nothing: its journal is closed.
    pub(crate) fn deleted(&mut self, application: &ApplicationId) {
        self.granted.remove(application);
        self.wishes.remove(application);
    }
}

impl Step {
    fn on(&self, host: &HostId) -> Amounts {
        let mut amounts = Amounts { cpu: self.cpu, ..Amounts::default() };
        amounts.set_heap(host, self.heap_mib);
        amounts
    }
}
