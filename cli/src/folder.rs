//! The data folder of one installation: its mode, its settings and generated keys (`config.toml`), and its lock.
//!
//! It must not know what is started from them.

use anyhow::{Context, bail};
use rand::Rng;
use rand::distr::{Alphanumeric, SampleString};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The port of an installation that was never given another.
pub const PORT: u16 = 9400;
/// The region of an installation that was never given another.
pub const REGION: &str = "us-east-1";
/// The account of every installation on one machine.
pub const ACCOUNT: &str = "000000000000";

const CONFIG: &str = "config.toml";
const LOCK: &str = "up.lock";
/// What a user may put into a folder before its first start.
const USERS_OWN: [&str; 4] = ["roles.toml", "role-keys.toml", "identities.toml", crate::cost::prices::FILE];

/// A data folder, which need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFolder(PathBuf);

/// An access key and its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeyPair").field(&self.access_key_id).finish_non_exhaustive()
    }
}

/// What is remembered of an installation, in `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// Name of the installation for ever.
    pub id: String,
    /// The address that it listens on.
    pub listen: IpAddr,
    /// The port that it listens on.
    pub port: u16,
    /// Port of the workers' own way in, on loopback, if the port that it listens on is not that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_port: Option<u16>,
    /// URL for callers, if the address does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Certificate authority that callers must trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<PathBuf>,
    /// The region that it answers as.
    pub region: String,
    /// The account that owns everything, 12 digits.
    pub account: String,
    /// Key of the runners' tokens, 64 hexadecimal digits.
    pub runner_secret: String,
    /// The key of whoever typed `firesteel up`.
    pub operator: KeyPair,
    /// The control plane's own key.
    pub control_plane: KeyPair,
}

impl Installation {
    fn generate() -> Self {
        let mut chance = rand::rng();
        Self {
            id: hex::encode(chance.random::<[u8; 8]>()),
            listen: Ipv4Addr::LOCALHOST.into(),
            port: PORT,
            local_port: None,
            url: None,
            authority: None,
            region: REGION.into(),
            account: ACCOUNT.into(),
            runner_secret: hex::encode(chance.random::<[u8; 32]>()),
            operator: KeyPair::generate(),
            control_plane: KeyPair::generate(),
        }
    }

    /// The URL under which callers reach it.
    pub fn endpoint(&self) -> String {
        let plain = || format!("http://{}", reachable(SocketAddr::new(self.listen, self.port)));
        self.url.clone().unwrap_or_else(plain)
    }

    /// The URL under which this machine reaches it, without TLS.
    pub fn local_endpoint(&self) -> String {
        match self.local_port {
            Some(port) => format!("http://{}", SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)),
            None => self.endpoint(),
        }
    }

    /// ARN of the operator, as the embedded STS says it too.
    pub fn operator_arn(&self) -> String {
        format!("arn:aws:iam::{}:user/firesteel-operator", self.account)
    }

    /// ARN of an execution role for those who need no particular one.
    pub fn role_arn(&self) -> String {
        format!("arn:aws:iam::{}:role/firesteel-job", self.account)
    }
}

/// Where something that listens on `address` is reached from this machine.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if !ip.is_unspecified() => address,
        IpAddr::V4(_) => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(_) => SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), address.port()),
    }
}

impl KeyPair {
    /// A new pair in the shape of AWS's: 20 characters and 40.
    pub fn generate() -> Self {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut chance = rand::rng();
        let id: String = (0..16).map(|_| char::from(LETTERS[chance.random_range(0..32)])).collect();
        Self {
            access_key_id: format!("AKIA{id}"),
            secret_access_key: Alphanumeric.sample_string(&mut chance, 40),
        }
    }
}

