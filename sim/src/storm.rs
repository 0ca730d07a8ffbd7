//! One simulation: a world is made from a seed, a storm passes over it, faults stop, and it must heal.

use crate::caller::Caller;
use crate::chance::Dice;
use crate::host;
use crate::misfortune;
use crate::mistake::Mistake;
use crate::runner;
use crate::server::{CONTACT_LIMIT_MS, Common, HEAP_PERCENT, Server};
use crate::site::Site;
use crate::store::{Network, Shelf, Weather};
use crate::truth::{Bounds, Step, Truth, Violation};
use firesteel_core::id::ApplicationId;
use firesteel_journal::{FaultyStore, MemoryStore, Odds};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;

/// The longest that a world may take to heal.
const HEALING: Duration = Duration::from_secs(2 * 3_600);

/// What is to be played.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scenario {
    /// The seed.
    pub seed: u64,
    /// A mistake to plant.
    pub mistake: Option<Mistake>,
    /// Let two applications compete for the installation's quota and the hosts' heap in every world, not in most.
    pub scarce: bool,
}

/// What came of one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What broke, if anything did.
    pub violation: Option<Violation>,
    /// Everything that happened: the same seed gives the same bytes.
    pub trace: String,
    /// Runs that callers were told of.
    pub acknowledged: usize,
    /// Jobs that were started.
    pub jobs: usize,
}

/// Plays one seed.
pub fn play(scenario: Scenario) -> std::io::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(async {
        let world = World::new(scenario);
        world.play().await;
        world.report()
    }))
}

struct World {
    common: Arc<Common>,
    servers: Vec<Arc<Server>>,
    networks: Vec<Arc<Network>>,
    sites: Vec<Arc<Site>>,
    landlord: Landlord,
    dice: Dice,
    applications: u64,
    /// Hosts have misfortunes, too.
    hosts_suffer: bool,
}

/// Makes hosts, and begins the runners that are launched on them.
#[derive(Clone)]
struct Landlord {
    common: Arc<Common>,
    servers: Arc<OnceLock<Vec<Arc<Server>>>>,
    memory_mib: u64,
    hosts: Arc<AtomicUsize>,
    runners: Arc<AtomicU32>,
}

impl Landlord {
    /// Another host.
    fn build(&self) -> Arc<Site> {
        let number = self.hosts.fetch_add(1, Ordering::SeqCst);
        let host = host::host(self.common.seed, number, self.memory_mib, self.common.storm.clone());
        self.common.truth.has_host(host.clone());
        Site::new(host)
    }

    /// What is launched on it begins.
    fn open(&self, site: Arc<Site>) -> Arc<Site> {
        let servers = self.servers.get().cloned().unwrap_or_default();
        tokio::spawn(runner::begin_all(self.common.clone(), site.clone(), servers, self.runners.clone()));
        site
    }
}

impl World {
    fn new(Scenario { seed, mistake, scarce }: Scenario) -> Self {
        let mut dice = Dice::new(seed, "world");
        let storm = Arc::new(AtomicBool::new(true));
        let number_of_hosts = match dice.below(10) {
            0..=2 => 1,
            3..=7 => 2,
            _ => 3,
        };
        let number_of_servers = number_of_hosts.max(2);
        let hosts_suffer = dice.permille(600);
        let applications = if scarce { 2 } else { 1 + dice.below(2) };
        let tight = scarce || dice.permille(750);
        let (quota_cpu, memory_mib) =
            if tight { (2 + dice.below(5) as u32, (6 + dice.below(8)) << 10) } else { (16, 24 << 10) };
        let memory = Arc::new(MemoryStore::new());
        let bounds = Bounds {
            quota_cpu,
            heap_mib: memory_mib * HEAP_PERCENT / 100,
            contact_limit_ms: CONTACT_LIMIT_MS,
        };
        let truth = Truth::new(memory.clone(), bounds);
        let shelf = Shelf::new(memory, truth.clone(), mistake);
        let common = Arc::new(Common { seed, mistake, storm, truth, origin: Instant::now(), quota_cpu });
        let landlord = Landlord {
            common: common.clone(),
            servers: Arc::default(),
            memory_mib,
            hosts: Arc::default(),
            runners: Arc::default(),
        };
        let sites: Vec<Arc<Site>> = (0..number_of_hosts).map(|_| landlord.build()).collect();
        let (odds, heartbeats) = (odds(&mut dice), odds_of_heartbeats(&mut dice));
        let weather = |n| Weather::new(seed * 3 + n, odds, heartbeats);
        let network = |n| Arc::new(FaultyStore::new(shelf.clone(), weather(n)));
        let networks: Vec<Arc<Network>> = (0..number_of_servers as u64).map(network).collect();
        let server = |n: usize| {
            Server::new(n, common.clone(), networks[n].clone(), sites[n % number_of_hosts].clone())
        };
        let servers: Vec<Arc<Server>> = (0..number_of_servers).map(server).collect();
        landlord.servers.get_or_init(|| servers.clone());
        sites.iter().for_each(|site| drop(landlord.open(site.clone())));
        Self { common, servers, networks, sites, landlord, dice, applications, hosts_suffer }
    }

