//! Exported logs of receipts, as somebody may hand them over.
//!
//! Owns what a forger must not get: a log that verifies and holds anything the key's owner did not
//! sign. No IO.

use bailiwick_core::receipt::{
    Chain, Entry, Envelope, Kind, Pin, PublicKey, Purpose, ReceiptBody, Signer, pem_of_seed, read, verify_export,
    write_export,
};
use std::sync::LazyLock;

/// The genuine log.
struct Genuine {
    key: PublicKey,
    lines: Vec<Vec<u8>>,
    export: Vec<u8>,
}

static GENUINE: LazyLock<Genuine> = LazyLock::new(|| {
    let signer = Signer::from_pkcs8_pem(&pem_of_seed(&[7; 32])).expect("a key");
    let mut chain = Chain::genesis(signer.public().id());
    let mut entries: Vec<Entry> = Vec::new();
    for kind in [Kind::Approval, Kind::Change, Kind::Refusal] {
        let (next, entry) = chain.next(&signer, ReceiptBody::new(kind, crate::NOW)).expect("an entry");
        chain = next;
        entries.push(entry);
    }
    let checkpoint = chain.checkpoint(Purpose::Head, crate::NOW).sign(&signer).expect("a checkpoint");
    let mut export = Vec::new();
    write_export(&mut export, None, entries.iter().map(|e| &e.envelope), &checkpoint).expect("an export");
    let lines = export.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    Genuine { key: signer.public().clone(), lines, export }
});

/// The genuine export, from which the corpus begins.
pub(crate) fn genuine() -> &'static [u8] {
    &GENUINE.export
}

/// Bytes of an exported log.
pub(crate) fn run(data: &[u8]) {
    let genuine = &*GENUINE;
    if verify_export(data, std::slice::from_ref(&genuine.key), None).is_ok() {
        let forged = data.split(|b| *b == b'\n').find(|line| !genuine.lines.iter().any(|g| g == line));
        assert_eq!(forged.map(String::from_utf8_lossy), None, "a line that nobody signed");
        assert!(verify_export(data, std::slice::from_ref(&genuine.key), Some(Pin::Size(4))).is_err());
    }
    for line in data.split(|b| *b == b'\n').take(8) {
        let Ok(envelope) = serde_json::from_slice::<Envelope>(line) else { continue };
        let _words = (read(&envelope, &genuine.key).is_ok(), Chain::resume(&envelope, &genuine.key).is_ok());
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _key = (PublicKey::from_pem(text).is_ok(), Signer::from_pkcs8_pem(text).is_ok());
        let _pin = text.parse::<Pin>();
    }
}
