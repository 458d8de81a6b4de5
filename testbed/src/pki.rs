//! The cluster's certificates: one authority, a certificate per component, and client certificates for people on request. Writes under the cluster's `pki/` only; nothing here outlives its cluster, so validity is fixed and wide.

mod person;

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType,
};

use crate::spec::{NODE, SERVICE_IP, Spec};

const AUTHORITY: &str = "testbed-ca";

/// A certificate with its key, both in PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A component that has a certificate: file name, user, group.
const COMPONENTS: [(&str, &str, Option<&str>); 8] = [
    ("apiserver", "kube-apiserver", None),
    ("admin", "admin", Some("system:masters")),
    ("kcm", "system:kube-controller-manager", None),
    ("scheduler", "system:kube-scheduler", None),
    ("kubelet", "system:node:node1", Some("system:nodes")),
    ("kubelet-client", "apiserver-kubelet-client", Some("system:masters")),
    ("proxy", "system:kube-proxy", None),
    ("front-proxy", "front-proxy", None),
];

/// Makes the authority, all components' certificates, and the service account key.
pub(crate) fn create(spec: &Spec) -> Result<()> {
    let key = KeyPair::generate().context("make the authority's key")?;
    let params = authority();
    let certificate = params.self_signed(&key).context("sign the authority's certificate")?;
    write(spec, "ca", &Identity { certificate: certificate.pem(), key: key.serialize_pem() })?;
    let issuer = Issuer::new(params, key);
    for (file, user, group) in COMPONENTS {
        let mut params = CertificateParams::default();
        params.distinguished_name = name(user, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names = alternative_names(spec, file)?;
        let key = KeyPair::generate().with_context(|| format!("make the key of {file}"))?;
        let certificate = params.signed_by(&key, &issuer).with_context(|| format!("sign the certificate of {file}"))?;
        write(spec, file, &Identity { certificate: certificate.pem(), key: key.serialize_pem() })?;
    }
    let accounts = KeyPair::generate().context("make the service account key")?;
    store(spec, "sa.pub", &accounts.public_key_pem())?;
    store(spec, "sa.key", &accounts.serialize_pem())
}

/// Signs a client certificate for `user` in `groups` with the authority of a cluster.
pub(crate) fn sign_person(spec: &Spec, user: &str, groups: &[String]) -> Result<Identity> {
    let path = spec.pki("ca.key");
    let pem = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let authority = KeyPair::from_pem(&pem).context("read the authority's key")?;
    person::sign(&authority, AUTHORITY, user, groups)
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(AUTHORITY, None);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn name(user: &str, group: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(group) = group {
        name.push(DnType::OrganizationName, group);
    }
    name.push(DnType::CommonName, user);
    name
}

fn alternative_names(spec: &Spec, file: &str) -> Result<Vec<SanType>> {
    let node = IpAddr::V4(spec.node_ip());
    let (names, addresses): (&[&str], &[IpAddr]) = match file {
        "apiserver" => (
            &[
                "kubernetes",
                "kubernetes.default",
                "kubernetes.default.svc",
                "kubernetes.default.svc.cluster.local",
                "localhost",
            ],
            &[IpAddr::from([127, 0, 0, 1]), IpAddr::V4(SERVICE_IP), node],
        ),
        "kubelet" => (&[NODE], &[node]),
        _ => (&["localhost"], &[]),
    };
    let names = names.iter().map(|n| Ok(SanType::DnsName((*n).try_into()?)));
    names.chain(addresses.iter().map(|a| Ok(SanType::IpAddress(*a)))).collect()
}

fn write(spec: &Spec, file: &str, identity: &Identity) -> Result<()> {
    store(spec, &format!("{file}.crt"), &identity.certificate)?;
    store(spec, &format!("{file}.key"), &identity.key)
}

fn store(spec: &Spec, file: &str, text: &str) -> Result<()> {
    let path = spec.pki(file);
    std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))
}
