//! How a run begins: limits, verdicts, the people, the Changes.
//!
//! Owns these values.

use crate::bug::Bug;
use crate::cluster::{Cluster, Doing, Snapshot, Stored};
use crate::plans::proposal;
use crate::rng::Rng;
use bailiwick_core::life::Record;
use bailiwick_core::mandate::{Approvers, Limits, Outcome, Verdict};
use bailiwick_core::plan::Operation;
use bailiwick_core::reason::{Code, Reason};
use jiff::Timestamp;
use std::rc::Rc;

pub(crate) const OPERATOR: &str = "operator";
/// People whom the mandate names; the second one proposes a Change now and then.
pub(crate) const APPROVERS: [&str; 3] = ["alice", "bob", "carol"];
/// Somebody whom it does not name.
pub(crate) const STRANGER: &str = "mallory";
/// How long an approval is good for, in seconds.
pub(crate) const APPROVAL_TTL: i64 = 40;

/// Short limits, so that a run sees every one of them end.
pub(crate) fn limits() -> Limits {
    Limits {
        concurrent: 2,
        per_hour: 8,
        cool_down_seconds: 3,
        hold_seconds: 3,
        recovery_window_seconds: 12,
        late_recovery_seconds: 20,
        approval_ttl_seconds: 40,
        ..Limits::default()
    }
}

pub(crate) fn verdict(outcome: Outcome, quorum: u32) -> Verdict {
    let code = match outcome {
        Outcome::PreApproved => Code::MandateAllows,
        Outcome::NeedsApproval => Code::MandateAsks,
        Outcome::Refused => Code::RefusedByMandate,
    };
    Verdict {
        outcome,
        reasons: vec![Reason::plain(code)],
        mandate: Some("default".into()),
        approvers: Approvers { users: APPROVERS.map(str::to_owned).to_vec(), groups: Vec::new() },
        quorum,
        limits: limits(),
    }
}

/// A cluster with one or two Changes of one object.
pub(crate) fn begin(rng: &mut Rng, bug: Option<Bug>) -> Cluster {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let first = Snapshot {
        outcome: rng.pick(&[Outcome::PreApproved, Outcome::NeedsApproval]),
        quorum: rng.pick(&[1, 1, 2]),
        suspended: false,
        key: true,
        fence: true,
        territory: true,
        namespace: true,
        ballots: Vec::new(),
    };
    let mut cluster = Cluster::new(now, first, bug);
    let operation = rng.pick(&[Operation::Update, Operation::Update, Operation::Delete, Operation::Create]);
    if operation != Operation::Create {
        cluster.target = Some(cluster.fresh(1));
    }
    cluster.free = rng.chance(30);
    cluster.doing = rng.pick(&[Doing::Well, Doing::Well, Doing::NotYet, Doing::Worse]);
    for n in 0..rng.pick(&[1, 1, 2]) {
        let operation = if n == 0 { operation } else { Operation::Update };
        let proposer = rng.pick(&[OPERATOR, OPERATOR, APPROVERS[1]]);
        let wanted = (operation != Operation::Delete).then(|| 10 + u32::try_from(n).unwrap_or(0));
        cluster.changes.push(Stored {
            proposal: proposal(n, now, proposer),
            operation,
            wanted,
            undoable: rng.chance(70),
            rv: 1,
            record: Rc::new(Record::default()),
        });
    }
    cluster
}
