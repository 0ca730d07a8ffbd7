//! TLS for the port: a given certificate, or one of a certificate authority of the installation's own.
//!
//! It must not know what is spoken inside.

use anyhow::{Context, bail};
use jiff::{Span, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto::aws_lc_rs};

/// What the port speaks inside TLS, preferred first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// Life of the authority, and of a certificate that it signs at each start, in days. Some clients take none longer than 825.
const AUTHORITY_DAYS: i64 = 3_650;
const CERTIFICATE_DAYS: i64 = 820;

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// A chain and its key, in two PEM files.
    Given {
        /// The certificate, and those between it and its authority.
        chain: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// The installation's own, for these names and addresses besides those of this machine.
    Own {
        /// Where the authority is kept.
        folder: PathBuf,
        /// Names and addresses.
        names: Vec<String>,
    },
}

/// The port's TLS.
pub struct Tls {
    certificate: Certificate,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the certificate, or makes one.
    pub fn new(certificate: Certificate) -> anyhow::Result<Self> {
        let config = RwLock::new(Arc::new(certificate.config()?));
        Ok(Self { certificate, config })
    }

    /// Greets a client, with the certificate that is in force.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Files to look at for changes.
    pub fn watched(&self) -> Vec<PathBuf> {
        match &self.certificate {
            Certificate::Given { chain, key } => vec![chain.clone(), key.clone()],
            Certificate::Own { .. } => Vec::new(),
        }
    }

    /// Reads the certificate again.
    pub fn reload(&self) -> anyhow::Result<()> {
        let config = Arc::new(self.certificate.config()?);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }
}

impl Certificate {
    /// The authority that clients must be told to trust, if it is the installation's own.
    pub fn authority(&self) -> Option<PathBuf> {
        match self {
            Self::Given { .. } => None,
            Self::Own { folder, .. } => Some(folder.join("ca.pem")),
        }
    }

    fn config(&self) -> anyhow::Result<ServerConfig> {
        let (chain, key) = match self {
            Self::Given { chain, key } => given(chain, key)?,
            Self::Own { folder, names } => {
                own(folder, names).with_context(|| format!("a certificate in {}", folder.display()))?
            }
        };
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_single_cert(chain, key).context("certificate and key")?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(config)
    }
}

type ChainAndKey = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn given(chain: &Path, key: &Path) -> anyhow::Result<ChainAndKey> {
    let of_chain = || format!("{} is no PEM file of certificates", chain.display());
    let certificates = CertificateDer::pem_file_iter(chain).with_context(of_chain)?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().with_context(of_chain)?;
    if certificates.is_empty() {
        bail!("{}", of_chain());
    }
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("{} is no PEM file of a private key", key.display()))?;
    Ok((certificates, key))
}

/// A certificate for this machine and the names, signed by the folder's authority, which is made if it is not there.
fn own(folder: &Path, names: &[String]) -> anyhow::Result<ChainAndKey> {
    let authority = authority(folder)?;
    let mut all = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    all.extend(nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()));
    all.extend(names.iter().filter(|name| !is_unspecified(name)).cloned());
    all.sort();
    all.dedup();
    let mut params = CertificateParams::new(all)?;
    params.distinguished_name = named("Firesteel");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = life(CERTIFICATE_DAYS)?;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &authority)?;
    Ok((vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
}

fn is_unspecified(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified())
}

fn authority(folder: &Path) -> anyhow::Result<Issuer<'static, KeyPair>> {
    let (certificate, key) = (folder.join("ca.pem"), folder.join("ca.key"));
    let mut params = CertificateParams::default();
    params.distinguished_name = named("Firesteel's own authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = life(AUTHORITY_DAYS)?;
    if certificate.exists() {
        let pair = KeyPair::from_pem(&std::fs::read_to_string(&key)?)
            .with_context(|| format!("{} is no private key", key.display()))?;
        return Ok(Issuer::new(params, pair));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let pair = KeyPair::generate()?;
    write(&key, &pair.serialize_pem())?;
    // Last, since it is what says that the authority is whole.
    write(&certificate, &params.self_signed(&pair)?.pem())?;
    Ok(Issuer::new(params, pair))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file.sync_all()?)
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

/// From yesterday, for clocks that go behind, for so many days.
fn life(days: i64) -> anyhow::Result<(time::OffsetDateTime, time::OffsetDateTime)> {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let at = |days: i64| -> anyhow::Result<time::OffsetDateTime> {
        let day = now.checked_add(Span::new().days(days))?.timestamp().as_second();
        Ok(time::OffsetDateTime::from_unix_timestamp(day)?)
    };
    Ok((at(-1)?, at(days)?))
}
