//! From a Change's record to what its receipt states.
//!
//! Owns the mapping. Must never state what the record does not hold. No IO.

use bailiwick_api::Change;
use bailiwick_core::life::{Execution, Phase, Purpose, Record};
use bailiwick_core::names::{Namespace, ObjectName, Uid};
use bailiwick_core::receipt::{
    Applied, Approver, Canonical, Digest, FenceProof, Grant, Kind, Named, Plan, ReceiptBody, Undo, Verdict,
    Verification,
};
use bailiwick_core::{object, plan};
use jiff::Timestamp;

/// The kind of receipt about something of a Change.
pub(crate) fn kind_of(about: &str) -> Kind {
    match about {
        "RollBack" => Kind::Rollback,
        "Refused" => Kind::Refusal,
        _ if about.starts_with("Approval/") => Kind::Approval,
        _ => Kind::Change,
    }
}

/// What the receipt states; `None` where the Change lacks its identity or there is no time.
pub(crate) fn body(change: &Change, about: &str, now: Option<Timestamp>) -> Option<ReceiptBody> {
    let record = change.status.as_ref()?;
    let mut kind = kind_of(about);
    if kind == Kind::Change && record.phase == Phase::Failed {
        kind = Kind::LateRecovery;
    }
    let mut body = ReceiptBody::new(kind, now?);
    body.change = Some(named(change)?);
    body.change_type = Some(change.spec.change_type);
    body.proposer = Some(change.spec.proposer.clone());
    body.target = Some(change.spec.target.clone());
    body.plan = record.plan.as_ref().and_then(plan_part);
    body.verdict = record.verdict.as_ref().map(|v| Verdict {
        outcome: format!("{:?}", v.outcome),
        reasons: v.reasons.iter().map(ToString::to_string).collect(),
    });
    match kind {
        Kind::Approval => body.approvers = approvers(record, about.strip_prefix("Approval/")),
        Kind::Rollback => concerning(&mut body, record, Purpose::RollBack),
        Kind::Change | Kind::Refusal | Kind::LateRecovery | Kind::KeyRotation => {
            body.approvers = approvers(record, None);
            concerning(&mut body, record, Purpose::Apply);
            body.grants = grants(record);
            body.outcome = Some(about.to_owned());
            body.verification = verification(record, about);
        }
    }
    if kind == Kind::LateRecovery {
        body.late_by_seconds = late_by(record, body.at);
    }
    body.undo = change.spec.undoes.as_ref().and_then(|of| {
        let of = Named { name: of.name.clone(), namespace: change.spec.target.namespace.clone()?, uid: of.uid.clone() };
        Some(Undo { of: Some(of), patch: None })
    });
    Some(body)
}

fn named(change: &Change) -> Option<Named> {
    let meta = &change.metadata;
    Some(Named {
        name: ObjectName::parse(meta.name.clone()?).ok()?,
        namespace: Namespace::parse(meta.namespace.clone()?).ok()?,
        uid: Uid::parse(meta.uid.clone()?).ok()?,
    })
}

fn plan_part(plan: &plan::Plan) -> Option<Plan> {
    let digest: Digest = serde_json::from_value(serde_json::Value::String(plan.digest.clone())).ok()?;
    // What a ConfigMap holds is nobody's to keep for ever; the digest covers it.
    let told = !plan.patch.is_empty() && plan.target.kind != object::Kind::ConfigMap;
    let patch = told.then(|| Canonical::of(&plan.patch_operations()).ok()).flatten();
    Some(Plan { digest, dry_run: plan.dry_run == plan::DryRun::Server, patch })
}

fn approvers(record: &Record, only: Option<&str>) -> Vec<Approver> {
    let counted = record.approvals.iter().filter(|c| c.ignored.is_none() && only.is_none_or(|name| c.name == name));
    counted
        .map(|c| Approver {
            at: c.at,
            decision: format!("{:?}", c.decision),
            reason: Some(c.reason.clone()).filter(|r| !r.is_empty()),
            uid: None,
            user: c.approver.clone(),
        })
        .collect()
}

fn grants(record: &Record) -> Vec<Grant> {
    let mut grants: Vec<Grant> = Vec::new();
    for grant in record.planning.iter().chain(record.executions.iter().map(|e| &e.grant)) {
        if !grants.iter().any(|g| g.account == grant.account) {
            grants.push(Grant {
                account: grant.account.clone(),
                granted_at: grant.granted_at,
                revoked_at: grant.revoked_at,
            });
        }
    }
    grants
}

/// The write, its authority and the proof that the fence held for it.
fn concerning(body: &mut ReceiptBody, record: &Record, purpose: Purpose) {
    let mut of_purpose = record.executions.iter().rev().filter(|e| e.purpose == purpose);
    let Some(execution) =
        of_purpose.find(|e| e.is_applied()).or_else(|| record.executions.iter().rev().find(|e| e.purpose == purpose))
    else {
        return;
    };
    body.fence_proof = fence_proof(execution);
    body.applied = execution.applied_at.map(|at| Applied {
        at,
        outcome: execution.outcome.as_ref().map(|r| r.code.as_str()).unwrap_or("Written").to_owned(),
        resource_version: execution.resource_version.clone(),
    });
    if purpose == Purpose::RollBack {
        let grant = &execution.grant;
        body.grants =
            vec![Grant { account: grant.account.clone(), granted_at: grant.granted_at, revoked_at: grant.revoked_at }];
        body.plan = record.undo_plan.as_ref().and_then(plan_part);
    }
}

fn fence_proof(execution: &Execution) -> Option<FenceProof> {
    let grant = &execution.grant;
    Some(FenceProof { at: grant.proved_at?, fence: grant.account.clone(), refusal: grant.proof.clone()? })
}

fn verification(record: &Record, about: &str) -> Option<Verification> {
    let seen = record.verification.as_ref()?;
    let code = record.ending.as_ref().and_then(|e| e.reason.as_ref()).map(|r| r.code.as_str());
    Some(Verification { at: seen.at?, outcome: code.unwrap_or(about).to_owned(), summary: seen.observed.clone() })
}

/// Seconds between the record of the failure and the late recovery.
fn late_by(record: &Record, at: Timestamp) -> Option<u64> {
    let failed = record.timeline.iter().rev().find(|t| t.phase == Phase::Failed)?.at;
    u64::try_from(at.duration_since(failed).as_secs()).ok()
}
