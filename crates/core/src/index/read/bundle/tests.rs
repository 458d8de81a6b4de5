//! Certificates of either form of date, made with OpenSSL; their keys were never kept.

use super::read;
use crate::index::rows::Bundle;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const NEAR: &str = "\
-----BEGIN CERTIFICATE-----
MIIBcDCCARWgAwIBAgIUV1pfOETxGiUNlrkT0HAI2IWNIyowCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwHhcNMjYxMTIxMTgwNjQ2WhcNMjcxMTIxMTgwNjQ2WjAN
MQswCQYDVQQDDAJjYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGUH0VWNmED7
8w1XCWEYxAe3AMOdJ4/ptYVmJ46uz43Ee6K+SkNXy99nhM3iT/OfxUaHU7mEwPjP
jOSyC75kqRyjUzBRMB0GA1UdDgQWBBS2pl89GnH4YE8fQpBEVxPClgOt4DAfBgNV
HSMEGDAWgBS2pl89GnH4YE8fQpBEVxPClgOt4DAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0kAMEYCIQCGw1EUyzzuiL2uxHD1eXUwZoQgsMLicKEumm9EQqxq
sgIhAKbfFaRCMGb1X4fAACtTN+7v/7jcYRopziuLb8xHpI0w
-----END CERTIFICATE-----
";
const FAR: &str = "\
-----BEGIN CERTIFICATE-----
MIIBcTCCARegAwIBAgIUFsr1D3/4DqNN3zi6S9BwxH28EIcwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTIxMTgwNjQ2WhgPMjA4MTA4MjQxODA2NDZa
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE91HEKcyz
EpVZ7sRL4XFLy8LdKvuD5eRYnIQL3LHaicB14GuoP4jDNVm9CLiPzTCCBsPhco2P
qQCdLSPTJ3Y5T6NTMFEwHQYDVR0OBBYEFMHpYvQ+wpaS/x/wPC7vxzOgQW5NMB8G
A1UdIwQYMBaAFMHpYvQ+wpaS/x/wPC7vxzOgQW5NMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSAAwRQIgLwErLD3vY2TucDnZJBp4vw8cK7sUDOzN7/I57hQQ
ToACIQD2TRy/G+tkFlmu9/WnJ9ZCDtUYd+Au4mBLeIJlgSsxcQ==
-----END CERTIFICATE-----
";

fn of(pem: &str) -> Bundle {
    read(&STANDARD.encode(pem))
}

fn until(text: &str) -> Bundle {
    Bundle::Until(Some(text.parse().unwrap()))
}

#[test]
fn the_last_end_of_a_bundle_counts() {
    assert_eq!(of(NEAR), until("2027-11-21T18:06:46Z"));
    assert_eq!(of(FAR), until("2081-08-24T18:06:46Z"));
    assert_eq!(of(&format!("{FAR}{NEAR}")), of(FAR));
}

#[test]
fn what_is_no_certificate_is_broken_and_what_is_odd_is_unknown() {
    assert_eq!(read(""), Bundle::Absent);
    assert_eq!(read("not base64!"), Bundle::Broken);
    assert_eq!(of("hello"), Bundle::Broken);
    assert_eq!(of("-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n"), Bundle::Broken);
    let short = "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n";
    assert_eq!(of(short), Bundle::Until(None), "a sequence, but of something else");
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = super::not_after(&bytes);
        let _ = of(&format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(&bytes)));
    }
}