/// Held for as long as a control plane uses the folder.
#[derive(Debug)]
pub struct Held(#[allow(dead_code, reason = "the lock lasts as long as the file is open")] File);

impl DataFolder {
    /// The folder given, else `$FIRESTEEL_HOME`, else `~/.firesteel`.
    pub fn choose(given: Option<PathBuf>) -> anyhow::Result<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let chosen = given
            .or_else(|| variable("FIRESTEEL_HOME"))
            .or_else(|| variable("HOME").map(|home| home.join(".firesteel")))
            .context("no data folder: give --data DIR, or set FIRESTEEL_HOME or HOME")?;
        Ok(Self(std::path::absolute(&chosen).with_context(|| format!("{}", chosen.display()))?))
    }

    /// Its path, absolute.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Who may assume which role, if that is narrowed.
    pub fn roles_file(&self) -> Option<PathBuf> {
        Some(self.0.join("roles.toml")).filter(|file| file.exists())
    }

    /// The installation in this folder, or `None` if there is none.
    pub fn read(&self) -> anyhow::Result<Option<Installation>> {
        let file = self.0.join(CONFIG);
        match fs::read_to_string(&file) {
            Ok(text) => {
                let installation = crate::toml_text::read(&text)
                    .with_context(|| format!("{} is damaged", file.display()))?;
                Ok(Some(installation))
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{}", file.display())),
        }
    }

    /// The installation in this folder; folder, keys and all are made if they are not there yet. Of two that do so
    /// at once both get the same.
    pub fn open(&self) -> anyhow::Result<Installation> {
        self.make().with_context(|| format!("data folder {}", self.0.display()))?;
        if let Some(found) = self.read()? {
            return Ok(found);
        }
        let written = self.write_aside(&Installation::generate())?;
        let placed = fs::hard_link(&written, self.0.join(CONFIG));
        fs::remove_file(&written).ok();
        match placed {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error)?,
            _ => self.sync()?,
        }
        self.read()?.with_context(|| format!("{} went away", self.0.join(CONFIG).display()))
    }

    /// Remembers the installation as it is now.
    pub fn save(&self, installation: &Installation) -> anyhow::Result<()> {
        fs::rename(self.write_aside(installation)?, self.0.join(CONFIG))?;
        self.sync()
    }

    /// Takes the folder for one control plane.
    pub fn hold(&self) -> anyhow::Result<Held> {
        let path = self.0.join(LOCK);
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = options.with_context(|| format!("{}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("{}", path.display()))?,
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).ok();
                bail!("{} is in use by another firesteel (process {})", self.0.display(), holder.trim());
            }
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Held(file))
    }

    fn make(&self) -> anyhow::Result<()> {
        if self.0.join(CONFIG).exists() {
            return Ok(fs::set_permissions(&self.0, Permissions::from_mode(0o700))?);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let known =
                |name: &str| USERS_OWN.contains(&name) || name == CONFIG || name.starts_with(".config-");
            if !name.to_str().is_some_and(known) {
                bail!("it holds other things ({}) and no {CONFIG}: give an empty folder", name.display());
            }
        }
        Ok(fs::set_permissions(&self.0, Permissions::from_mode(0o700))?)
    }

    fn write_aside(&self, installation: &Installation) -> anyhow::Result<PathBuf> {
        let path = self.0.join(format!(".config-{}", hex::encode(rand::rng().random::<[u8; 8]>())));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(b"# Written by firesteel. It holds keys: keep it to yourself.\n")?;
        file.write_all(toml::to_string(installation)?.as_bytes())?;
        file.sync_all()?;
        Ok(path)
    }

    fn sync(&self) -> anyhow::Result<()> {
        Ok(File::open(&self.0)?.sync_all()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> (tempfile::TempDir, DataFolder) {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::choose(Some(parent.path().join("data"))).unwrap();
        (parent, folder)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn made_once_with_tight_modes_and_the_same_again() {
        let (_parent, folder) = fresh();
        assert_eq!(folder.read().unwrap(), None);
        let first = folder.open().unwrap();
        assert_eq!((mode(folder.path()), mode(&folder.path().join(CONFIG))), (0o700, 0o600));
        assert_eq!(first.port, PORT);
        assert_ne!(first.operator, first.control_plane);
        assert_eq!((first.operator.access_key_id.len(), first.operator.secret_access_key.len()), (20, 40));
        assert_eq!(first.runner_secret.len(), 64);
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        assert_eq!(folder.open().unwrap(), first);
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no file is left aside");
    }

    #[test]
    fn many_at_once_get_the_same_keys() {
        let (_parent, folder) = fresh();
        let all: Vec<Installation> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| folder.open().unwrap())).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(all.iter().all(|one| *one == all[0]));
    }

    #[test]
    fn a_port_is_remembered() {
        let (_parent, folder) = fresh();
        let mut installation = folder.open().unwrap();
        installation.port = 9500;
        folder.save(&installation).unwrap();
        assert_eq!(folder.open().unwrap().endpoint(), "http://127.0.0.1:9500");
        assert_eq!(mode(&folder.path().join(CONFIG)), 0o600);
    }

    #[test]
    fn one_holder_at_a_time_and_the_error_names_it() {
        let (_parent, folder) = fresh();
        folder.open().unwrap();
        let held = folder.hold().unwrap();
        let text = folder.hold().unwrap_err().to_string();
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        drop(held);
        folder.hold().unwrap();
    }

    #[test]
    fn a_folder_of_other_things_is_left_alone() {
        let (parent, _) = fresh();
        fs::write(parent.path().join("thesis.txt"), "").unwrap();
        fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).unwrap();
        let folder = DataFolder::choose(Some(parent.path().to_owned())).unwrap();
        let text = format!("{:#}", folder.open().unwrap_err());
        assert!(text.contains("thesis.txt"), "{text}");
        assert_eq!(mode(parent.path()), 0o755);
        fs::rename(parent.path().join("thesis.txt"), parent.path().join("roles.toml")).unwrap();
        folder.open().unwrap();
        assert_eq!(folder.roles_file(), Some(parent.path().join("roles.toml")));
    }

    #[test]
    fn a_damaged_config_says_so_and_is_kept() {
        let (_parent, folder) = fresh();
        folder.open().unwrap();
        fs::write(folder.path().join(CONFIG), "port = ").unwrap();
        assert!(folder.open().unwrap_err().to_string().contains("damaged"));
        assert_eq!(fs::read_to_string(folder.path().join(CONFIG)).unwrap(), "port = ");
    }

    #[test]
    fn whoever_listens_everywhere_is_reached_on_loopback() {
        let table = [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:2", "[::1]:2"),
            ("10.1.2.3:3", "10.1.2.3:3"),
            ("127.0.0.1:4", "127.0.0.1:4"),
        ];
        for (listens, reached) in table {
            assert_eq!(reachable(listens.parse().unwrap()).to_string(), reached);
        }
    }
}
