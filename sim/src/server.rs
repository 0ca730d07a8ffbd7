//! Control planes: the real ones, each life of them on its own cord, so that a crash ends everything at once.

use crate::chance::Dice;
use crate::cord::Cord;
use crate::host::Handle;
use crate::mistake::Mistake;
use crate::neighbours::Heartbeats;
use crate::parts::{Clock, Installed, Nobody, Outside};
use crate::site::Site;
use crate::store::{Line, Network};
use crate::truth::Truth;
use firesteel_protocol::{Answer, End, Exchange, Greeting, Hello, ObjectStore};
use firesteel_service::authorization::Policy;
use firesteel_service::without_http::{Caller, Desk, Service};
use firesteel_service::{Config, ControlPlane, NothingKept, Parts};
use firesteel_wire::{ApiError, Input, Operation};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Share of a host's memory for heaps, percent.
pub const HEAP_PERCENT: u64 = 70;
/// Milliseconds after which a runner without contact ends its job.
pub const CONTACT_LIMIT_MS: u64 = 180_000;

/// What all parties of one simulation share.
pub struct Common {
    /// The seed.
    pub seed: u64,
    /// What is wrong on purpose.
    pub mistake: Option<Mistake>,
    /// True while there are faults.
    pub storm: Arc<AtomicBool>,
    /// The truth.
    pub truth: Arc<Truth>,
    /// The beginning.
    pub origin: Instant,
    /// vCPU over all applications.
    pub quota_cpu: u32,
}

impl Common {
    /// True while there are faults.
    pub fn storms(&self) -> bool {
        self.storm.load(Ordering::SeqCst)
    }
}

/// What a runner says.
#[derive(Clone, Debug)]
pub enum Call {
    /// Its first word.
    Hello(Hello),
    /// Its report.
    Exchange(Exchange),
    /// Its last word.
    End(End),
}

/// What it is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// To a hello.
    Greeting(Greeting),
    /// To an exchange.
    Answer(Answer),
    /// To an end: acknowledged, or stale, which is the same to who has nothing more to say.
    Ended,
}

/// One life of a control plane.
pub struct Life {
    cord: Cord,
    plane: ControlPlane,
    desk: Desk,
    service: Service,
    heartbeats: Arc<Heartbeats>,
}

/// A place where a control plane lives, life after life.
pub struct Server {
    number: usize,
    common: Arc<Common>,
    network: Arc<Network>,
    site: Mutex<Arc<Site>>,
    lives: Mutex<Lives>,
}

#[derive(Default)]
struct Lives {
    count: u32,
    now: Option<Arc<Life>>,
}

impl Server {
    /// Nothing lives here yet.
    pub fn new(number: usize, common: Arc<Common>, network: Arc<Network>, site: Arc<Site>) -> Arc<Self> {
        Arc::new(Self { number, common, network, site: Mutex::new(site), lives: Mutex::default() })
    }

    /// Its host is gone for good: from now on it lives there.
    pub fn move_to(&self, site: Arc<Site>) {
        *self.site.lock().unwrap_or_else(PoisonError::into_inner) = site;
    }

    /// True if it lives there.
    pub fn is_at(&self, site: &Arc<Site>) -> bool {
        Arc::ptr_eq(&self.site(), site)
    }

    /// True while a control plane lives here.
    pub fn lives(&self) -> bool {
        self.now().now.is_some()
    }

