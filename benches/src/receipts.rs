//! Receipts: signing and offline verification, beside bare SHA-256 and Ed25519 over the same bytes.
//!
//! Owns the figures of `core::receipt`. The peer makes no JSON, no base64, no chain, no tree: it
//! is the floor below which no receipt can be made or checked. No IO.

use crate::record::Bounds;
use crate::{Bench, Record, Setup, clock, rounds};
use anyhow::{Context as _, Result, anyhow, ensure};
use bailiwick_core::action::ChangeType;
use bailiwick_core::names::{Namespace, ObjectName, Uid};
use bailiwick_core::object::{Kind as ObjectKind, ObjectRef};
use bailiwick_core::receipt::{
    self, Applied, Canonical, Chain, Digest, FenceProof, Grant, Kind, Named, Plan, Purpose, ReceiptBody,
    STATEMENT_TYPE, Signer, Verdict, Verification,
};
use jiff::Timestamp;
use serde_json::json;
use std::hint::black_box;
use std::time::Duration;

const NAME: &str = "receipts";
const PEER: &str = "sha2 + aws-lc-rs Ed25519, same bytes";
const ROUNDS: usize = 7;
const APPENDS: u32 = 20_000;
const VERIFIES: u32 = 10_000;

/// The bench of `core::receipt`.
pub(crate) struct Receipts;

impl Bench for Receipts {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "sign and verify receipts, against bare SHA-256 and Ed25519"
    }

    fn run(&self, _: &Setup) -> Result<Vec<Record>> {
        let signer = Signer::from_pkcs8_pem(&receipt::pem_of_seed(&[7; 32]))?;
        let mut records = append(&signer)?;
        records.extend(verify(&signer)?);
        Ok(records)
    }
}

fn append(signer: &Signer) -> Result<Vec<Record>> {
    let body = body()?;
    let entry = receipt::sign(signer, body.clone(), 0, Digest::ZERO)?;
    let payload = signed_bytes(&entry.envelope)?;
    let ours = || sign_chain(signer, &body);
    let peer = || {
        let (time, done) = clock::cpu(|| -> Result<()> {
            for _ in 0..APPENDS {
                black_box(Digest::of(black_box(&payload)));
                black_box(signer.sign_bytes(black_box(&payload))?);
            }
            Ok(())
        });
        done.map(|()| time)
    };
    let costs = rounds::compare(ROUNDS, APPENDS, ours, peer)?;
    let line = u32::try_from(entry.envelope.to_line()?.len())?;
    Ok(vec![
        Record::alone(NAME, "append: canonicalise, hash, sign", "µs", 0.0)
            .beside(PEER, costs, 1e6)
            .bounded(Bounds { must: 0.85, aim: 0.9 }),
        Record::alone(NAME, "size of a receipt in an export", "bytes", f64::from(line)),
    ])
}

/// Signs a chain of receipts as an operator does, without the checkpoints. Making the body is the
/// caller's work: what the copies cost is measured beside it and taken off.
fn sign_chain(signer: &Signer, body: &ReceiptBody) -> Result<Duration> {
    let (copies, ()) = clock::cpu(|| {
        for _ in 0..APPENDS {
            black_box(body.clone());
        }
    });
    let (time, chain) = clock::cpu(|| -> Result<Chain> {
        let mut chain = Chain::genesis(signer.public().id());
        for _ in 0..APPENDS {
            let (next, entry) = chain.next(signer, body.clone())?;
            black_box(entry);
            chain = next;
        }
        Ok(chain)
    });
    let size = chain?.size();
    ensure!(size == u64::from(APPENDS), "{size} receipts signed");
    Ok(time.saturating_sub(copies))
}

/// The bytes under the signature, as the peer signs them.
fn signed_bytes(envelope: &receipt::Envelope) -> Result<Vec<u8>> {
    let payload = envelope.payload_bytes().context("the envelope's payload is no base64")?;
    Ok(receipt::pae(STATEMENT_TYPE, &payload))
}

/// An export and, for the peer, each message with its signature.
struct Log {
    export: Vec<u8>,
    signed: Vec<(Vec<u8>, Vec<u8>)>,
}

