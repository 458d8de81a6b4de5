//! Drill 4a: approvals, status and fence are forged; an approved digest is replayed after drift.
//!
//! Owns the namespace `forum`. Every forger was given the right in RBAC first, so that what
//! refuses is not a missing role. Talks to the API server.

use super::life::{approve, digest, planned, recovered, short};
use crate::demo::ask::{Refuser, create, delete, get, merge};
use crate::demo::ballot;
use crate::demo::ground::{Ground, generation, name_of, record_of, stands};
use crate::demo::people::{ALICE, BOB, DANA, MALLORY, VIC};
use crate::demo::scene::Scene;
use crate::demo::story::{Seen, Stop, Told};
use crate::demo::workload;
use bailiwick_api::Change;
use bailiwick_core::fence::{FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, revision_data};
use bailiwick_core::life::{Phase, Record};
use bailiwick_core::reason::Code;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const WEB: &str = "web";

/// Runs the drill.
pub(in crate::demo) async fn run(ground: &Ground, scene: &Scene<'_>) -> Told {
    let namespace = ground.ns("forum");
    let namespace = namespace.as_str();
    ground.deploy(&workload::deployment((namespace, WEB), &ground.images.good, &[], None)).await?;
    let up = ground.available((namespace, WEB)).await;
    up.map_err(|missed| Stop::broken(format!("{WEB} did not come up: {missed}")))?;
    own_approval(ground, scene, namespace).await?;
    let change =
        proposed_by(ground, scene, (namespace, ALICE), &["Scale", "deployment/web", "--set", "replicas=2"]).await?;
    forged_approvals(ground, scene, namespace, &change).await?;
    forged_status(ground, scene, namespace, &change).await?;
    forged_fence(ground, scene).await?;
    replayed(ground, scene, namespace, &change).await
}

async fn proposed_by(
    ground: &Ground,
    scene: &Scene<'_>,
    (namespace, user): (&str, &str),
    words: &[&str],
) -> Told<Change> {
    scene.step(format!("{user} proposes a change"));
    let mut line = vec!["propose"];
    line.extend(words);
    line.extend(["-n", namespace, "--yes", "-o", "name"]);
    let name = ground.yourself.run(scene, Some(user), &line).await?.name()?;
    planned(ground, scene, (namespace, &name)).await
}

/// The proposer approves its own change: without the verb, and with it.
async fn own_approval(ground: &Ground, scene: &Scene<'_>, namespace: &str) -> Told {
    let words = ["RolloutRestart", "deployment/web"];
    let change = proposed_by(ground, scene, (namespace, ALICE), &words).await?;
    let digest_of = digest(&record_of(&change));
    scene.step("alice approves her own change; RBAC lets her create Approvals");
    let alice = ground.people.named(ALICE)?;
    let answer = create(&alice, &ballot::collection(namespace), &ballot::approval(&change, ALICE, &digest_of)).await;
    scene.refused("own approval", &Refuser::policy("approval-identity"), &answer);
    reject(ground, scene, &change).await?;

    let change = proposed_by(ground, scene, (namespace, DANA), &words).await?;
    let digest_of = digest(&record_of(&change));
    scene.step(
        "dana, an approver of others' changes, approves her own; admission cannot know the proposer, the operator does",
    );
    let line = ["approve", &name_of(&change), "-n", namespace, "--yes"];
    let said = ground.yourself.run(scene, Some(DANA), &line).await?;
    let expectation = scene.expect("own approval, typed", "bailiwick approve refuses, exit code 3");
    expectation.saw(Seen::when(said.code == Some(3), format!("{}: {}", said.ended(), said.text())));
    let dana = ground.people.named(DANA)?;
    let sent = create(&dana, &ballot::collection(namespace), &ballot::approval(&change, DANA, &digest_of)).await;
    let expectation = scene.expect("own approval, sent", "not counted (OwnProposal); the change still waits");
    let ignored = |_: &Change, record: &Record| {
        record.phase == Phase::AwaitingApproval
            && record.approvals.iter().any(|a| a.ignored.as_ref().is_some_and(|r| r.code == Code::OwnProposal))
    };
    if !sent.is_yes() {
        expectation.saw(Seen::Wrong(sent.summary()));
        return Err(Stop::Counted);
    }
    let seen = ground.change((namespace, &name_of(&change)), ignored).await;
    expectation.came(seen, |c| stands(&record_of(c)))?;
    reject(ground, scene, &change).await
}

/// Bob turns a change down.
async fn reject(ground: &Ground, scene: &Scene<'_>, change: &Change) -> Told {
    let (name, namespace) = (name_of(change), change.metadata.namespace.clone().unwrap_or_default());
    let line = ["reject", &name, "-n", &namespace, "--reason", "part of the demo", "--yes"];
    ground.yourself.run(scene, Some(BOB), &line).await?;
    let expectation = scene.expect("a person's no", "Rejected");
    expectation.came(ground.phase((&namespace, &name), Phase::Rejected).await, |c| stands(&record_of(c))).map(drop)
}

