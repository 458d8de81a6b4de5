//! Client certificates for people. Written in DER by hand because `rcgen` allows one organization per name, while Kubernetes reads one group from each. Pure but for the random key.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use sha2::{Digest as _, Sha256};

use super::Identity;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OID: u8 = 0x06;
const UTF8: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const OCTETS: u8 = 0x04;
const BITS: u8 = 0x03;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// Makes a key and a certificate for it that says `user` and `groups`.
pub(super) fn sign(authority: &KeyPair, issuer: &str, user: &str, groups: &[String]) -> Result<Identity> {
    let key = KeyPair::generate().with_context(|| format!("make the key of {user}"))?;
    let algorithm = der(SEQUENCE, &der(OID, ECDSA_WITH_SHA256));
    let usage =
        der(SEQUENCE, &[der(OID, EXTENDED_KEY_USAGE), der(OCTETS, &der(SEQUENCE, &der(OID, CLIENT_AUTH)))].concat());
    let mut subject: Vec<_> = groups.iter().map(|group| attribute(ORGANIZATION, group)).collect();
    subject.push(attribute(COMMON_NAME, user));
    let statement = der(
        SEQUENCE,
        &[
            der(VERSION, &der(INTEGER, &[2])),
            der(INTEGER, &serial(&key)),
            algorithm.clone(),
            der(SEQUENCE, &attribute(COMMON_NAME, issuer)),
            der(SEQUENCE, &[der(UTC_TIME, b"200101000000Z"), der(UTC_TIME, b"491231235959Z")].concat()),
            der(SEQUENCE, &subject.concat()),
            key.subject_public_key_info(),
            der(EXTENSIONS, &der(SEQUENCE, &usage)),
        ]
        .concat(),
    );
    let signature = authority.sign(&statement).with_context(|| format!("sign the certificate of {user}"))?;
    let bits = [&[0], signature.as_slice()].concat();
    let certificate = der(SEQUENCE, &[statement, algorithm, der(BITS, &bits)].concat());
    Ok(Identity { certificate: pem(&certificate), key: key.serialize_pem() })
}

/// From the key, so that no two certificates share one; the first byte keeps it positive and minimal.
fn serial(key: &KeyPair) -> Vec<u8> {
    let digest = Sha256::digest(key.public_key_raw());
    [&[0x40], &digest[..15]].concat()
}

fn attribute(kind: &[u8], value: &str) -> Vec<u8> {
    der(SET, &der(SEQUENCE, &[der(OID, kind), der(UTF8, value.as_bytes())].concat()))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
        out.push(0x80 | bytes.len() as u8);
        out.extend(bytes);
    }
    out.extend_from_slice(content);
    out
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minimal() {
        assert_eq!(der(INTEGER, &[1]), [2, 1, 1]);
        assert_eq!(der(OCTETS, &[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(der(OCTETS, &[0; 300])[..4], [4, 0x82, 1, 44]);
    }

    #[test]
    fn a_person_has_every_group() {
        let authority = KeyPair::generate().unwrap();
        let groups = ["sre", "payments-owners", "oncall"].map(str::to_owned);
        let person = sign(&authority, "testbed-ca", "anna@example.com", &groups).unwrap();
        let body: String = person.certificate.lines().filter(|l| !l.starts_with('-')).collect();
        let bytes = STANDARD.decode(body).unwrap();
        for word in groups.iter().map(String::as_str).chain(["anna@example.com"]) {
            assert!(bytes.windows(word.len()).any(|w| w == word.as_bytes()), "{word}");
        }
    }
}
