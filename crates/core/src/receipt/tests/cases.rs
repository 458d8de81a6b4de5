//! The log's life: empty, growing, rotated, retired, pinned, resumed.
//!
//! Owns no code under test. No IO.

use super::fixture::{Log, Rng, file, first_fault, signer, time, verify};
use crate::receipt::*;

fn log() -> Log {
    Log::random(&mut Rng(1), 9, &[3, 6])
}

#[test]
fn a_sound_log_is_reported_with_its_keys() {
    let log = log();
    let report = verify(&file(&log.lines()), None).unwrap();
    assert_eq!((report.receipts, report.retired, report.head), (9, 0, log.chain.head()));
    let keys = [(1, 0), (2, 4), (3, 7)].map(|(n, from)| KeyUse { key: signer(n).public().id(), from });
    assert_eq!(report.keys, keys);
    let leaves: Vec<_> = log.entries.iter().map(|e| merkle::leaf(e.hash.as_bytes())).collect();
    assert_eq!(report.root, merkle::root(&leaves));
}

#[test]
fn an_empty_log_is_a_checkpoint_alone() {
    let report = verify(&file(&Log::new().lines()), None).unwrap();
    assert_eq!((report.receipts, report.head), (0, Digest::ZERO));
}

#[test]
fn the_writer_writes_what_the_verifier_reads() {
    let (log, mut out) = (log(), Vec::new());
    let receipts = log.entries.iter().map(|e| &e.envelope);
    assert_eq!(write_export(&mut out, None, receipts, log.checkpoints.last().unwrap()).unwrap(), 9);
    assert_eq!(out, file(&log.lines()));
}

#[test]
fn only_the_key_in_force_may_sign() {
    let (mut rng, mut log) = (Rng(2), Log::random(&mut Rng(2), 3, &[2]));
    let refused = log.chain.next(&signer(1), rng.body()).unwrap_err();
    assert!(matches!(refused, SignError::KeyNotInForce { .. }), "{refused}");
    // The retired key signs nevertheless; so does one that nobody introduced.
    let lines = log.lines();
    for (n, wanted) in
        [(1, What::RetiredKey(signer(1).public().id())), (9, What::ForeignKey(signer(9).public().id().to_string()))]
    {
        let forged = sign(&signer(n), rng.body(), 3, log.chain.head()).unwrap();
        let mut lines = lines.clone();
        lines.insert(3, forged.envelope.to_line().unwrap());
        assert_eq!(first_fault(&file(&lines), None), (4, wanted));
    }
    // A key never comes back.
    log.append(ReceiptBody::rotation(signer(3).public().clone(), time(0)));
    let (_, back) = log.chain.next(&signer(3), ReceiptBody::rotation(signer(1).public().clone(), time(0))).unwrap();
    let mut lines = log.lines();
    lines.insert(4, back.envelope.to_line().unwrap());
    assert!(matches!(first_fault(&file(&lines), None), (5, What::BadStatement(_))));
}

#[test]
fn without_the_first_key_nothing_is_trusted() {
    let bytes = file(&log().lines());
    assert_eq!(verify_export(&*bytes, &[], None).unwrap_err()[0].what, What::NoKey {});
    let faults = verify_export(&*bytes, &[signer(2).public().clone()], None).unwrap_err();
    assert_eq!((faults[0].line, &faults[0].what), (1, &What::ForeignKey(signer(1).public().id().to_string())));
}

