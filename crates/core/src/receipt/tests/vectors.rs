//! Answers that others have published: DSSE, RFC 6962, RFC 8032, OpenSSL's encodings.
//!
//! Owns no code under test. No IO.

use super::fixture::signer;
use crate::receipt::merkle::{
    Frontier, Head, consistency_proof, inclusion_proof, leaf, root, verify_consistency, verify_inclusion,
};
use crate::receipt::*;

#[test]
fn the_pre_authentication_encoding_is_the_specifications_example() {
    // github.com/secure-systems-lab/dsse, protocol.md, "Test Vectors".
    let bytes = pae("http://example.com/HelloWorld", b"hello world");
    assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn signatures_are_the_ones_of_rfc_8032() {
    // Section 7.1, test 2.
    let seed: [u8; 32] = unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").try_into().unwrap();
    let signer = Signer::from_pkcs8_pem(&pem_of_seed(&seed)).unwrap();
    assert_eq!(
        signer.public().raw().as_slice(),
        unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    );
    let signature = unhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    assert_eq!(signer.sign_bytes(&[0x72]).unwrap().as_slice(), signature);
    assert!(signer.public().verifies(&[0x72], &signature));
    assert!(!signer.public().verifies(&[0x73], &signature));
}

#[test]
fn keys_are_read_as_openssl_writes_them() {
    // RFC 8410 section 10: the same key pair, private as version 1 PKCS#8.
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    let signer = Signer::from_pkcs8_pem(private).unwrap();
    assert_eq!(PublicKey::from_pem(public).unwrap(), *signer.public());
    assert_eq!(signer.public().to_pem(), public);
    for bad in ["", public, "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----"]
    {
        assert_eq!(Signer::from_pkcs8_pem(bad).unwrap_err(), KeyError::Private);
    }
    assert_eq!(PublicKey::from_pem(private).unwrap_err(), KeyError::Public);
    assert_eq!(PublicKey::from_raw(&[0; 31]).unwrap_err(), KeyError::Public);
}

#[test]
fn a_signer_shows_no_more_than_its_key_id() {
    let signer = signer(7);
    assert_eq!(format!("{signer:?}"), format!("Signer({})", signer.public().id()));
    assert_eq!(signer.public().id().to_string(), Digest::of(signer.public().raw()).to_string()[..16]);
}

#[test]
fn a_generated_key_signs() {
    let signer = Signer::from_pkcs8_pem(&generate(&aws_lc_rs::rand::SystemRandom::new()).unwrap()).unwrap();
    assert!(signer.public().verifies(b"x", &signer.sign_bytes(b"x").unwrap()));
}

/// The leaves and roots of certificate-transparency's reference tests.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn leaves() -> Vec<Digest> {
    LEAVES.iter().map(|text| leaf(&unhex(text))).collect()
}

#[test]
fn roots_are_the_published_ones() {
    assert_eq!(root(&[]).to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size, wanted) in ROOTS.iter().enumerate() {
        assert_eq!(root(&leaves()[..=size]).to_string(), *wanted, "{} leaves", size + 1);
    }
}

#[test]
fn proofs_are_the_published_ones() {
    let hashes = |path: Option<Vec<Digest>>| path.unwrap().iter().map(Digest::to_string).collect::<Vec<_>>();
    assert_eq!(
        hashes(inclusion_proof(&leaves(), 0)),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]
    );
    assert_eq!(
        hashes(consistency_proof(&leaves(), 6)),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
}

fn many(count: u8) -> Vec<Digest> {
    (0..count).map(|n| leaf(&[n])).collect()
}

#[test]
fn every_inclusion_is_proved_and_no_other() {
    for size in 1..34_u8 {
        let leaves = many(size);
        let top = root(&leaves);
        for at in 0..size {
            let path = inclusion_proof(&leaves, usize::from(at)).unwrap();
            let holds = |leaf: &Digest, at: u8, size: u8, path: &[Digest]| {
                verify_inclusion(leaf, u64::from(at), u64::from(size), path, &top)
            };
            let leaf = &leaves[usize::from(at)];
            assert!(holds(leaf, at, size, &path));
            assert!(!holds(&top, at, size, &path) || size == 1);
            assert!((0..=size).all(|other| other == at || !holds(leaf, other, size, &path)));
            assert!(!holds(leaf, at, size, &[path.as_slice(), &[top]].concat()));
            assert!(path.is_empty() || !holds(leaf, at, size, &path[1..]));
        }
        assert_eq!(inclusion_proof(&leaves, usize::from(size)), None);
    }
}

#[test]
fn every_growth_is_proved_and_no_other() {
    for new in 1..34_u8 {
        let leaves = many(new);
        let head = |size: u8| Head { size: u64::from(size), root: root(&leaves[..usize::from(size)]) };
        for old in 1..=new {
            let path = consistency_proof(&leaves, usize::from(old)).unwrap();
            assert!(verify_consistency(&head(old), &head(new), &path), "{old} to {new}");
            let forged = Head { root: Digest::ZERO, ..head(old) };
            assert!(!verify_consistency(&forged, &head(new), &path));
            assert!(!verify_consistency(&head(old), &Head { root: Digest::ZERO, ..head(new) }, &path));
            assert!(!verify_consistency(&head(old), &head(new), &[path.as_slice(), &[Digest::ZERO]].concat()));
            assert!(old == new || !verify_consistency(&head(new), &head(old), &path));
        }
        assert!(!verify_consistency(&Head { size: 0, root: root(&[]) }, &head(new), &[]));
    }
}

#[test]
fn a_frontier_goes_on_where_it_was_left() {
    let leaves = many(21);
    let mut frontier = Frontier::default();
    for (size, leaf) in leaves.iter().enumerate() {
        let resumed = Frontier::from_peaks(frontier.size(), frontier.peaks().to_vec()).unwrap();
        assert_eq!(resumed.root(), root(&leaves[..size]));
        frontier.push(*leaf);
    }
    assert_eq!(Frontier::from_peaks(21, vec![Digest::ZERO]), None);
}
