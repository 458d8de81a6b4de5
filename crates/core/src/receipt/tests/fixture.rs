//! Keys, bodies and logs for tests, all from a seed.
//!
//! Owns the random numbers, so that a failure is repeated by its seed. No IO.

use crate::action::ChangeType;
use crate::names::{Namespace, ObjectName, Uid};
use crate::object::{Kind as ObjectKind, ObjectRef};
use crate::receipt::*;
use jiff::Timestamp;
use serde_json::json;

/// SplitMix64: small, and the same on every machine.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn some<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| make(self))
    }

    fn several<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(3)).map(|_| make(self)).collect()
    }

    fn text(&mut self) -> String {
        const PIECES: &[&str] = &[
            "web",
            "\"",
            "\\",
            "\n",
            "\u{0}",
            "\u{1f}",
            "\u{7f}",
            "é",
            "\u{2028}",
            "\u{1f600}",
            "\u{ffff}",
            "</a>",
            " ",
        ];
        (0..self.below(8)).map(|_| PIECES[self.below(PIECES.len())]).collect()
    }

    fn time(&mut self) -> Timestamp {
        let nanos = [0, 1_000, 500_000_000, 123_456_789][self.below(4)];
        Timestamp::new(1_700_000_000 + i64::try_from(self.below(1_000_000)).unwrap(), nanos).unwrap()
    }

    fn named(&mut self) -> Named {
        Named {
            name: ObjectName::parse(format!("name-{}", self.below(100))).unwrap(),
            namespace: Namespace::parse("incident").unwrap(),
            uid: self.uid(),
        }
    }

    fn uid(&mut self) -> Uid {
        Uid::parse(format!("{:016x}", self.next())).unwrap()
    }

    fn target(&mut self) -> ObjectRef {
        let name = ObjectName::parse("web").unwrap();
        let uid = self.some(Self::uid);
        if self.below(2) == 0 {
            return ObjectRef::cluster(ObjectKind::Node, name, uid);
        }
        ObjectRef::namespaced(ObjectKind::Deployment, Namespace::parse("incident").unwrap(), name, uid)
    }

    fn patch(&mut self) -> Canonical {
        let value = json!([{"op": "replace", "path": self.text(), "value": {
            self.text(): self.below(9), self.text(): [null, true, -1.5], "z": self.text(), "a": {}}}]);
        Canonical::of(&value).unwrap()
    }

    fn approver(&mut self) -> Approver {
        Approver {
            at: self.time(),
            decision: "Approve".to_owned(),
            reason: self.some(Self::text),
            uid: self.some(Self::uid),
            user: self.text(),
        }
    }

    fn grant(&mut self) -> Grant {
        Grant { account: self.text(), granted_at: self.time(), revoked_at: self.some(Self::time) }
    }

    fn plan(&mut self) -> Plan {
        Plan {
            digest: Digest::of(&self.next().to_le_bytes()),
            dry_run: self.below(2) == 0,
            patch: self.some(Self::patch),
        }
    }

    /// Any body but a key rotation, with any of its parts.
    pub(super) fn body(&mut self) -> ReceiptBody {
        let mut body = ReceiptBody::new(Kind::ALL[self.below(Kind::ALL.len() - 1)], self.time());
        body.applied = self.some(|r| Applied { at: r.time(), outcome: r.text(), resource_version: r.some(Self::text) });
        body.approvers = self.several(Self::approver);
        body.change = self.some(Self::named);
        body.change_type = self.some(|r| ChangeType::ALL[r.below(ChangeType::ALL.len())]);
        body.fence_proof = self.some(|r| FenceProof { at: r.time(), fence: r.text(), refusal: r.text() });
        body.grants = self.several(Self::grant);
        body.incident = self.some(Self::named);
        body.late_by_seconds = self.some(Self::next);
        body.outcome = self.some(Self::text);
        body.plan = self.some(Self::plan);
        body.proposer = self.some(Self::text);
        body.target = self.some(Self::target);
        body.undo = self.some(|r| Undo { of: r.some(Self::named), patch: r.some(Self::patch) });
        body.verdict = self.some(|r| Verdict { outcome: r.text(), reasons: r.several(Self::text) });
        body.verification = self.some(|r| Verification { at: r.time(), outcome: r.text(), summary: r.text() });
        body
    }
}

/// The `n`th key.
pub(super) fn signer(n: u8) -> Signer {
    Signer::from_pkcs8_pem(&pem_of_seed(&[n; 32])).unwrap()
}

pub(super) fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// A log with the checkpoint after each of its receipts, the empty log's included.
pub(super) struct Log {
    pub(super) chain: Chain,
    pub(super) entries: Vec<Entry>,
    /// `checkpoints[n]` states the first `n` receipts.
    pub(super) checkpoints: Vec<Envelope>,
    key: u8,
}

impl Log {
    pub(super) fn new() -> Self {
        let chain = Chain::genesis(signer(1).public().id());
        let mut log = Self { chain, entries: Vec::new(), checkpoints: Vec::new(), key: 1 };
        log.checkpoints.push(log.checkpoint(Purpose::Head));
        log
    }

    /// A log of random receipts; the ones at these positions rotate the key.
    pub(super) fn random(rng: &mut Rng, size: u64, rotations: &[u64]) -> Self {
        let mut log = Self::new();
        for sequence in 0..size {
            if rotations.contains(&sequence) {
                log.rotate();
            } else {
                log.append(rng.body());
            }
        }
        log
    }

    pub(super) fn append(&mut self, body: ReceiptBody) {
        let successor = self.key + u8::from(body.rotation.is_some());
        let (chain, entry) = self.chain.next(&signer(self.key), body).unwrap();
        (self.chain, self.key) = (chain, successor);
        self.entries.push(entry);
        self.checkpoints.push(self.checkpoint(Purpose::Head));
    }

    pub(super) fn rotate(&mut self) {
        self.append(ReceiptBody::rotation(signer(self.key + 1).public().clone(), time(0)));
    }

    pub(super) fn checkpoint(&self, purpose: Purpose) -> Envelope {
        self.chain.checkpoint(purpose, time(0)).sign(&signer(self.key)).unwrap()
    }

    /// The export's lines, without line ends, the checkpoint last.
    pub(super) fn lines(&self) -> Vec<Vec<u8>> {
        let ends = self.checkpoints.last();
        self.entries.iter().map(|e| &e.envelope).chain(ends).map(|e| e.to_line().unwrap()).collect()
    }
}

pub(super) fn file(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect()
}

pub(super) fn verify(bytes: &[u8], pin: Option<Pin>) -> Result<Report, Vec<Fault>> {
    verify_export(bytes, &[signer(1).public().clone()], pin)
}

/// The first fault's line and what it is.
pub(super) fn first_fault(bytes: &[u8], pin: Option<Pin>) -> (u64, What) {
    let fault = verify(bytes, pin).unwrap_err().swap_remove(0);
    (fault.line, fault.what)
}