fn log(signer: &Signer) -> Result<Log> {
    let (body, mut chain) = (body()?, Chain::genesis(signer.public().id()));
    let (mut receipts, mut signed) = (Vec::new(), Vec::new());
    for _ in 0..VERIFIES {
        let (next, entry) = chain.next(signer, body.clone())?;
        let message = signed_bytes(&entry.envelope)?;
        signed.push((message.clone(), signer.sign_bytes(&message)?.to_vec()));
        receipts.push(entry.envelope);
        chain = next;
    }
    let end = chain.checkpoint(Purpose::Head, Timestamp::UNIX_EPOCH).sign(signer)?;
    let mut export = Vec::new();
    receipt::write_export(&mut export, None, &receipts, &end)?;
    Ok(Log { export, signed })
}

fn verify(signer: &Signer) -> Result<Vec<Record>> {
    let log = log(signer)?;
    let keys = [signer.public().clone()];
    let ours = || {
        let (time, report) = clock::cpu(|| receipt::verify_export(log.export.as_slice(), &keys, None));
        let report = report.map_err(|faults| anyhow!("a sound log was refused: {faults:?}"))?;
        ensure!(report.receipts == u64::from(VERIFIES), "{} receipts read", report.receipts);
        Ok(time)
    };
    let peer = || -> Result<Duration> {
        let (time, sound) = clock::cpu(|| {
            log.signed.iter().all(|(message, signature)| {
                black_box(Digest::of(black_box(message)));
                keys[0].verifies(message, signature)
            })
        });
        ensure!(sound, "the peer refused a signature");
        Ok(time)
    };
    let costs = rounds::compare(ROUNDS, VERIFIES, ours, peer)?;
    let one = Record::alone(NAME, "verify one receipt offline", "µs", 0.0);
    let scaled = Record::alone(NAME, "verify 100,000 receipts offline, scaled", "s", costs.ours * 1e5);
    Ok(vec![
        one.beside(PEER, costs, 1e6).bounded(Bounds { must: 0.8, aim: 0.9 }),
        scaled.bounded(Bounds { must: 10.0, aim: 5.0 }),
    ])
}

/// A Change that was planned, granted, applied and verified: the common receipt.
fn body() -> Result<ReceiptBody> {
    let at = Timestamp::from_second(1_790_000_000)?;
    let namespace = Namespace::parse("incident")?;
    let uid = Uid::parse("0b0c8a3e-6f0e-4e55-9a56-6b7d0f3c9d11")?;
    let named = |name: &str| -> Result<Named> {
        let (namespace, uid) = (namespace.clone(), uid.clone());
        Ok(Named { name: ObjectName::parse(name)?, namespace, uid })
    };
    let patch = json!([
        {"op": "test", "path": "/metadata/uid", "value": uid.as_str()},
        {"op": "test", "path": "/spec/template/spec/containers/0/image", "value": "registry.test/web:v9"},
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.test/web:v1"},
    ]);
    let mut body = ReceiptBody::new(Kind::Change, at);
    body.applied = Some(Applied { at, outcome: "Acknowledged".into(), resource_version: Some("48213".into()) });
    body.change = Some(named("web-imagenotfound-1")?);
    body.change_type = Some(ChangeType::SetImage);
    body.fence_proof = Some(FenceProof {
        at,
        fence: "fence-000000000042".into(),
        refusal: "bailiwick-executor-fence: the result differs from the plan".into(),
    });
    let account = "system:serviceaccount:bailiwick-grants:bwk-0b0c8a3e".to_owned();
    body.grants = vec![Grant { account, granted_at: at, revoked_at: Some(at) }];
    body.incident = Some(named("web-imagenotfound-0b0c8a3e")?);
    body.outcome = Some("Recovered".into());
    body.plan = Some(Plan { digest: Digest::of(b"plan"), dry_run: true, patch: Some(Canonical::of(&patch)?) });
    body.proposer = Some("system:serviceaccount:bailiwick-system:bailiwick-operator".into());
    let target = ObjectName::parse("web")?;
    body.target = Some(ObjectRef::namespaced(ObjectKind::Deployment, namespace.clone(), target, Some(uid.clone())));
    body.verdict = Some(Verdict { outcome: "PreApproved".into(), reasons: vec!["MandateRule".into()] });
    body.verification =
        Some(Verification { at, outcome: "Recovered".into(), summary: "3 of 3 replicas available".into() });
    Ok(body)
}