async fn forged_approvals(ground: &Ground, scene: &Scene<'_>, namespace: &str, change: &Change) -> Told {
    let digest_of = digest(&record_of(change));
    let mallory = ground.people.named(MALLORY)?;
    let collection = ballot::collection(namespace);
    scene.step("vic, who has the role bailiwick:viewer, approves");
    let vic = ground.people.named(VIC)?;
    let answer = create(&vic, &collection, &ballot::approval(change, VIC, &digest_of)).await;
    scene.refused("a viewer's Approval", &Refuser::Rbac, &answer);
    scene.step(
        "mallory, an editor of the namespace who may create Approvals, forges one in bob's name, and one in her own",
    );
    let answer = create(&mallory, &collection, &ballot::approval(change, BOB, &digest_of)).await;
    scene.refused("Approval in bob's name", &Refuser::policy("approval-identity"), &answer);
    let answer = create(&mallory, &collection, &ballot::approval(change, MALLORY, &digest_of)).await;
    scene.refused("Approval without the verb", &Refuser::policy("approval-identity"), &answer);
    Ok(())
}

async fn forged_status(ground: &Ground, scene: &Scene<'_>, namespace: &str, change: &Change) -> Told {
    let mallory = ground.people.named(MALLORY)?;
    scene.step("mallory, who may patch changes/status, writes Approved into the change's status");
    let path = format!("/apis/bailiwick.dev/v1alpha1/namespaces/{namespace}/changes/{}/status", name_of(change));
    let answer = merge(&mallory, &path, &json!({"status": {"phase": "Approved"}})).await;
    scene.refused("forged status", &Refuser::policy("status-author"), &answer);
    let expectation = scene.expect("nothing came of it", "the change still waits");
    let now = ground.phase((namespace, &name_of(change)), Phase::AwaitingApproval).await;
    expectation.came(now, |c| stands(&record_of(c))).map(drop)
}

/// A revision of the fence that would let mallory's account do anything, and the end of the real one.
async fn forged_fence(ground: &Ground, scene: &Scene<'_>) -> Told {
    let mallory = ground.people.named(MALLORY)?;
    let collection = format!("/apis/apps/v1/namespaces/{GRANTS_NAMESPACE}/controllerrevisions");
    scene.step(format!(
        "mallory, who may create and delete ControllerRevisions in {GRANTS_NAMESPACE}, forges the fence"
    ));
    let data = revision_data(&BTreeMap::new()).map_err(|e| Stop::broken(e.to_string()))?;
    let forged = json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": "fence-9999999999", "labels": {FENCE_LABEL: FENCE_VALUE}},
        "revision": 9_999_999_999_i64,
        "data": data,
    });
    let answer = create(&mallory, &collection, &forged).await;
    scene.refused("forged fence revision", &Refuser::policy("fence-guard"), &answer);
    let list = get(&ground.admin, &format!("{collection}?labelSelector={FENCE_LABEL}%3D{FENCE_VALUE}")).await;
    let live = list.body.pointer("/items/0/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if live.is_empty() {
        return Err(Stop::broken("there is no fence revision to delete"));
    }
    let answer = delete(&mallory, &format!("{collection}/{live}")).await;
    scene.refused("deleted fence revision", &Refuser::policy("fence-guard"), &answer);
    Ok(())
}

/// Bob approves what he read; meanwhile the target has become another.
async fn replayed(ground: &Ground, scene: &Scene<'_>, namespace: &str, change: &Change) -> Told {
    let (name, old) = (name_of(change), digest(&record_of(change)));
    scene.step("erin rolls out another image, and only then bob's approval of what he read before arrives");
    let drifted = ground.set_image((namespace, WEB), &ground.images.other).await?;
    approve(ground, scene, change).await?;
    let expectation = scene.expect(
        "approved digest after drift",
        "planned anew with another digest; the approval of before no longer counts; nothing is written",
    );
    let replanned = |_: &Change, record: &Record| {
        let other = record.plan.as_ref().is_some_and(|p| p.digest != old);
        let ignored = record
            .approvals
            .iter()
            .any(|a| a.digest == old && a.ignored.as_ref().is_some_and(|r| r.code == Code::OtherDigest));
        record.phase == Phase::AwaitingApproval && other && ignored && record.executions.is_empty()
    };
    let fresh = expectation.came(ground.change((namespace, &name), replanned).await, |c| {
        format!("{}, digest {} instead of {}", stands(&record_of(c)), short(&digest(&record_of(c))), short(&old))
    })?;
    scene.step("the approved digest is replayed, by bob himself");
    let bob = ground.people.named(BOB)?;
    let again = create(&bob, &ballot::collection(namespace), &ballot::approval(change, BOB, &old)).await;
    let expectation = scene.expect("replayed digest", "not counted either; the Deployment is as erin left it");
    let twice = |_: &Change, record: &Record| {
        let ignored = record.approvals.iter().filter(|a| a.digest == old && a.ignored.is_some()).count();
        record.phase == Phase::AwaitingApproval && ignored >= 2
    };
    let seen = ground.change((namespace, &name), twice).await;
    let now = generation(&ground.deployment((namespace, WEB)).await?);
    expectation.saw(match seen {
        Ok(change) if again.is_yes() => {
            Seen::when(now == Some(drifted), format!("{}; generation still {drifted}", stands(&record_of(&change))))
        }
        Ok(_) => Seen::Wrong(again.summary()),
        Err(missed) => Seen::Wrong(missed.to_string()),
    });
    scene.step("bob reads the new plan and approves that");
    approve(ground, scene, &fresh).await?;
    recovered(ground, scene, (namespace, &name)).await.map(drop)
}
