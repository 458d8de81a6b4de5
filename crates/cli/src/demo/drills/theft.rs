//! Drill 4b: the operator is down; its grant is live, and the token is stolen. Then the switch.
//!
//! Owns the namespace `vault`, and the operator's replicas for as long as it runs. Must give them
//! back whatever happens. Talks to the API server.

use super::life::{approve, digest, propose, recovered};
use super::thief::{OTHER, Thief, WEB};
use crate::demo::ask::{Refuser, create, get, merge, patch};
use crate::demo::grant::{self, Grant};
use crate::demo::ground::{Ground, LATER, generation, name_of, record_of, stands};
use crate::demo::mend::Mend;
use crate::demo::people::{ERIN, MALLORY, SUE};
use crate::demo::scene::Scene;
use crate::demo::story::{Seen, Stop, Told};
use crate::demo::wait::{Look, poll};
use crate::demo::workload;
use crate::words::count;
use bailiwick_api::Change;
use bailiwick_api::manifests::OPERATOR;
use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use bailiwick_core::life::{Phase, Record};
use serde_json::{Value, json};
use std::time::Instant;

/// Runs the drill.
pub(in crate::demo) async fn run(ground: &Ground, scene: &Scene<'_>) -> Told {
    let namespace = ground.ns("vault");
    let namespace = namespace.as_str();
    for name in [WEB, OTHER] {
        ground.deploy(&workload::deployment((namespace, name), &ground.images.good, &[], None)).await?;
    }
    for name in [WEB, OTHER] {
        let up = ground.available((namespace, name)).await;
        up.map_err(|missed| Stop::broken(format!("{name} did not come up: {missed}")))?;
    }
    scene.step("alice proposes another image for the workload");
    let image = format!("image={}", ground.images.other);
    let words = ["SetImage", "deployment/web", "--set", "container=main", "--set", &image];
    let change = propose(ground, scene, &words, namespace).await?;
    let replicas = replicas(ground).await?;
    let words = ["SetImage", "deployment/other", "--set", "container=main", "--set", &image];
    let second = propose(ground, scene, &words, namespace).await?;
    ground.mends.note(Mend::Operator(replicas));
    let played = without_operator(ground, scene, namespace, [&change, &second]).await;
    let back = restore(ground, scene, replicas).await;
    played?;
    back?;
    scene.step("the operator is back: it carries out what bob approved, and plans anew what drifted");
    recovered(ground, scene, (namespace, &name_of(&change))).await?;
    let (old, name) = (digest(&record_of(&second)), name_of(&second));
    let expectation = scene.expect("drifted meanwhile", "AwaitingApproval again, with another digest");
    let fresh = |_: &Change, record: &Record| {
        record.phase == Phase::AwaitingApproval && digest(record) != old && record.plan.is_some()
    };
    expectation.came(ground.change((namespace, &name), fresh).await, |c| stands(&record_of(c))).map(drop)
}

fn operator_path() -> String {
    workload::path(SYSTEM_NAMESPACE, OPERATOR)
}

async fn replicas(ground: &Ground) -> Told<i64> {
    let operator = ground.must("read the operator's Deployment", get(&ground.admin, &operator_path())).await?;
    Ok(operator.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1))
}

/// What happens while no operator runs; the grant is taken away however it ends.
async fn without_operator(ground: &Ground, scene: &Scene<'_>, namespace: &str, [change, second]: [&Change; 2]) -> Told {
    scene.step("the operator is scaled to zero: from here on only the API server itself stands in the way");
    scene.command(&format!("kubectl scale deployment/{OPERATOR} -n {SYSTEM_NAMESPACE} --replicas 0"));
    let none = json!({"spec": {"replicas": 0}});
    ground.must("scale the operator", merge(&ground.admin, &operator_path(), &none)).await?;
    let expectation = scene.expect("no operator", "none of its pods is left");
    let pods =
        format!("/api/v1/namespaces/{SYSTEM_NAMESPACE}/pods?labelSelector=app.kubernetes.io%2Fname%3D{OPERATOR}");
    let gone = poll(LATER, async || {
        let list = get(&ground.admin, &pods).await;
        match list.body.get("items").and_then(Value::as_array) {
            Some(items) if items.is_empty() => Look::Yes(()),
            Some(items) => Look::NotYet(count(items.len(), "pod")),
            None => Look::NotYet(list.summary()),
        }
    });
    expectation.came(gone.await, |()| "no pod".to_owned())?;
    approve(ground, scene, change).await?;
    approve(ground, scene, second).await?;
    scene.say(
        "A real grant lives for a fraction of a second. To have one to steal, the demo now makes it itself, with the \
         operator's identity and for the very plan that bob approved: account, Secret, RoleBinding, token, fence entry.",
    );
    let record = record_of(change);
    let plan = record.plan.as_ref().ok_or_else(|| Stop::broken("the change has no plan"))?;
    let uid = change.metadata.uid.clone().unwrap_or_default();
    let mut grant = grant::arm(ground, plan, &uid).await?;
    let thief = Thief { client: ground.people.holder(&grant.token)?, namespace, target: WEB, plan };
    let played = steal(ground, scene, &thief, &mut grant).await;
    let removed = grant.remove(ground).await;
    played?;
    removed?;
    drifted(ground, scene, namespace, second).await
}

