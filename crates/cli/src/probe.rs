//! Whether the policies are in force, found by dry runs that they must refuse.
//!
//! Owns the requests and the reading of their answers. Must never send one that would be kept:
//! each is a server-side dry run. Asks the API server.

pub mod acting;

use crate::cluster::Cluster;
use crate::fault;
use bailiwick_api::kinds::receipt::{Envelope, Signature, name_of};
use bailiwick_api::kinds::reference::ExactRef;
use bailiwick_api::{Approval, ApprovalSpec, Change, ChangeSpec, Incident, IncidentSpec, Receipt, ReceiptSpec, Why};
use bailiwick_core::action::Action;
use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use bailiwick_core::finding::Cause;
use bailiwick_core::life::DecisionKind;
use bailiwick_core::names::{NameError, Namespace, ObjectName, Uid};
use bailiwick_core::object::{Kind, ObjectRef};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{ObjectMeta, PostParams};

/// What a dry run showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The policy refused it, with these words.
    Yes(String),
    /// It was admitted: the policy is not in force.
    No,
    /// It cannot be told, and why.
    Unknown(String),
}

/// Names of the policies that a caller without a one-shot account can prove.
pub const PROVABLE: &[&str] = &[
    "bailiwick-fence-guard",
    "bailiwick-change-author",
    "bailiwick-approval-identity",
    "bailiwick-status-author",
    "bailiwick-receipt-log",
];

const NOBODY: &str = "bailiwick-check:nobody";
const NAME: &str = "bailiwick-check";

fn read<T>(answer: Result<T, kube::Error>, policy: &str) -> Held {
    match answer {
        Ok(_) => Held::No,
        Err(kube::Error::Api(status)) => match fault::policy_refusal(&status) {
            Some(words) if status.message.contains(policy) => Held::Yes(words),
            Some(words) => Held::Unknown(format!("another policy refused it first: {words}")),
            None => Held::Unknown(crate::safe::line(&status.message)),
        },
        Err(error) => Held::Unknown(fault::chain(&error)),
    }
}

/// Tries every provable policy.
pub async fn all(cluster: &Cluster) -> Vec<(&'static str, Held)> {
    let bad_name = |e: NameError| Held::Unknown(e.to_string());
    vec![
        (PROVABLE[0], guard(cluster).await),
        (PROVABLE[1], author(cluster).await.unwrap_or_else(bad_name)),
        (PROVABLE[2], identity(cluster).await.unwrap_or_else(bad_name)),
        (PROVABLE[3], record(cluster).await.unwrap_or_else(bad_name)),
        (PROVABLE[4], receipt(cluster).await),
    ]
}

fn dry() -> PostParams {
    PostParams { dry_run: true, field_manager: None }
}

/// An account in the namespace of grants, by somebody who is not the operator.
async fn guard(cluster: &Cluster) -> Held {
    let account = ServiceAccount {
        metadata: ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() },
        ..ServiceAccount::default()
    };
    let answer = cluster.within::<ServiceAccount>(GRANTS_NAMESPACE).create(&dry(), &account).await;
    read(answer, PROVABLE[0])
}

fn target() -> Result<ObjectRef, NameError> {
    let namespace = Namespace::parse(SYSTEM_NAMESPACE)?;
    Ok(ObjectRef::namespaced(Kind::Deployment, namespace, ObjectName::parse(NAME)?, Some(Uid::parse(NAME)?)))
}

/// A change in somebody else's name.
async fn author(cluster: &Cluster) -> Result<Held, NameError> {
    let spec = ChangeSpec::new(NOBODY, Action::RolloutRestart {}, target()?, Why::default());
    let answer = cluster.within::<Change>(SYSTEM_NAMESPACE).create(&dry(), &Change::new(NAME, spec)).await;
    Ok(read(answer, PROVABLE[1]))
}

/// An approval in somebody else's name.
async fn identity(cluster: &Cluster) -> Result<Held, NameError> {
    let spec = ApprovalSpec {
        change_ref: ExactRef { name: ObjectName::parse(NAME)?, uid: Uid::parse(NAME)? },
        digest: "0".repeat(64),
        approver: NOBODY.to_owned(),
        groups: Vec::new(),
        decision: DecisionKind::Reject,
        reason: String::new(),
    };
    let answer = cluster.within::<Approval>(SYSTEM_NAMESPACE).create(&dry(), &Approval::new(NAME, spec)).await;
    Ok(read(answer, PROVABLE[2]))
}

/// An incident that the operator did not record.
async fn record(cluster: &Cluster) -> Result<Held, NameError> {
    let spec =
        IncidentSpec { cause: Cause::CrashLoop, subject: target()?, container: None, dedupe_key: NAME.to_owned() };
    let answer = cluster.within::<Incident>(SYSTEM_NAMESPACE).create(&dry(), &Incident::new(NAME, spec)).await;
    Ok(read(answer, PROVABLE[3]))
}

/// A receipt that the operator did not sign, far behind the end of any log.
async fn receipt(cluster: &Cluster) -> Held {
    const LAST: i64 = 999_999_999_999;
    let signature = Signature { keyid: NAME.to_owned(), sig: NAME.to_owned() };
    let envelope = Envelope { payload_type: NAME.to_owned(), payload: NAME.to_owned(), signatures: vec![signature] };
    let spec = ReceiptSpec { sequence: LAST, envelope, hash: "0".repeat(64), previous: "0".repeat(64) };
    let answer = cluster.within::<Receipt>(SYSTEM_NAMESPACE).create(&dry(), &Receipt::new(&name_of(LAST), spec)).await;
    read(answer, PROVABLE[4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn refused(message: &str) -> Result<(), kube::Error> {
        Err(kube::Error::Api(Box::new(Status { code: 403, message: message.into(), ..Status::default() })))
    }

    #[test]
    fn only_the_policys_own_refusal_proves_it() {
        let text = "x is forbidden: ValidatingAdmissionPolicy 'bailiwick-fence-guard' with binding 'bailiwick-fence-guard' denied request: only the operator writes";
        assert!(matches!(read(refused(text), PROVABLE[0]), Held::Yes(_)));
        assert!(matches!(read(refused(text), PROVABLE[1]), Held::Unknown(_)));
        assert!(matches!(read(refused("User \"ann\" cannot create"), PROVABLE[0]), Held::Unknown(_)));
        assert_eq!(read(Ok(()), PROVABLE[0]), Held::No);
    }
}
