//! How a runner's calls fare on their way: lost, answered in vain, repeated, overtaken, or cut off for a while.

use crate::chance::Dice;
use crate::server::{CONTACT_LIMIT_MS, Call, Common, Reply, Server};
use crate::site::Site;
use crate::staggered::Staggered;
use firesteel_core::id::WorkerId;
use firesteel_substrate::imagined::Begun;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A call that is not answered for so long is given up.
const PATIENCE: Duration = Duration::from_secs(40);

/// A runner's side of the wire.
pub struct Talk {
    common: Arc<Common>,
    site: Arc<Site>,
    servers: Vec<Arc<Server>>,
    worker: WorkerId,
    token: String,
    lag: Duration,
    dice: Dice,
    heard: Instant,
    cut_off: (Instant, Instant),
    /// Whom to ask: the one that answered last, its own host's at first; none: any.
    turn: Option<usize>,
}

impl Talk {
    /// A wire of its own for each runner.
    pub fn new(
        common: Arc<Common>,
        (site, servers): (Arc<Site>, Vec<Arc<Server>>),
        begun: &Begun,
        number: u32,
        mut dice: Dice,
    ) -> Self {
        let from = Instant::now() + dice.millis(0, 120_000);
        let long = if dice.permille(150) { dice.millis(1_000, 500_000) } else { Duration::ZERO };
        // As real runners do; those that ask any of them try what comes of the other half.
        let at_home = servers.iter().position(|server| server.is_at(&site)).unwrap_or(0);
        let turn = dice.permille(500).then_some(at_home);
        Self {
            turn,
            common,
            site,
            servers,
            worker: begun.order.worker.clone(),
            token: begun.order.token.clone(),
            lag: Duration::from_millis(u64::from(number) + 1),
            dice,
            heard: Instant::now(),
            cut_off: (from, from + long),
        }
    }

    /// Counts the silence from now on.
    pub fn heard(&mut self) {
        self.heard = Instant::now();
        self.common.truth.heard(&self.worker);
    }

    /// True if no control plane was heard for too long.
    pub fn is_lost(&self) -> bool {
        self.heard.elapsed() > Duration::from_millis(CONTACT_LIMIT_MS)
    }

    /// Says something to one of the control planes.
    pub async fn call(&mut self, call: Call) -> Option<Reply> {
        let reply = self.attempt(call).await;
        match (&reply, &mut self.turn) {
            (Some(_), _) => self.heard(),
            (None, Some(turn)) => *turn = (*turn + 1) % self.servers.len(),
            (None, None) => {}
        }
        reply
    }

    async fn attempt(&mut self, call: Call) -> Option<Reply> {
        let any = self.dice.below(self.servers.len() as u64) as usize;
        let server = self.servers[self.turn.unwrap_or(any)].clone();
        let way = self.dice.millis(1, 150);
        tokio::time::sleep(way).await;
        let now = Instant::now();
        if self.common.storms() && (self.cut_off.0..self.cut_off.1).contains(&now) {
            return None;
        }
        match self.dice.below(100) {
            0..=4 if self.common.storms() => None,
            5..=9 if self.common.storms() => {
                self.overtaken(server, call);
                None
            }
            10..=14 if self.common.storms() => {
                self.ask(&server, call).await;
                None
            }
            15..=19 if self.common.storms() => {
                self.overtaken(server.clone(), call.clone());
                self.ask(&server, call).await
            }
            _ => self.ask(&server, call).await,
        }
    }

    async fn ask(&self, server: &Server, call: Call) -> Option<Reply> {
        let asking = Staggered::new(server.answer(&self.site, &self.token, call), self.lag);
        tokio::time::timeout(PATIENCE, asking).await.ok().flatten()
    }

    /// The call arrives much later, and nobody waits for its answer.
    fn overtaken(&mut self, server: Arc<Server>, mut call: Call) {
        let late = self.dice.millis(10, 30_000);
        let (site, token) = (self.site.clone(), self.token.clone());
        if let Call::Exchange(exchange) = &mut call {
            exchange.wait_ms = 0;
        }
        tokio::spawn(async move {
            tokio::time::sleep(late).await;
            let _unheard = server.answer(&site, &token, call).await;
        });
    }
}