async fn steal(ground: &Ground, scene: &Scene<'_>, thief: &Thief<'_>, grant: &mut Grant) -> Told {
    let before = generation(&ground.deployment((thief.namespace, WEB)).await?);
    minted(ground, scene, grant).await?;
    scene.step("the token is stolen, and the thief uses it for everything but what it was granted for");
    thief.control(scene).await?;
    thief.attempts(ground, scene).await?;
    switch(ground, scene, thief).await?;
    revoked(ground, scene, thief, grant).await?;
    let expectation = scene.expect("nothing was written", "the Deployment's generation is as before");
    let now = generation(&ground.deployment((thief.namespace, WEB)).await?);
    let text = |generation: Option<i64>| generation.map_or_else(|| "none".to_owned(), |g| g.to_string());
    expectation.saw(Seen::when(now == before, format!("generation {}, before {}", text(now), text(before))));
    Ok(())
}

/// A token for the live account, asked for by somebody else.
async fn minted(ground: &Ground, scene: &Scene<'_>, grant: &Grant) -> Told {
    scene.step(format!(
        "mallory, who may create tokens in {GRANTS_NAMESPACE}, asks for one of the live account {}",
        grant.account
    ));
    let mallory = ground.people.named(MALLORY)?;
    let path = format!("/api/v1/namespaces/{GRANTS_NAMESPACE}/serviceaccounts/{}/token", grant.account);
    let answer = create(&mallory, &path, &grant::token_request(&grant.account)).await;
    scene.refused("minted token", &Refuser::policy("fence-guard"), &answer);
    Ok(())
}

/// The approved patch when the target is no longer what it was planned for: as it is, and
/// without the tests that it carries.
async fn drifted(ground: &Ground, scene: &Scene<'_>, namespace: &str, change: &Change) -> Told {
    scene.step(format!("a second grant, for {OTHER}; erin changes {OTHER} before the approved bytes arrive"));
    let record = record_of(change);
    let plan = record.plan.as_ref().ok_or_else(|| Stop::broken("the change has no plan"))?;
    let mut grant = grant::arm(ground, plan, &change.metadata.uid.clone().unwrap_or_default()).await?;
    let thief = Thief { client: ground.people.holder(&grant.token)?, namespace, target: OTHER, plan };
    let played = replay(ground, scene, &thief).await;
    let removed = grant.remove(ground).await;
    played.and(removed)
}

async fn replay(ground: &Ground, scene: &Scene<'_>, thief: &Thief<'_>) -> Told {
    thief.control(scene).await?;
    let erin = ground.people.named(ERIN)?;
    let path = workload::path(thief.namespace, OTHER);
    let drift = json!([{"op": "add", "path": "/spec/template/spec/containers/0/env", "value": [{"name": "DRIFT", "value": "1"}]}]);
    ground.must("change the target", patch(&erin, &path, &drift)).await?;
    scene.refused("approved patch after drift", &Refuser::Object, &thief.for_good().await);
    scene.refused("the same without its tests", &Refuser::policy("executor-fence"), &thief.without_tests().await);
    Ok(())
}

/// `bailiwick suspend` and `resume`, with nobody but the API server to heed them.
async fn switch(ground: &Ground, scene: &Scene<'_>, thief: &Thief<'_>) -> Told {
    scene.step("sue suspends; no operator runs");
    ground.mends.note(Mend::Resume);
    let said = ground.yourself.run(scene, Some(SUE), &["suspend", "--reason", "part of the demo"]).await?;
    let since = Instant::now();
    if said.code != Some(0) {
        return Err(Stop::broken(format!("sue could not suspend: {}", said.text())));
    }
    let stopped = thief.until_refused(scene, "suspended", &Refuser::policy("executor-fence"), since).await;
    if stopped.is_ok() {
        scene.refused("suspended, for good", &Refuser::policy("executor-fence"), &thief.for_good().await);
    }
    let resumed = ground.yourself.run(scene, Some(SUE), &["resume"]).await?;
    stopped?;
    if resumed.code != Some(0) {
        return Err(Stop::broken(format!("sue could not resume: {}", resumed.text())));
    }
    thief.control(scene).await
}

/// The grant is revoked as the operator revokes: fence entry and RoleBinding.
async fn revoked(ground: &Ground, scene: &Scene<'_>, thief: &Thief<'_>, grant: &mut Grant) -> Told {
    scene.step("the grant is revoked: its entry leaves the fence, then the RoleBinding goes");
    grant.unfence(ground).await?;
    thief.until_refused(scene, "revoked in the fence", &Refuser::policy("executor-fence"), Instant::now()).await?;
    scene.refused("the right patch, for good", &Refuser::policy("executor-fence"), &thief.for_good().await);
    grant.unbind(ground).await?;
    thief.until_refused(scene, "revoked in RBAC", &Refuser::Rbac, Instant::now()).await
}

/// Gives the operator back, and ends the suspension if it still holds.
async fn restore(ground: &Ground, scene: &Scene<'_>, replicas: i64) -> Told {
    scene.command(&format!("kubectl scale deployment/{OPERATOR} -n {SYSTEM_NAMESPACE} --replicas {replicas}"));
    ground.mends.all(ground).await?;
    let expectation = scene.expect("the operator is back", "its Deployment is available");
    expectation.came(ground.available((SYSTEM_NAMESPACE, OPERATOR)).await, |_| "available".to_owned()).map(drop)
}
