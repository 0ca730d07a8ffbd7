//! `firesteel serve`: the control plane on any S3, alone or beside others on the same state.

use crate::access::environment;
use crate::arguments::{Serve, State};
use crate::failure::Failure;
use crate::folder::{ACCOUNT, DataFolder};
use crate::machine::identities::KnownIdentities;
use crate::machine::installation::Shared;
use crate::machine::watch::watch;
use crate::machine::{
    self, history_server, identity_file, keyed_roles, log_objects, roles, runtimes, salvage, sweep, world,
};
use crate::up::door::{self, Closing, Door};
use crate::up::parts;
use crate::up::ports::Ports;
use crate::up::signals::Signals;
use anyhow::Context;
use aws_config::SdkConfig;
use firesteel_journal::S3Store;
use firesteel_protocol::ObjectStore;
use firesteel_runtime::Installer;
use firesteel_service::{Config, ControlPlane, Parts, Roles, servers};
use firesteel_substrate::Substrate;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Time for answers that are under way, and for the last commits.
const FOR_ANSWERS: Duration = Duration::from_secs(5);

/// Runs until it is told to end; its workers live on.
pub async fn run(serve: Serve) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let folder = DataFolder::choose(serve.data.data.clone())?;
    let mut installation = folder.open()?;
    let _held = folder.hold()?;
    let file = serve.identities.clone().unwrap_or_else(|| folder.path().join(identity_file::FILE));
    let identities = Arc::new(KnownIdentities::of_file(&file, &environment)?);
    let address = SocketAddr::new(serve.listen.ip, serve.listen.port.unwrap_or(crate::folder::PORT));
    let ports = Ports::open(address, &serve.exposure, folder.path(), installation.local_port).await?;
    let local_port = (ports.local != ports.address).then(|| ports.local.port());
    if local_port.is_some() && local_port != installation.local_port {
        // Workers that live on when this stops know it.
        installation.local_port = local_port;
        folder.save(&installation)?;
    }
    let url = ports.url.clone();
    let (parts, servers) = tokio::select! {
        gathered = gather(&serve, &folder, &ports, identities.clone()) => gathered?,
        () = signals.next() => return Err(Failure::Silent(130)),
    };
    let control_plane = ControlPlane::start(parts).await.context("the control plane did not start")?;
    let door = Arc::new(Door::without_s3(door::router(control_plane.router())));
    let served = ports.serve(&door);
    let saying = tokio::spawn(servers.clone().keep_saying());
    let _watch = watch("identities", identities.watched(), move || identities.reload());
    crate::say(&format!("firesteel is ready on {url} (state in {})", serve.state))?;
    tokio::select! {
        () = signals.next() => {}
        fault = served.failed() => return Err(fault.into()),
    }
    door.close(Closing::NothingNew);
    saying.abort();
    let stopped = async {
        servers.leave().await;
        control_plane.stop().await;
        served.stop(FOR_ANSWERS).await;
    };
    if tokio::time::timeout(2 * FOR_ANSWERS, stopped).await.is_err() {
        tracing::warn!("the control plane did not stop in time");
    }
    Ok(())
}

async fn gather(
    serve: &Serve,
    folder: &DataFolder,
    ports: &Ports,
    identities: Arc<KnownIdentities>,
) -> anyhow::Result<(Parts, Arc<servers::Servers>)> {
    let mut aws = aws_config::defaults(aws_config::BehaviorVersion::latest());
    if let Some(http) = crate::trust::sdk_client()? {
        aws = aws.http_client(http);
    }
    let aws = aws.timeout_config(machine::timeouts()).load().await;
    let region = aws.region().context("no region: set AWS_REGION")?.to_string();
    let store = object_store(&aws, &region);
    let state = Arc::new(S3Store::new(s3_client(&aws, &store), &serve.state.bucket, &serve.state.prefix));
    let shared = Shared::of(&*state).await.with_context(|| format!("state in {}", serve.state))?;
    let installer = Installer::new(std::path::absolute(Installer::default_cache())?);
    let substrate =
        parts::substrate(folder.path(), &shared.id, installer.cache(), ports.authority_pem()?).await?;
    let world = Arc::new(world::RealWorld);
    let endpoints = ports.for_runners();
    let id = substrate.host().id;
    let servers =
        Arc::new(servers::Servers::new(state.clone(), world.clone(), id.as_str(), endpoints.clone()));
    let config = Config {
        region,
        account: account(&aws).await,
        quota_cpu: serve.quota_vcpu,
        heap_percent: machine::HEAP_PERCENT,
        store: store.clone(),
        endpoints,
        public_url: ports.url.clone(),
        secret: shared.secret()?,
        alone: false,
        contact_every_ms: machine::CONTACT_EVERY_MS,
        contact_limit_ms: machine::CONTACT_LIMIT_MS,
    };
    let parts = Parts {
        config,
        state,
        world,
        substrate: Arc::new(servers::Beside { substrate, servers: servers.clone() }),
        runtimes: Arc::new(runtimes::InstalledRuntimes::new(installer.clone())),
        roles: roles(serve, folder, &aws)?,
        salvage: Arc::new(salvage::FolderSalvage::new(parts::workers(folder.path()))),
        sweep: Arc::new(sweep::S3Sweep::new(store.clone())),
        logs: Arc::new(log_objects::S3Logs::new(store.clone())),
        histories: Arc::new(history_server::ChildHistoryServers::new(
            installer,
            store,
            parts::histories(folder.path()),
        )),
        identities,
        neighbours: servers.clone(),
    };
    Ok((parts, servers))
}

/// The S3 that the environment or the profile names; another than AWS's own is spoken to with buckets in the path.
fn object_store(aws: &SdkConfig, region: &str) -> ObjectStore {
    let endpoint = environment("AWS_ENDPOINT_URL_S3").filter(|url| !url.is_empty());
    let endpoint = endpoint.or_else(|| aws.endpoint_url().map(str::to_owned));
    ObjectStore { path_style: endpoint.is_some(), endpoint, region: region.to_owned() }
}

fn s3_client(aws: &SdkConfig, store: &ObjectStore) -> aws_sdk_s3::Client {
    let mut config = aws_sdk_s3::config::Builder::from(aws).force_path_style(store.path_style);
    config.set_endpoint_url(store.endpoint.clone());
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Roles with keys in a file, if there is one; else those of STS.
fn roles(serve: &Serve, folder: &DataFolder, aws: &SdkConfig) -> anyhow::Result<Arc<dyn Roles>> {
    let file = serve.role_keys.clone().unwrap_or_else(|| folder.path().join(keyed_roles::FILE));
    Ok(match keyed_roles::KeyedRoles::of_file(&file)? {
        Some(keyed) => Arc::new(keyed),
        None if serve.role_keys.is_some() => anyhow::bail!("{}: there is no such file", file.display()),
        None => Arc::new(roles::StsRoles::new(aws_sdk_sts::Client::new(aws))),
    })
}

/// The account of these credentials, where STS says it.
async fn account(aws: &SdkConfig) -> String {
    let identity = aws_sdk_sts::Client::new(aws).get_caller_identity().send().await;
    identity.ok().and_then(|identity| identity.account).unwrap_or_else(|| ACCOUNT.to_owned())
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}
