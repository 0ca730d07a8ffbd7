//! The exchange with the control plane, from the assignment to the end: whole sets in both directions.

use crate::control::{Backoff, CallError, Contact, ControlPlane};
use crate::credentials::Keyring;
use firesteel_core::id::{Mark, WorkerId};
use firesteel_core::time::Millis;
use firesteel_protocol::transport::Errand;
use firesteel_protocol::{Answer, Assignment, Exchange, ExecutorSighting, StopOrder, Wanted};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The longest that a call asks to be held.
const LONGEST_HOLD: Duration = Duration::from_secs(25);

/// Who speaks, and how often.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) worker: WorkerId,
    pub(super) mark: Mark,
    pub(super) fence: u64,
    pub(super) ui_port: Option<u16>,
    pub(super) keyring: Keyring,
    pub(super) every: Duration,
    pub(super) limit: Duration,
}

/// What the runner has to say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) started: Option<Millis>,
    pub(crate) wanted: Option<Wanted>,
}

/// What the runner is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Stop(StopOrder),
    Stale,
    Lost,
}

/// The exchange's side of the channels.
pub(super) struct Links {
    report: watch::Receiver<Report>,
    order: watch::Sender<Option<Order>>,
    sightings: watch::Sender<Vec<ExecutorSighting>>,
}

/// The job's side.
pub(crate) struct Ends {
    pub(crate) report: watch::Sender<Report>,
    pub(crate) order: watch::Receiver<Option<Order>>,
    pub(crate) sightings: watch::Receiver<Vec<ExecutorSighting>>,
}

impl Session {
    pub(super) fn new(errand: &Errand, mark: Mark, ui_port: Option<u16>, assignment: &Assignment) -> Self {
        let common = assignment.common();
        Self {
            worker: errand.worker.clone(),
            mark,
            fence: common.fence,
            ui_port,
            keyring: Keyring::new(common.credentials.clone()),
            every: Duration::from_millis(common.contact_every_ms.max(100)),
            limit: Duration::from_millis(common.contact_limit_ms),
        }
    }
}

impl Links {
    pub(super) fn new() -> (Self, Ends) {
        let report = watch::channel(Report::default());
        let order = watch::channel(None);
        let sightings = watch::channel(Vec::new());
        let links = Self { report: report.1, order: order.0, sightings: sightings.0 };
        (links, Ends { report: report.0, order: order.1, sightings: sightings.1 })
    }
}