    /// Starts a control plane; tries until it stands.
    pub async fn start(&self) {
        let count = {
            let mut now = self.now();
            now.count += 1;
            now.count
        };
        for attempt in 0.. {
            let (cord, site) = (Cord::default(), self.site());
            let deaths = site.deaths();
            let (parts, heartbeats) = self.parts(&cord, &site, count * 1000 + attempt);
            match ControlPlane::start(parts).await {
                // Its host may have died meanwhile, and it with it.
                Ok(plane) if site.deaths() > deaths => {
                    cord.cut();
                    tokio::spawn(async move { plane.stop().await });
                }
                Ok(plane) => {
                    self.common.truth.note(&format!("server {} lives", self.number));
                    let (desk, service) = (plane.desk(), plane.service());
                    let (saying, word) = (cord.clone(), heartbeats.clone());
                    tokio::spawn(async move { saying.ask(word.keep_saying()).await });
                    self.now().now = Some(Arc::new(Life { cord, plane, desk, service, heartbeats }));
                    return;
                }
                Err(error) => self.common.truth.note(&format!("server {}: {error:#}", self.number)),
            }
            cord.cut();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// It dies, and everything that it was doing with it.
    pub fn crash(&self) {
        let Some(life) = self.now().now.take() else { return };
        self.common.truth.note(&format!("server {} crashes", self.number));
        life.cord.cut();
        // Frees its tasks; none of them reaches the world any more.
        tokio::spawn(async move { life.plane.stop().await });
    }

    /// It stops in good order, or is killed after a while.
    pub async fn stop(&self) {
        let Some(life) = self.now().now.take() else { return };
        self.common.truth.note(&format!("server {} stops", self.number));
        let stopping = async {
            life.heartbeats.servers.leave().await;
            life.plane.stop().await;
        };
        let in_time = tokio::time::timeout(Duration::from_secs(30), stopping).await;
        self.common.truth.note(&format!("server {} stopped: {}", self.number, in_time.is_ok()));
        life.cord.cut();
    }

    /// Answers a caller; none if it does not live, or dies meanwhile.
    pub async fn operate(&self, operation: Operation, input: Input) -> Option<Result<String, ApiError>> {
        let life = self.life().filter(|_| self.site().reaches_out())?;
        let policy = Arc::new(Policy::everything());
        let caller = Caller { arn: "arn:aws:iam::123456789012:user/sim".to_owned(), policy, host: None };
        life.cord.ask(life.service.call(caller, operation, input)).await
    }

    /// Answers a runner that lives at `from`; none if it does not live, dies meanwhile, cannot, or there is no way.
    pub async fn answer(&self, from: &Site, token: &str, call: Call) -> Option<Reply> {
        let life = self.life().filter(|_| from.reaches(&self.site()))?;
        let answer = life.cord.ask(self.at_the_desk(&life.desk, token, call)).await.flatten();
        answer.filter(|_| from.reaches(&self.site()))
    }

    async fn at_the_desk(&self, desk: &Desk, token: &str, call: Call) -> Option<Reply> {
        let worker = match &call {
            Call::Hello(hello) => &hello.worker,
            Call::Exchange(exchange) => &exchange.worker,
            Call::End(end) => &end.worker,
        };
        let home = desk.admit(token, worker).await.ok()?;
        match call {
            Call::Hello(hello) => desk.hello(&home, self.flawed(hello)).await.ok().map(Reply::Greeting),
            Call::Exchange(exchange) => desk.exchange(&home, exchange).await.ok().map(Reply::Answer),
            Call::End(end) => desk.end(&home, end).await.ok().map(|_| Reply::Ended),
        }
    }

    /// The mistake: whoever says hello is taken for the process that said it first.
    fn flawed(&self, mut hello: Hello) -> Hello {
        if self.common.mistake == Some(Mistake::ForgetTheMark) {
            let known = self.common.truth.known();
            let first = known.told_of(&hello.worker).and_then(|told| told.greeted.get(&hello.worker));
            hello.mark = first.cloned().unwrap_or(hello.mark);
        }
        hello
    }

    fn life(&self) -> Option<Arc<Life>> {
        self.now().now.clone()
    }

    fn site(&self) -> Arc<Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Lives> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parts(&self, cord: &Cord, site: &Arc<Site>, life: u32) -> (Parts, Arc<Heartbeats>) {
        let Common { seed, mistake, storm, truth, origin, quota_cpu } = &*self.common;
        let mut dice = Dice::new(*seed, &format!("life {life} of server {}", self.number));
        let skew = dice.below(20_000) as i64 - 10_000;
        let install = dice.millis(100, 20_000);
        let clock = Arc::new(Clock { origin: *origin, skew, dice: Mutex::new(dice.clone()) });
        let handle = Arc::new(Handle {
            cord: cord.clone(),
            host: site.host.clone(),
            truth: truth.clone(),
            mistake: *mistake,
        });
        let outside = Arc::new(Outside {
            cord: cord.clone(),
            dice: Mutex::new(Dice::new(dice.draw(), "outside")),
            storm: storm.clone(),
            truth: truth.clone(),
            mistake: *mistake,
            site: site.clone(),
            origin: *origin,
        });
        let line: Arc<dyn firesteel_journal::Store> = Arc::new(Line {
            cord: cord.clone(),
            network: self.network.clone(),
            mistake: *mistake,
            site: site.clone(),
            substrate: handle.clone(),
        });
        let heartbeats = Heartbeats::new(line.clone(), clock.clone(), &site.host.name(), *mistake);
        let parts = Parts {
            config: config(*mistake, *quota_cpu),
            state: line,
            world: clock,
            substrate: handle,
            runtimes: Arc::new(Installed::new(install)),
            roles: outside.clone(),
            salvage: outside.clone(),
            sweep: outside,
            logs: Arc::new(NothingKept),
            histories: Arc::new(NothingKept),
            identities: Arc::new(Nobody),
            neighbours: heartbeats.clone(),
        };
        (parts, heartbeats)
    }
}

fn config(mistake: Option<Mistake>, quota_cpu: u32) -> Config {
    let quota_cpu = if mistake == Some(Mistake::QuotaIsIgnored) { 1_000 } else { quota_cpu };
    Config {
        region: "us-east-1".to_owned(),
        account: "123456789012".to_owned(),
        quota_cpu,
        heap_percent: HEAP_PERCENT,
        store: ObjectStore { endpoint: None, region: "us-east-1".to_owned(), path_style: true },
        public_url: "http://127.0.0.1:9400".to_owned(),
        endpoints: vec!["http://127.0.0.1:9400".to_owned()],
        secret: b"secret".to_vec(),
        alone: false,
        contact_every_ms: 10_000,
        contact_limit_ms: CONTACT_LIMIT_MS,
    }
}