    async fn play(&self) {
        tokio::select! {
            biased;
            () = self.watch() => {}
            () = self.storm_and_heal() => {}
        }
    }

    /// Lets each second be seen; returns at the first violation.
    async fn watch(&self) {
        while self.common.truth.violation().is_none() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.common.truth.step(&Step::Second);
        }
    }

    async fn storm_and_heal(&self) {
        let mut dice = self.dice.clone();
        for server in &self.servers {
            let dice = Dice::new(dice.draw(), "trouble");
            tokio::spawn(misfortune::of_server(server.clone(), self.common.clone(), dice));
        }
        if self.hosts_suffer {
            self.let_hosts_suffer(&mut dice);
        }
        let (mut callers, mut applications) = (Vec::new(), Vec::new());
        for number in 0..self.applications {
            let mut owner = Caller::new(&self.common, &self.servers, number);
            let app = owner.create().await;
            applications.push((owner, app.clone()));
            for twin in 0..2 {
                let caller = Caller::new(&self.common, &self.servers, 10 * (number + 1) + twin);
                callers.push(tokio::spawn(caller.use_application(app.clone(), 6 + dice.below(8))));
            }
        }
        for caller in callers {
            // A caller never panics: it would be seen as a run that is missing.
            let _ended = caller.await;
        }
        self.common.truth.note("the storm is over");
        self.common.storm.store(false, Ordering::SeqCst);
        for network in &self.networks {
            let fine = Odds { delay: Duration::from_millis(40), ..Odds::FINE };
            network.set_plan(Weather::new(self.common.seed, fine, fine));
        }
        self.heal(applications).await;
    }

    fn let_hosts_suffer(&self, dice: &mut Dice) {
        for (n, site) in self.sites.iter().enumerate() {
            let here = self.servers.iter().skip(n).step_by(self.sites.len()).cloned().collect();
            let landlord = self.landlord.clone();
            let successor = move || landlord.open(landlord.build());
            let dice = Dice::new(dice.draw(), "misfortune");
            tokio::spawn(misfortune::of_host(site.clone(), here, self.common.clone(), dice, successor));
        }
    }

    /// Waits until nothing is left to do, then deletes the applications.
    async fn heal(&self, applications: Vec<(Caller, ApplicationId)>) {
        let healing = async {
            while !self.is_whole() {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            for (mut owner, app) in applications {
                owner.delete(&app).await;
            }
        };
        // Whether it was in time is what the step shows.
        let _in_time = tokio::time::timeout(HEALING, healing).await;
        self.common.truth.step(&Step::Healed);
    }

    fn is_whole(&self) -> bool {
        let known = self.common.truth.known();
        known.told.values().all(|told| {
            told.app.runs.is_empty() && !told.admitted.keys().any(|worker| known.is_alive(worker))
        })
    }

    fn report(&self) -> Report {
        let violation = self.common.truth.violation();
        let trace = self.common.truth.trace();
        let known = self.common.truth.known();
        let (acknowledged, jobs) = (known.acknowledged.len(), known.jvms.len());
        Report { seed: self.common.seed, violation, trace, acknowledged, jobs }
    }
}

/// In some worlds heartbeats fare much worse than everything else: they are lost, and come late.
fn odds_of_heartbeats(dice: &mut Dice) -> Odds {
    match dice.below(3) {
        0 => Odds { delay: Duration::from_secs(2), ..Odds::FINE },
        1 => Odds::STORM,
        _ => Odds { lost: 150, late_write: 200, late_by: Duration::from_secs(50), ..Odds::STORM },
    }
}

/// From fair weather to a hurricane.
fn odds(dice: &mut Dice) -> Odds {
    let strength = dice.below(4);
    let Odds { refused, lost, lost_reply, late_write, delay, late_by } = Odds::STORM;
    Odds {
        refused: refused * strength / 3,
        lost: lost * strength / 3,
        lost_reply: lost_reply * strength / 3,
        late_write: late_write * strength / 3,
        delay,
        late_by,
    }
}
