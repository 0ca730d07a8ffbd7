//! `firesteel up`: S3, STS and the control plane in one process on one port; the order in which they start and stop.
//!
//! It must not know what any of them does with a request; see [`door`] for who gets which.

pub mod door;
pub mod listener;
pub mod parts;
pub mod ports;
pub mod signals;
pub mod tls;

use crate::arguments::{Listen, Up};
use crate::failure::Failure;
use crate::folder::{DataFolder, Held, Installation};
use crate::machine;
use crate::machine::identities::KnownIdentities;
use crate::machine::watch::{Watch, watch};
use anyhow::Context;
use door::{Closing, Door};
use firesteel_embedded_s3::{EmbeddedS3, KeyPair};
use firesteel_service::ControlPlane;
use ports::{Ports, Served};
use signals::Signals;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The bucket of the control plane's state.
const STATE_BUCKET: &str = "firesteel-state";
/// The prefix in it.
const STATE_PREFIX: &str = "state";
/// What the runs that are ended say.
const ENDED: &str = "control plane stopped";
/// Time for the workers to end and ship their logs; what follows fits into 20 s with it.
const FOR_WORKERS: Duration = Duration::from_secs(14);
/// Time for the control plane's last commits.
const FOR_CONTROL_PLANE: Duration = Duration::from_secs(3);
/// Time for answers that are under way.
const FOR_ANSWERS: Duration = Duration::from_secs(2);

/// Runs until it is told to end.
pub async fn run(up: Up) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let keep_workers = up.keep_workers;
    let running = tokio::select! {
        started = Running::start(up) => started?,
        () = signals.next() => return Err(Failure::Silent(130)),
    };
    if crate::say(&running.ready_line()).is_err() {
        tracing::warn!("nobody reads the standard output");
    }
    tokio::select! {
        () = signals.next() => {}
        fault = running.served.failed() => return Err(fault.into()),
    }
    tokio::select! {
        () = running.stop(keep_workers) => Ok(()),
        () = signals.next() => Err(Failure::Silent(130)),
    }
}

struct Running {
    folder: DataFolder,
    url: String,
    _held: Held,
    s3: Arc<EmbeddedS3>,
    door: Arc<Door>,
    served: Served,
    control_plane: ControlPlane,
    _watch: Watch,
}

impl Running {
    async fn start(up: Up) -> Result<Self, Failure> {
        let folder = DataFolder::choose(up.data.data.clone())?;
        let mut installation = folder.open()?;
        let held = folder.hold()?;
        let ports = open_ports(&up, &folder, &installation).await?;
        remember(&folder, &mut installation, &ports, up.region.clone())?;

        // S3 first: the control plane keeps its state there.
        let s3 = Arc::new(open_s3(&folder, &installation).await?);
        let identities =
            KnownIdentities::of_installation(&installation, folder.path(), folder.roles_file(), &s3)?;
        let identities = Arc::new(identities);
        let door = Arc::new(Door::new(door::s3(&s3), door::sts(&s3)));
        let way = parts::Way { urls: ports.for_runners(), authority: ports.authority_pem()? };
        let url = ports.url.clone();
        let served = ports.serve(&door);
        let parts = parts::gather(&folder, &installation, up.quota_vcpu, identities.clone(), way).await?;
        let control_plane = ControlPlane::start(parts).await.context("the control plane did not start")?;
        door.open(door::router(control_plane.router()));
        let watch = watch("identities and roles", identities.watched(), move || identities.reload());
        Ok(Self { folder, url, _held: held, s3, door, served, control_plane, _watch: watch })
    }

    fn ready_line(&self) -> String {
        format!("firesteel is ready on {} (data in {})", self.url, self.folder.path().display())
    }

