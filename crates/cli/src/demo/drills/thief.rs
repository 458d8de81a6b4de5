//! What a thief does with a stolen one-shot token, one attempt after the other.
//!
//! Owns the attempts. Must never be believed without the one that must be let through: each
//! refusal is beside the granted request, which is admitted. Talks to the API server as the thief.

use crate::demo::ask::{Answer, JSON_PATCH, Refuser, ask, delete, patch};
use crate::demo::ground::Ground;
use crate::demo::scene::Scene;
use crate::demo::story::{Seen, Told};
use crate::demo::wait::{Look, poll, poll_every};
use crate::demo::workload;
use bailiwick_core::plan::Plan;
use http::Method;
use kube::Client;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The target of the grant.
pub(super) const WEB: &str = "web";
/// Its neighbour.
pub(super) const OTHER: &str = "other";

/// How often a refusal that is due is looked for.
const CLOSELY: Duration = Duration::from_millis(2);

/// Whoever holds the token.
pub(super) struct Thief<'a> {
    pub(super) client: Client,
    pub(super) namespace: &'a str,
    pub(super) target: &'a str,
    pub(super) plan: &'a Plan,
}

impl Thief<'_> {
    fn path(&self) -> String {
        workload::path(self.namespace, self.target)
    }

    /// The granted request, as a dry run, so that it stays to be granted.
    pub(super) async fn granted(&self) -> Answer {
        let path = format!("{}?dryRun=All", self.path());
        ask(&self.client, Method::PATCH, &path, Some((JSON_PATCH, &self.plan.patch_operations()))).await
    }

    /// The granted request for good.
    pub(super) async fn for_good(&self) -> Answer {
        patch(&self.client, &self.path(), &self.plan.patch_operations()).await
    }

    /// The granted patch with more operations behind it.
    async fn and_more(&self, more: &[Value]) -> Answer {
        let mut operations = self.plan.patch_operations();
        if let Value::Array(list) = &mut operations {
            list.extend_from_slice(more);
        }
        patch(&self.client, &self.path(), &operations).await
    }

    /// The granted patch for good, without the operations that look whether it still fits.
    pub(super) async fn without_tests(&self) -> Answer {
        let mut operations = self.plan.patch_operations();
        if let Value::Array(list) = &mut operations {
            list.retain(|operation| operation["op"] != "test");
        }
        patch(&self.client, &self.path(), &operations).await
    }

    /// Shows that the grant is live: otherwise a refusal would prove nothing.
    pub(super) async fn control(&self, scene: &Scene<'_>) -> Told {
        let expectation = scene.expect("the token works", "the granted request itself is admitted (as a dry run)");
        let live = poll(Duration::from_secs(5), async || {
            let answer = self.granted().await;
            if answer.is_yes() { Look::Yes(answer) } else { Look::NotYet(answer.summary()) }
        });
        expectation.came(live.await, Answer::summary).map(drop)
    }

    /// Everything but the granted request.
    pub(super) async fn attempts(&self, ground: &Ground, scene: &Scene<'_>) -> Told {
        let fence = Refuser::policy("executor-fence");
        let image =
            json!({"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": ground.images.absent});
        scene.refused("another image", &fence, &self.and_more(std::slice::from_ref(&image)).await);
        let other = patch(&self.client, &workload::path(self.namespace, OTHER), &json!([image])).await;
        scene.refused("another object", &fence, &other);
        let label = json!({"op": "add", "path": "/metadata/labels/stolen", "value": "yes"});
        scene.refused("a label beside the right patch", &fence, &self.and_more(&[label]).await);
        let path = self.path();
        let scale = ask(
            &self.client,
            Method::PATCH,
            &format!("{path}/scale"),
            Some((JSON_PATCH, &json!([{"op": "replace", "path": "/spec/replicas", "value": 9}]))),
        )
        .await;
        scene.refused("the scale subresource", &Refuser::Rbac, &scale);
        scene.refused("deleting it", &Refuser::Rbac, &delete(&self.client, &path).await);
        let pod = pod_of(ground, self.namespace).await?;
        let exec = format!("/api/v1/namespaces/{}/pods/{pod}/exec?command=sh&stdout=true", self.namespace);
        scene.refused("an exec", &Refuser::Rbac, &ask(&self.client, Method::POST, &exec, None).await);
        Ok(())
    }

    /// Sends the granted request until it is refused by `by`; says how soon that was.
    pub(super) async fn until_refused(&self, scene: &Scene<'_>, check: &str, by: &Refuser, since: Instant) -> Told {
        let expectation = scene.expect(check, format!("the right patch is refused by {by} within 1 s"));
        let mut admitted = 0;
        let refused = poll_every(CLOSELY, Duration::from_secs(5), async || {
            let answer = self.granted().await;
            if answer.refuser().as_ref() == Some(by) {
                return Look::Yes(answer);
            }
            admitted += u32::from(answer.is_yes());
            Look::NotYet(answer.summary())
        });
        match refused.await {
            Ok(answer) => {
                let after = since.elapsed();
                scene.quote(&answer.words);
                let text = format!("refused {} ms later; {admitted} more were admitted in between", after.as_millis());
                expectation.need(Seen::when(after <= Duration::from_secs(1), text))
            }
            Err(missed) => expectation.need(Seen::Wrong(missed.to_string())),
        }
    }
}

/// A running pod of the target.
async fn pod_of(ground: &Ground, namespace: &str) -> Told<String> {
    let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector=app%3D{WEB}");
    let list = ground.must("list pods", crate::demo::ask::get(&ground.admin, &path)).await?;
    Ok(list.pointer("/items/0/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned())
}
