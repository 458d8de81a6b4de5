//! Faults by name: other texts, garbage, floods, several at once.
//!
//! Owns no code under test. No IO.

use super::fixture::{Log, Rng, file, first_fault, verify};
use crate::receipt::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

#[test]
fn another_text_for_the_same_envelope_is_a_fault() {
    let log = Log::random(&mut Rng(1), 9, &[3, 6]);
    let text = String::from_utf8(log.lines()[4].clone()).unwrap();
    let payload = log.entries[4].envelope.payload.clone();
    let unpadded = URL_SAFE_NO_PAD.encode(STANDARD.decode(&payload).unwrap());
    let (head, tail) = text.split_once(r#","payloadType":"#).unwrap();
    let (kind, signatures) = tail.split_once(r#","signatures":"#).unwrap();
    let variants = [
        format!("{text} "),
        format!("{text}\r"),
        format!(" {text}"),
        text.replace(':', ": "),
        text.replace("vnd", "\\u0076nd"),
        text.replace(&payload, &unpadded),
        format!(r#"{{"payloadType":{kind},"payload":"{payload}","signatures":{signatures}"#),
        format!(r#"{head},"payload":"{payload}","payloadType":{tail}"#),
        text.replacen('{', r#"{"extra":1,"#, 1),
        text.replacen(r#"]}"#, r#",null]}"#, 1),
    ];
    for variant in variants {
        let mut lines = log.lines();
        lines[4] = variant.clone().into_bytes();
        let (line, what) = first_fault(&file(&lines), None);
        assert_eq!(line, 5, "{variant}");
        assert!(matches!(what, What::NotCanonical {} | What::Garbage {}), "{what}: {variant}");
    }
}

#[test]
fn garbage_of_any_length_is_named_and_the_rest_still_read() {
    let log = Log::random(&mut Rng(1), 9, &[3, 6]);
    for (garbage, wanted) in [
        (Vec::new(), What::Garbage {}),
        (vec![b'x'; MAX_LINE], What::Garbage {}),
        (vec![b'x'; MAX_LINE + 1], What::TooLong {}),
        (vec![b'['; 3 * MAX_LINE], What::TooLong {}),
        (vec![0xff; 10], What::Garbage {}),
    ] {
        let mut lines = log.lines();
        lines.insert(2, garbage);
        let faults = verify(&file(&lines), None).unwrap_err();
        assert_eq!(faults, [Fault { line: 3, sequence: Some(2), what: wanted }]);
    }
}

#[test]
fn several_faults_are_named_each_at_its_place() {
    let log = Log::random(&mut Rng(8), 12, &[]);
    let mut lines = log.lines();
    lines[1][0] ^= 1;
    lines.remove(4);
    // Receipts 8 and 9, at lines 8 and 9.
    lines.swap(7, 8);
    let found: Vec<_> = verify(&file(&lines), None).unwrap_err().iter().map(Fault::to_string).collect();
    assert_eq!(
        found,
        [
            "line 2 (receipt 1): the line is not an envelope with one signature",
            "line 5 (receipt 4): receipt 4 is missing",
            "line 8 (receipt 8): receipt 9 stands where 8 should",
        ]
    );
}

#[test]
fn a_flood_of_faults_ends_the_reading() {
    let faults = verify(&b"x\n".repeat(5_000), None).unwrap_err();
    assert_eq!(faults.len(), 101);
    assert_eq!(faults[100].what, What::TooMany {});
}
