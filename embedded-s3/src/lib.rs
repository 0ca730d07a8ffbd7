//! S3 for one machine: conditional writes, durable, in one folder, with STS for it.
//!
//! [`EmbeddedS3`] answers HTTP requests; whoever holds it owns the socket. It knows nothing of job
//! runs or the control plane, except that one bucket is the control plane's alone.

mod access;
mod api;
mod blobs;
mod body;
mod digest;
mod front;
mod index;
mod presigned;
mod refused;
mod sts;

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use access::{Gate, Holder, Keys, Latest, Limits, Named, Roles, Seal};
use api::Api;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use index::Index;
use s3s::service::S3Service;
use sts::Sts;

/// The body of a response: an [`http_body::Body`] of [`Bytes`].
pub use s3s::Body;

/// An access key and its secret.
#[derive(Clone)]
pub struct KeyPair {
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// What is to be opened, and for whom.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder; created if it is not there.
    pub root: PathBuf,
    /// The region that buckets are said to be in.
    pub region: String,
    /// The key of whoever runs this machine: all buckets but the state bucket.
    pub operator: KeyPair,
    /// The control plane's key: everything.
    pub control_plane: KeyPair,
    /// The bucket that only the control plane can see.
    pub state_bucket: String,
    /// The file that says which roles there are and what they may; without it every role is accepted.
    pub roles_file: Option<PathBuf>,
    /// The account that owns everything, 12 digits.
    pub account_id: String,
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the data folder open.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// The folder or a file in it could not be read or written.
    #[error("{0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// The index could not be opened.
    #[error("the index in {0} cannot be opened: {1}")]
    Index(PathBuf, String),
    /// The roles file is not valid.
    #[error("{0}: {1}")]
    Roles(PathBuf, String),
}

/// A named user: a long-lived key of somebody who is neither the operator nor the control plane.
#[derive(Debug, Clone)]
pub struct NamedUser {
    /// Their key.
    pub key: KeyPair,
    /// Their ARN.
    pub arn: String,
    /// What they may read and write: `s3://bucket/prefix/*`.
    pub allow: Vec<String>,
    /// What they may read.
    pub read_only: Vec<String>,
}

/// A session that was issued here, as other services need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedSession {
    /// The secret of its access key.
    pub secret_key: String,
    /// When it ends, or has ended, in milliseconds since the epoch.
    pub expires_ms: i64,
    /// For whom it acts.
    pub holder: SessionHolder,
}

/// For whom a session acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionHolder {
    /// A role that was assumed.
    Role {
        /// ARN of the role.
        role: String,
        /// ARN of the session: `arn:aws:sts::<account>:assumed-role/<role>/<session>`.
        arn: String,
    },
    /// The user of this long-lived access key.
    User(String),
}

/// S3 and STS over one data folder.
pub struct EmbeddedS3 {
    keys: Arc<Keys>,
    roles_file: Option<PathBuf>,
    index: Arc<Index>,
    region: String,
    s3: S3Service,
    sts: Sts,
    _lock: File,
}

impl EmbeddedS3 {
    /// Opens the data folder. Only one process at a time can.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let root = config.root;
        let in_folder = |failure| OpenError::Folder(root.clone(), failure);
        let roles = Roles::load(config.roles_file.as_deref())
            .map_err(|fault| OpenError::Roles(config.roles_file.clone().unwrap_or_default(), fault))?;
        let new = !root.is_dir();
        std::fs::create_dir_all(&root).map_err(in_folder)?;
        if new {
            // Bodies and the key of sessions are nobody else's.
            std::fs::set_permissions(&root, Permissions::from_mode(0o700)).map_err(in_folder)?;
        }
        let lock = File::create(root.join("lock")).map_err(in_folder)?;
        lock.try_lock().map_err(|_| OpenError::InUse(root.clone()))?;
        let seal = Seal::open(&root).map_err(in_folder)?;
        let (index, blobs) =
            Index::open(&root).map_err(|refusal| OpenError::Index(root.clone(), refusal.to_string()))?;
        let index = Arc::new(index);
        let keys = Arc::new(Keys {
            operator: config.operator,
            control_plane: config.control_plane,
            state_bucket: config.state_bucket.into(),
            account: config.account_id.clone(),
            seal,
            roles: Latest::new(roles),
            named: Latest::default(),
        });
        let region = config.region.clone();
        let api = Api { index: index.clone(), blobs, region: config.region, account: config.account_id };
        let (s3, sts) = (front::service(api, Gate(keys.clone())), Sts::new(keys.clone()));
        Ok(Self { keys, roles_file: config.roles_file, index, region, s3, sts, _lock: lock })
    }

    /// From now on these are the named users, and no others. Errors: a place that is not of the form `s3://…`.
    pub fn set_users(&self, users: Vec<NamedUser>) -> Result<(), String> {
        let named = users.into_iter().map(|user| {
            let limits = Limits::within(&user.allow, &user.read_only)?;
            let named = Named { arn: user.arn, secret_key: user.key.secret_key, limits };
            Ok((user.key.access_key, Arc::new(named)))
        });
        self.keys.named.set(named.collect::<Result<_, String>>()?);
        Ok(())
    }

    /// Reads the roles file again, for sessions that are issued from now on. If it is not valid (the error says where), or
    /// not there, the roles stay as they are.
    pub fn reload_roles(&self) -> Result<(), String> {
        let Some(file) = &self.roles_file else { return Ok(()) };
        self.keys.roles.set(Roles::load(Some(file))?);
        Ok(())
    }

    /// The session of an access key and its token, if it was issued here; it may be over.
    pub fn session(&self, access_key: &str, token: &str) -> Option<IssuedSession> {
        let secret_key = self.keys.seal.secret_key(access_key)?;
        let session = self.keys.session(access_key, Some(token)).ok()?;
        let holder = match session.holder {
            Holder::Role(role) => SessionHolder::Role { arn: role.arn(), role: role.role },
            Holder::User(key) => SessionHolder::User(key),
        };
        Some(IssuedSession { secret_key, expires_ms: session.expires_ms, holder })
    }

    /// Answers an S3 request, path style.
    pub async fn s3<B>(&self, request: http::Request<B>) -> http::Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        front::answer(
            &self.s3,
            &self.region,
            request.map(|body| Body::http_body_unsync(body.map_err(Into::into))),
        )
        .await
    }

    /// Answers an STS request.
    pub async fn sts<B>(&self, request: http::Request<B>) -> http::Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        match Limited::new(body, sts::BODY_MAX).collect().await {
            Ok(body) => self.sts.answer(&parts, &body.to_bytes()),
            Err(_) => front::empty(http::StatusCode::PAYLOAD_TOO_LARGE),
        }
    }

    /// Commits what is queued and closes the files. Requests that come later fail.
    pub fn close(self) {
        self.index.close();
    }
}
