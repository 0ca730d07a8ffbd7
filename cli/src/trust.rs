//! Whom our own TLS clients trust: the authorities of AWS_CA_BUNDLE, as the AWS CLI does, else the system's.

use anyhow::{Context, bail};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use hyper_rustls::ConfigBuilderExt;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const VARIABLE: &str = "AWS_CA_BUNDLE";

/// The bundle's text, if there is one.
fn bundle() -> anyhow::Result<Option<Vec<u8>>> {
    let Some(file) = std::env::var_os(VARIABLE).filter(|file| !file.is_empty()) else { return Ok(None) };
    let read = std::fs::read(&file).with_context(|| format!("{VARIABLE}={}", file.display()));
    read.map(Some)
}

/// For our own HTTP client.
pub fn client_config() -> anyhow::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    let Some(bundle) = bundle()? else {
        return Ok(builder.with_native_roots()?.with_no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bundle) {
        roots.add(certificate.with_context(|| format!("{VARIABLE} is no PEM file of certificates"))?)?;
    }
    if roots.is_empty() {
        bail!("{VARIABLE} holds no certificate");
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// For the SDK's clients; `None` if theirs will do.
pub fn sdk_client() -> anyhow::Result<Option<SharedHttpClient>> {
    let Some(bundle) = bundle()? else { return Ok(None) };
    let trusted = TrustStore::empty().with_pem_certificate(bundle);
    let context = TlsContext::builder().with_trust_store(trusted).build()?;
    let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context);
    Ok(Some(client.build_https()))
}
