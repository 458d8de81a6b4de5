//! Drill 4c: somebody deletes a fence policy. Policies are exempt from admission, so nobody is
//! stopped from that: the operator must see it, refuse to act, and say so.
//!
//! Owns the namespace `gate`, and one policy for as long as it runs. Must put it back whatever
//! happens. Talks to the API server.

use super::life::{approve, propose, recovered};
use crate::demo::ask::{delete, get};
use crate::demo::ground::{Ground, SOON, generation, name_of, record_of, stands};
use crate::demo::mend::Mend;
use crate::demo::scene::Scene;
use crate::demo::story::{Seen, Stop, Told};
use crate::demo::wait::{Look, until};
use crate::demo::workload;
use bailiwick_api::kinds::mandate::condition::FENCE_PROVED;
use bailiwick_api::{Change, Mandate};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::life::{Phase, Record};
use bailiwick_core::reason::Code;
use kube::Api;
use serde_json::{Value, json};

const WEB: &str = "web";
const POLICY: &str = "bailiwick-executor-fence";
const MANDATE: &str = "bailiwick-demo";

/// Runs the drill.
pub(in crate::demo) async fn run(ground: &Ground, scene: &Scene<'_>) -> Told {
    let namespace = ground.ns("gate");
    let namespace = namespace.as_str();
    ground.deploy(&workload::deployment((namespace, WEB), &ground.images.good, &[], None)).await?;
    let up = ground.available((namespace, WEB)).await;
    let before = up.map_err(|missed| Stop::broken(format!("{WEB} did not come up: {missed}")))?;
    scene.step("alice proposes a restart");
    let change = propose(ground, scene, &["RolloutRestart", "deployment/web"], namespace).await?;
    let played = without_policy(ground, scene, &change, before).await;
    scene.step("the policy is applied again, as `bailiwick install` does");
    let back = ground.mends.all(ground).await;
    played?;
    back?;
    let expectation = scene.expect("the fence holds again", "the operator says FenceProved: not False");
    expectation.came(fence_proved(ground, |status| status != "False").await, Clone::clone)?;
    recovered(ground, scene, (namespace, &name_of(&change))).await.map(drop)
}

async fn without_policy(ground: &Ground, scene: &Scene<'_>, change: &Change, before: i64) -> Told {
    let namespace = change.metadata.namespace.clone().unwrap_or_default();
    scene.step("somebody with the right to do so deletes a fence policy");
    scene.command(&format!("kubectl delete validatingadmissionpolicy {POLICY}"));
    let path = format!("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/{POLICY}");
    let whole = ground.must("read the policy", get(&ground.admin, &path)).await?;
    ground.mends.note(Mend::Object(Box::new(as_applied(&whole))));
    ground.must("delete the policy", delete(&ground.admin, &path)).await?;
    let expectation = scene.expect("the operator says so", format!("condition FenceProved=False, naming {POLICY}"));
    let said = fence_proved(ground, |status| status == "False").await;
    let named = said.as_ref().is_ok_and(|text| text.contains(POLICY));
    expectation.need(Seen::when(named, said.unwrap_or_else(|missed| missed.to_string())))?;
    approve(ground, scene, change).await?;
    let expectation = scene.expect(
        "the operator refuses to act",
        "the change is Approved and stays so: FenceAbsent; nothing was granted or written",
    );
    let held = |_: &Change, record: &Record| {
        record.phase == Phase::Approved && record.reason.as_ref().is_some_and(|r| r.code == Code::FenceAbsent)
    };
    let seen = ground.change((&namespace, &name_of(change)), held).await;
    let now = generation(&ground.deployment((&namespace, WEB)).await?);
    expectation.need(match seen {
        Ok(change) => {
            let record = record_of(&change);
            let clean = record.executions.is_empty() && now == Some(before);
            Seen::when(clean, format!("{}; generation still {before}", stands(&record)))
        }
        Err(missed) => Seen::Wrong(missed.to_string()),
    })
}

/// The demo's Mandate says what was observed of the fence.
async fn fence_proved(ground: &Ground, wanted: impl Fn(&str) -> bool) -> Result<String, crate::demo::wait::Missed> {
    let mandates: Api<Mandate> = Api::namespaced(ground.cluster.watching.clone(), SYSTEM_NAMESPACE);
    until(&mandates, MANDATE, SOON, |seen| {
        let conditions = seen.and_then(|m| m.status.as_ref()).map(|s| s.conditions.as_slice()).unwrap_or_default();
        match conditions.iter().find(|c| c.kind == FENCE_PROVED) {
            Some(c) if wanted(&c.status) => Look::Yes(format!("{}={} ({}): {}", c.kind, c.status, c.reason, c.message)),
            Some(c) => Look::NotYet(format!("{}={} ({}): {}", c.kind, c.status, c.reason, c.message)),
            None => Look::NotYet("no such condition".to_owned()),
        }
    })
    .await
}

/// The policy as it can be applied: without what the API server keeps.
fn as_applied(policy: &Value) -> Value {
    json!({
        "apiVersion": policy["apiVersion"],
        "kind": policy["kind"],
        "metadata": {"name": policy["metadata"]["name"], "labels": policy["metadata"]["labels"]},
        "spec": policy["spec"],
    })
}
