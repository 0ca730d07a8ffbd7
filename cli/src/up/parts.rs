//! What the control plane of `firesteel up` is made of.

use super::{STATE_BUCKET, STATE_PREFIX, make_state_bucket, state_client};
use crate::folder::{DataFolder, Installation};
use crate::machine::identities::KnownIdentities;
use crate::machine::{self, history_server, log_objects, roles, runtimes, salvage, sweep, world};
use anyhow::Context;
use firesteel_journal::S3Store;
use firesteel_protocol::ObjectStore;
use firesteel_runtime::Installer;
use firesteel_service::{Config, NoNeighbours, Parts};
use firesteel_substrate::process::{ProcessSettings, ProcessSubstrate, RunnerCommand};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// How runners of this machine reach the control plane.
pub struct Way {
    /// URLs, tried in turn.
    pub urls: Vec<String>,
    /// Certificate authority to trust, PEM.
    pub authority: Option<String>,
}

/// Puts it together; S3 must answer already.
pub async fn gather(
    folder: &DataFolder,
    installation: &Installation,
    quota_cpu: u32,
    identities: Arc<KnownIdentities>,
    way: Way,
) -> anyhow::Result<Parts> {
    let client = state_client(installation);
    make_state_bucket(&client, &installation.region).await?;
    let installer = Installer::new(std::path::absolute(Installer::default_cache())?);
    let substrate = substrate(folder.path(), &installation.id, installer.cache(), way.authority).await?;
    let store = ObjectStore {
        endpoint: Some(installation.local_endpoint()),
        region: installation.region.clone(),
        path_style: true,
    };
    let config = Config {
        region: installation.region.clone(),
        account: installation.account.clone(),
        quota_cpu,
        heap_percent: machine::HEAP_PERCENT,
        store: store.clone(),
        endpoints: way.urls,
        public_url: installation.endpoint(),
        secret: hex::decode(&installation.runner_secret).context("config.toml is damaged: runner_secret")?,
        alone: true,
        contact_every_ms: machine::CONTACT_EVERY_MS,
        contact_limit_ms: machine::CONTACT_LIMIT_MS,
    };
    Ok(Parts {
        config,
        state: Arc::new(S3Store::new(client, STATE_BUCKET, STATE_PREFIX)),
        world: Arc::new(world::RealWorld),
        substrate: Arc::new(substrate),
        runtimes: Arc::new(runtimes::InstalledRuntimes::new(installer.clone())),
        roles: Arc::new(roles::StsRoles::new(sts_client(installation))),
        salvage: Arc::new(salvage::FolderSalvage::new(workers(folder.path()))),
        sweep: Arc::new(sweep::S3Sweep::new(store.clone())),
        logs: Arc::new(log_objects::S3Logs::new(store.clone())),
        histories: Arc::new(history_server::ChildHistoryServers::new(
            installer,
            store,
            histories(folder.path()),
        )),
        identities,
        neighbours: Arc::new(NoNeighbours),
    })
}

/// The process substrate below a data folder, which no job may read.
pub async fn substrate(
    folder: &Path,
    installation: &str,
    runtimes: &Path,
    authority: Option<String>,
) -> anyhow::Result<ProcessSubstrate> {
    let root = workers(folder);
    let settings = ProcessSettings {
        root: root.clone(),
        installation: installation.to_owned(),
        runner: RunnerCommand::this_program()?,
        environment: BTreeMap::new(),
        forbidden: Some(folder.to_owned()),
        runtimes: runtimes.to_owned(),
        authority,
    };
    ProcessSubstrate::open(settings).await.with_context(|| format!("workers in {}", root.display()))
}

/// Where a data folder keeps its workers.
pub fn workers(folder: &Path) -> std::path::PathBuf {
    folder.join("workers")
}

/// Where a data folder keeps event logs that somebody looks at.
pub fn histories(folder: &Path) -> std::path::PathBuf {
    folder.join("histories")
}

fn sts_client(installation: &Installation) -> aws_sdk_sts::Client {
    use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region};
    let keys = &installation.control_plane;
    let keys = Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "firesteel");
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(installation.region.clone()))
        .endpoint_url(installation.local_endpoint())
        .timeout_config(machine::timeouts())
        .credentials_provider(keys);
    aws_sdk_sts::Client::from_conf(config.build())
}