#[test]
fn a_consistently_cut_log_is_found_by_a_pin() {
    let log = log();
    let mut lines = log.lines();
    lines.truncate(7);
    lines.push(log.checkpoints[7].to_line().unwrap());
    let cut = file(&lines);
    assert_eq!(verify(&cut, None).unwrap().receipts, 7);
    let head = log.chain.head();
    for pin in [Pin::Size(9), Pin::Hash(head), Pin::Both(9, head)] {
        assert!(verify(&file(&log.lines()), Some(pin)).is_ok(), "{pin}");
        assert_eq!(first_fault(&cut, Some(pin)), (8, What::PinNotFound(pin.to_string())));
        assert_eq!(pin.to_string().parse(), Ok(pin));
    }
    // An older pin is met by the longer log; a wrong one never is.
    let earlier = log.entries[4].hash;
    for pin in [Pin::Size(0), Pin::Size(5), Pin::Hash(earlier), Pin::Both(5, earlier)] {
        assert!(verify(&file(&log.lines()), Some(pin)).is_ok(), "{pin}");
    }
    assert!(verify(&file(&log.lines()), Some(Pin::Both(4, earlier))).is_err());
    for bad in ["", "x", "1:", "-1", ":", "1:2", &"A".repeat(64)] {
        assert!(bad.parse::<Pin>().is_err(), "{bad}");
    }
}

#[test]
fn retired_receipts_are_stood_for_by_a_retention_checkpoint_alone() {
    let mut rng = Rng(4);
    let mut log = Log::random(&mut rng, 5, &[2]);
    let base = log.checkpoint(Purpose::Retention);
    for _ in 0..4 {
        log.append(rng.body());
    }
    let kept = |base: &Envelope| {
        let mut lines = vec![base.to_line().unwrap()];
        lines.extend_from_slice(&log.lines()[5..]);
        file(&lines)
    };
    let keys = [signer(2).public().clone()];
    let report = verify_export(&*kept(&base), &keys, Some(Pin::Both(5, log.entries[4].hash))).unwrap();
    assert_eq!((report.receipts, report.retired, report.head), (4, 5, log.chain.head()));
    // The end of an older export is no retention checkpoint.
    let faults = verify_export(&*kept(&log.checkpoints[5]), &keys, None).unwrap_err();
    assert_eq!((faults[0].line, &faults[0].what), (1, &What::MisplacedCheckpoint {}));
    // Nor may one stand further down.
    let mut lines = log.lines();
    lines.insert(5, base.to_line().unwrap());
    assert_eq!(first_fault(&file(&lines), None), (6, What::MisplacedCheckpoint {}));
}

#[test]
fn the_log_goes_on_from_its_checkpoint_and_follows_anothers_receipts() {
    let log = log();
    let key = signer(3);
    let resumed = Chain::resume(log.checkpoints.last().unwrap(), key.public()).unwrap();
    assert_eq!((resumed.size(), resumed.head(), resumed.key()), (9, log.chain.head(), key.public().id()));
    let (next, entry) = resumed.next(&key, Rng(5).body()).unwrap();
    assert_eq!(resumed.follow(&entry.envelope, key.public()).unwrap(), next);
    assert!(next.follow(&entry.envelope, key.public()).is_err());
    assert!(Chain::resume(&entry.envelope, key.public()).is_err());
    assert!(Chain::resume(log.checkpoints.last().unwrap(), signer(2).public()).is_err());
    let mut replayed = Chain::genesis(signer(1).public().id());
    for (entry, n) in log.entries.iter().zip([1, 1, 1, 1, 2, 2, 2, 3, 3]) {
        replayed = replayed.follow(&entry.envelope, signer(n).public()).unwrap();
    }
    assert_eq!(replayed, log.chain);
}

#[test]
fn time_never_runs_backwards() {
    let mut log = Log::new();
    log.append(ReceiptBody::new(Kind::Refusal, time(100)));
    log.append(ReceiptBody::new(Kind::Refusal, time(50)));
    assert!(verify(&file(&log.lines()), None).is_ok());
    let dated = read(&log.entries[1].envelope, signer(1).public()).unwrap();
    assert_eq!(dated.at, time(100));
    // A signer that does not hold to it is found.
    let dated = sign(&signer(1), ReceiptBody::new(Kind::Refusal, time(99)), 2, log.chain.head()).unwrap();
    let mut lines = log.lines();
    lines.insert(2, dated.envelope.to_line().unwrap());
    assert_eq!(first_fault(&file(&lines), None), (3, What::BackDated {}));
}