/// Exchanges until told to stop for good (stale, lost) or aborted. A change of the report cuts a held call short.
pub(super) async fn exchange(control: Arc<dyn ControlPlane>, session: Session, mut links: Links) {
    let mut contact = Contact::new(Instant::now(), session.limit);
    let mut talk = Talk::default();
    let mut backoff = Backoff::default();
    loop {
        let report = links.report.borrow_and_update().clone();
        let call = talk.call(&session, &report);
        let begun = Instant::now();
        let answered = tokio::select! {
            answered = control.exchange(&call) => answered,
            changed = links.report.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        match answered {
            Ok(answer) => {
                contact.heard(Instant::now());
                backoff.succeeded();
                let again = talk.heard(&call, &answer);
                if take(&session, &links, answer) {
                    return;
                }
                if !again && begun.elapsed() < Duration::from_millis(call.wait_ms) / 2 {
                    pause(&mut links.report, session.every).await;
                }
            }
            Err(error) => {
                if contact.is_lost(Instant::now()) {
                    links.order.send_replace(Some(Order::Lost));
                    return;
                }
                report_error(&session, &error);
                pause(&mut links.report, backoff.failed()).await;
            }
        }
    }
}

/// Waits, or until there is something new to say.
async fn pause(report: &mut watch::Receiver<Report>, wait: Duration) {
    // Whichever comes first; the report is read again either way.
    let _ = tokio::time::timeout(wait, report.changed()).await;
    report.mark_changed();
}

fn report_error(session: &Session, error: &CallError) {
    say!("firesteel runner {}: exchange: {error}", session.worker);
}

/// Hands out what an answer says; true if it was the last.
fn take(session: &Session, links: &Links, answer: Answer) -> bool {
    if let Some(fresh) = answer.credentials {
        session.keyring.renew(fresh);
    }
    if answer.stale {
        links.order.send_replace(Some(Order::Stale));
        return true;
    }
    if let Some(stop) = answer.stop {
        links.order.send_if_modified(|order| {
            let first = order.is_none();
            if first {
                *order = Some(Order::Stop(stop));
            }
            first
        });
    }
    links.sightings.send_if_modified(|known| {
        let changed = *known != answer.executors;
        if changed {
            *known = answer.executors;
        }
        changed
    });
    false
}

/// What was said and heard so far.
#[derive(Default)]
struct Talk {
    seen: u64,
    sent: BTreeSet<String>,
}

impl Talk {
    fn call(&self, session: &Session, report: &Report) -> Exchange {
        let wanted = report.wanted.clone().map(|mut wanted| {
            wanted.launches.retain(|hash, _| !self.sent.contains(hash));
            wanted
        });
        Exchange {
            worker: session.worker.clone(),
            mark: session.mark.clone(),
            fence: session.fence,
            started: report.started,
            wanted,
            seen: self.seen,
            wait_ms: session.every.min(LONGEST_HOLD).as_millis() as u64,
            credentials_expire: Some(session.keyring.newest().expires),
        }
    }

    /// Notes an answer; true if another call is due at once.
    fn heard(&mut self, call: &Exchange, answer: &Answer) -> bool {
        self.sent.extend(call.wanted.iter().flat_map(|wanted| wanted.launches.keys().cloned()));
        for unknown in &answer.unknown_launches {
            self.sent.remove(unknown);
        }
        let news = self.seen != answer.digest;
        self.seen = answer.digest;
        news || !answer.unknown_launches.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use firesteel_protocol::{Credentials, End, Ended, Greeting, Hello};
    use std::sync::Mutex;

    fn session(limit: Duration) -> Session {
        let credentials = Credentials {
            access_key_id: "first".into(),
            secret_access_key: String::new(),
            session_token: String::new(),
            granted: Millis(0),
            expires: Millis(1_000),
        };
        Session {
            worker: WorkerId::new("w"),
            mark: Mark::new("m"),
            fence: 1,
            ui_port: None,
            keyring: Keyring::new(credentials),
            every: Duration::from_secs(20),
            limit,
        }
    }

    fn wanted(version: u64) -> Wanted {
        let launches = [("hash".to_owned(), serde_json::json!({"a": 1}))].into();
        Wanted { version, executors: Vec::new(), launches }
    }

    /// Answers from a script; when it is over, holds calls for ever.
    struct Scripted {
        answers: Mutex<Vec<Result<Answer, CallError>>>,
        heard: Mutex<Vec<Exchange>>,
    }

    impl Scripted {
        fn new(answers: Vec<Result<Answer, CallError>>) -> Arc<Self> {
            Arc::new(Self { answers: Mutex::new(answers), heard: Mutex::default() })
        }

        async fn until_heard(&self, count: usize) -> Vec<Exchange> {
            loop {
                let heard = self.heard.lock().unwrap().clone();
                if heard.len() >= count {
                    return heard;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    #[async_trait]
    impl ControlPlane for Scripted {
        async fn hello(&self, _: &Hello) -> Result<Greeting, CallError> {
            Err(CallError::Silent("not asked".into()))
        }
        async fn exchange(&self, exchange: &Exchange) -> Result<Answer, CallError> {
            self.heard.lock().unwrap().push(exchange.clone());
            let next = { self.answers.lock().unwrap().pop() };
            match next {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
        async fn end(&self, _: &End) -> Result<Ended, CallError> {
            Err(CallError::Silent("not asked".into()))
        }
    }

    #[tokio::test]
    async fn a_change_cuts_a_held_call_short_and_launches_are_sent_once() {
        let control = Scripted::new(vec![]);
        let (links, ends) = Links::new();
        let running = tokio::spawn(exchange(control.clone(), session(Duration::from_secs(60)), links));
        control.until_heard(1).await;
        ends.report.send_modify(|report| report.wanted = Some(wanted(1)));
        let heard = control.until_heard(2).await;
        assert_eq!(heard[1].wanted, Some(wanted(1)));
        control.answers.lock().unwrap().push(Ok(Answer { digest: 7, ..Answer::default() }));
        ends.report.send_modify(|report| report.wanted = Some(wanted(2)));
        let heard = control.until_heard(4).await;
        assert_eq!(heard[2].wanted.as_ref().map(|w| w.launches.len()), Some(1), "not known to be heard yet");
        assert_eq!(heard[3].wanted.as_ref().map(|w| w.launches.len()), Some(0));
        assert_eq!(heard[3].seen, 7);
        running.abort();
    }

    #[tokio::test]
    async fn launches_that_are_asked_for_are_sent_again() {
        let asks = Answer { digest: 1, unknown_launches: vec!["hash".into()], ..Answer::default() };
        let control = Scripted::new(vec![Ok(asks)]);
        let (links, ends) = Links::new();
        ends.report.send_modify(|report| report.wanted = Some(wanted(1)));
        let running = tokio::spawn(exchange(control.clone(), session(Duration::from_secs(60)), links));
        let heard = control.until_heard(2).await;
        assert_eq!(heard[1].wanted.as_ref().map(|w| w.launches.len()), Some(1));
        running.abort();
    }

    #[tokio::test]
    async fn orders_and_credentials_reach_the_job() {
        let stop = StopOrder { decommission: true, grace_ms: 5, reason: "why".into() };
        let mut fresh = session(Duration::ZERO).keyring.newest();
        fresh.access_key_id = "second".into();
        fresh.expires = Millis(2_000);
        let answer =
            Answer { digest: 1, stop: Some(stop.clone()), credentials: Some(fresh), ..Answer::default() };
        let stale = Answer { stale: true, ..Answer::default() };
        let control = Scripted::new(vec![Ok(stale), Ok(answer)]);
        let (links, mut ends) = Links::new();
        let session = session(Duration::from_secs(60));
        let running = tokio::spawn(exchange(control, session.clone(), links));
        let mut orders = Vec::new();
        while orders.last() != Some(&Order::Stale) {
            ends.order.changed().await.unwrap();
            orders.extend(ends.order.borrow_and_update().clone());
        }
        assert!(orders.len() == 1 || orders[0] == Order::Stop(stop), "{orders:?}");
        assert_eq!(session.keyring.newest().access_key_id, "second");
        running.await.unwrap();
    }

    #[tokio::test]
    async fn silence_ends_the_job() {
        let silent = || Err(CallError::Silent("nobody".into()));
        let control = Scripted::new((0..50).map(|_| silent()).collect());
        let (links, mut ends) = Links::new();
        tokio::spawn(exchange(control, session(Duration::from_millis(250)), links));
        ends.order.changed().await.unwrap();
        assert_eq!(*ends.order.borrow(), Some(Order::Lost));
    }
}
