//! A certificate authority for one proxy, and what it certifies. Pure, but for randomness.

use std::sync::Arc;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// What accepts connections for `host`, and the authority to trust, as PEM.
pub(super) fn acceptor(host: &str) -> Result<(TlsAcceptor, String)> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let certificate = authority.self_signed(&key)?;
    let pem = certificate.pem();
    let issuer = Issuer::new(authority, key);
    let own_key = KeyPair::generate()?;
    let own = CertificateParams::new([host.to_owned()])?.signed_by(&own_key, &issuer)?;
    let chain: Vec<CertificateDer<'static>> = vec![own.der().clone()];
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own_key.serialize_der()));
    let mut config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, private)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), pem))
}
