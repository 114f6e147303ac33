//! TLS with ring, set up per client and not for the whole process.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::Error;

/// Settings that trust what the operating system trusts; for a session on this machine alone, where
/// loading the system's certificates would be wasted time, settings that trust nobody.
pub(crate) fn config(loopback_only: bool) -> Result<ClientConfig, Error> {
    let setup = |error: rustls::Error| Error::Setup { problem: format!("TLS: {error}") };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(setup)?;
    if loopback_only {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    Ok(builder.with_platform_verifier().map_err(setup)?.with_no_client_auth())
}