    /// Workers, then the control plane, then the port, and S3 last: each needs those after it to end well.
    async fn stop(self, keep_workers: bool) {
        tracing::info!(keep_workers, "stopping");
        self.door.close(Closing::NothingNew);
        if !keep_workers {
            self.control_plane.abandon(ENDED, FOR_WORKERS).await;
        }
        if tokio::time::timeout(FOR_CONTROL_PLANE, self.control_plane.stop()).await.is_err() {
            tracing::warn!("the control plane did not stop in time");
        }
        drop(self.control_plane);
        self.served.stop(FOR_ANSWERS).await;
        drop(self.door);
        match Arc::into_inner(self.s3) {
            Some(s3) => drop(tokio::task::spawn_blocking(move || s3.close()).await),
            // Every acknowledged write is on disk already.
            None => tracing::debug!("S3 is still in use and is left open"),
        }
    }
}

async fn open_ports(up: &Up, folder: &DataFolder, installation: &Installation) -> Result<Ports, Failure> {
    let listen = up.listen.unwrap_or(Listen { ip: std::net::Ipv4Addr::LOCALHOST.into(), port: None });
    if !listen.ip.is_loopback() && folder.roles_file().is_none() {
        let file = folder.path().join("roles.toml");
        return Err(Failure::Usage(format!(
            "--listen {} opens this service to others: say in {} which roles may be assumed, or listen on loopback",
            listen.ip,
            file.display()
        )));
    }
    let port = up.port.or(listen.port).unwrap_or(installation.port);
    let address = SocketAddr::new(listen.ip, port);
    Ports::open(address, &up.exposure, folder.path(), installation.local_port).await
}

fn remember(
    folder: &DataFolder,
    installation: &mut Installation,
    ports: &Ports,
    region: Option<String>,
) -> anyhow::Result<()> {
    let before = installation.clone();
    (installation.listen, installation.port) = (ports.address.ip(), ports.address.port());
    installation.local_port = (ports.local != ports.address).then(|| ports.local.port());
    let plain = format!("http://{}", crate::folder::reachable(ports.address));
    installation.url = Some(ports.url.clone()).filter(|url| *url != plain);
    installation.authority = ports.authority.clone();
    installation.region = region.unwrap_or_else(|| before.region.clone());
    if *installation == before { Ok(()) } else { folder.save(installation) }
}

async fn open_s3(folder: &DataFolder, installation: &Installation) -> anyhow::Result<EmbeddedS3> {
    let pair = |keys: &crate::folder::KeyPair| KeyPair {
        access_key: keys.access_key_id.clone(),
        secret_key: keys.secret_access_key.clone(),
    };
    let config = firesteel_embedded_s3::Config {
        root: folder.path().join("s3"),
        region: installation.region.clone(),
        operator: pair(&installation.operator),
        control_plane: pair(&installation.control_plane),
        state_bucket: STATE_BUCKET.to_owned(),
        roles_file: folder.roles_file(),
        account_id: installation.account.clone(),
    };
    Ok(tokio::task::spawn_blocking(move || EmbeddedS3::open(config)).await??)
}

/// Makes the state's bucket, with the control plane's key.
async fn make_state_bucket(client: &aws_sdk_s3::Client, region: &str) -> anyhow::Result<()> {
    use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
    let mut request = client.create_bucket().bucket(STATE_BUCKET);
    if region != crate::folder::REGION {
        let constraint = BucketLocationConstraint::from(region);
        let place = CreateBucketConfiguration::builder().location_constraint(constraint).build();
        request = request.create_bucket_configuration(place);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_bucket_already_owned_by_you()) => Ok(()),
        Err(error) => Err(anyhow::anyhow!("{}", aws_sdk_s3::error::DisplayErrorContext(error)))
            .context("the state's bucket cannot be made"),
    }
}

fn state_client(installation: &Installation) -> aws_sdk_s3::Client {
    let keys = &installation.control_plane;
    let keys = aws_sdk_s3::config::Credentials::new(
        &keys.access_key_id,
        &keys.secret_access_key,
        None,
        None,
        "firesteel",
    );
    machine::s3_client(Some(&installation.local_endpoint()), &installation.region, keys)
}
