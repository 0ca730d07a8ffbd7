//! What happens to control planes and hosts while the storm lasts: control planes crash, stop and come back; hosts lose
//! their power with all that runs on them, for a while or for ever, or are cut off and joined again.

use crate::chance::Dice;
use crate::server::{Common, Server};
use crate::site::Site;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A control plane's troubled life: it starts, crashes or stops, stays away for a while, and starts again; once the storm
/// is over it lives on.
pub async fn of_server(server: Arc<Server>, common: Arc<Common>, mut dice: Dice) {
    loop {
        server.start().await;
        let end = Instant::now() + dice.millis(5_000, 300_000);
        tokio::time::sleep_until(end).await;
        match (common.storms(), server.lives()) {
            (false, true) => return,
            (true, _) if dice.permille(700) => server.crash(),
            (true, _) => server.stop().await,
            // Its host has died under it.
            (false, false) => {}
        }
        // Some stay away for so long that their hosts could be taken for lost.
        let longest = if dice.permille(850) { 60_000 } else { 300_000 };
        let away = dice.millis(100, longest);
        tokio::time::sleep(away).await;
    }
}

/// The misfortunes of one host. `servers` are the control planes that live on it; `successor` makes another host for them
/// if this one never comes back.
pub async fn of_host(
    site: Arc<Site>,
    servers: Vec<Arc<Server>>,
    common: Arc<Common>,
    mut dice: Dice,
    successor: impl Fn() -> Arc<Site>,
) {
    let mut site = site;
    loop {
        pass(&common, dice.millis(20_000, 400_000)).await;
        if !common.storms() {
            return;
        }
        let name = site.host.name();
        match dice.below(100) {
            0..=44 => {
                common.truth.note(&format!("{name} is cut off"));
                site.set_cut(true);
                pass(&common, dice.millis(2_000, 400_000)).await;
                common.truth.note(&format!("{name} is joined again"));
                site.set_cut(false);
            }
            45..=79 => {
                fall(&site, &servers, &common);
                pass(&common, dice.millis(5_000, 300_000)).await;
                common.truth.note(&format!("{name} has power again"));
                site.rise();
            }
            _ => {
                fall(&site, &servers, &common);
                site = successor();
                common.truth.note(&format!("{name} never comes back: {} is there", site.host.name()));
                servers.iter().for_each(|server| server.move_to(site.clone()));
            }
        }
    }
}

fn fall(site: &Site, servers: &[Arc<Server>], common: &Common) {
    common.truth.note(&format!("{} loses its power", site.host.name()));
    servers.iter().for_each(|server| server.crash());
    site.fall();
}

/// Waits so long, or until the storm is over.
async fn pass(common: &Common, time: Duration) {
    let end = Instant::now() + time;
    while common.storms() && Instant::now() < end {
        tokio::time::sleep_until(end.min(Instant::now() + Duration::from_secs(5))).await;
    }
}
