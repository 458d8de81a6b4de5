//! Somebody else's mutating admission, which gives another result than the one that was planned. A policy of the API server stands for a webhook: what it stamps is changed by the test.

use bailiwick_core::object::Kind;
use bailiwick_core::reason::Code;
use bailiwick_testkit::{Need, Result, SECONDS, Seen, TestCluster, wait_for};
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::scene::{FENCE, Rights, Scene, Shot, assert_done, assert_refused, better_image};

type Mutating = k8s_openapi::api::admissionregistration::v1::MutatingAdmissionPolicy;
type Bound = k8s_openapi::api::admissionregistration::v1::MutatingAdmissionPolicyBinding;

/// Stamps Deployments of one namespace at one place, where one-shot accounts write them.
struct Stamper {
    name: String,
    namespace: String,
    path: &'static str,
    cluster: TestCluster,
}

impl Stamper {
    fn new(scene: &Scene, path: &'static str) -> Self {
        let namespace = scene.namespace.name().to_owned();
        Self { name: format!("stamp-{namespace}"), namespace, path, cluster: TestCluster::clone(&scene.cluster) }
    }

    /// Stamps this from now on. No parameters: an API server stops watching a kind of them for good once no policy names it.
    async fn stamp(&self, stamp: &str) -> Result<()> {
        let (name, path) = (&self.name, self.path);
        let expression = format!("[JSONPatch{{op: 'add', path: '{path}', value: '{stamp}'}}]");
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
            "spec": {
                "matchConstraints": {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}},
                    "resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}],
                },
                "matchConditions": [{"name": "one-shot", "expression": "request.userInfo.username.contains('bailiwick-grants')"}],
                "failurePolicy": "Fail", "reinvocationPolicy": "Never",
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name}, "spec": {"policyName": name},
        });
        for object in [policy, binding] {
            bailiwick_testkit::apply(&self.cluster.admin(), &object, None).await?;
        }
        Ok(())
    }

    async fn end(self) -> Result<()> {
        let params = DeleteParams::default();
        Api::<Bound>::all(self.cluster.admin()).delete(&self.name, &params).await?;
        Api::<Mutating>::all(self.cluster.admin()).delete(&self.name, &params).await?;
        Ok(())
    }
}

/// Returns when a dry run shows the stamp.
async fn stamped(scene: &Scene, shot: &Shot, stamp: &str) -> Result<Value> {
    wait_for(&format!("the stamp {stamp:?}"), 20 * SECONDS, async || {
        let answer = shot.dry().by(scene).await?;
        let there = answer.body.to_string().contains(stamp);
        Ok(Seen::when(there, answer.body.clone(), answer))
    })
    .await
}

const IN_TEMPLATE: &str = "/spec/template/spec/containers/0/image";
const IN_LABELS: &str = "/metadata/labels/stamp";

#[tokio::test]
async fn a_result_that_does_not_come_out_twice_is_not_planned() -> Result<()> {
    let scene = Scene::with_web("mutate-plan", Rights::Every).await?;
    let stamper = Stamper::new(&scene, IN_TEMPLATE);
    let draft = scene.draft(Kind::Deployment, "web", better_image()?, false).await?;
    let shot = Shot::of(&draft);
    stamper.stamp("stamped-a").await?;
    let entry = bailiwick_core::fence::Entry::planning(draft.operation, &draft.target, scene.labels());
    scene.account.grant(entry).await?;
    let first = stamped(&scene, &shot, "stamped-a").await?;
    stamper.stamp("stamped-b").await?;
    let second = stamped(&scene, &shot, "stamped-b").await?;
    let sealed = |first: &Value, second: &Value| {
        bailiwick_core::plan::build::seal(&bailiwick_core::plan::build::Outcome {
            draft: &draft,
            first: Some(first),
            second: Some(second),
            live: scene.labels(),
            baseline: bailiwick_core::plan::Baseline::default(),
        })
    };
    let refused = sealed(&first, &second).err().map(|reason| reason.code);
    assert_eq!(refused, Some(Code::PlanNotReproducible));
    assert!(sealed(&second, &second).is_ok(), "the same result twice is a plan");
    stamper.end().await?;
    scene.end().await
}

#[tokio::test]
async fn a_result_that_changes_after_the_plan_is_not_written() -> Result<()> {
    let Some(_) = TestCluster::needing(&[Need::Audit]).await? else {
        return Ok(());
    };
    for (path, words) in
        [(IN_TEMPLATE, "spec differs from the approved plan"), (IN_LABELS, "metadata outside the approved plan")]
    {
        let scene = Scene::with_web("mutate-write", Rights::Every).await?;
        let audit = scene.cluster.audit()?;
        let approved = scene.armed(Kind::Deployment, "web", better_image()?).await?;
        scene.admitted(&approved.dry()).await?;
        let stamper = Stamper::new(&scene, path);
        stamper.stamp("stamped-a").await?;
        wait_for("the mutation to be seen by the fence", 20 * SECONDS, async || {
            let answer = approved.dry().by(&scene).await?;
            Ok(Seen::when(answer.refused_by(FENCE), (), answer))
        })
        .await?;
        assert_refused(path, &approved.by(&scene).await?, FENCE, words);
        assert!(audit.writes_by(&scene.account.user()).await?.is_empty());
        stamper.end().await?;
        let answer = scene.admitted(&approved).await?;
        assert_done("without the mutation", &answer);
        scene.end().await?;
    }
    Ok(())
}
