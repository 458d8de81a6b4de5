//! Somebody else's mutating admission, which gives another result than the one that was planned. A policy of the API server stands for a webhook: what it stamps is read from a ConfigMap that the test changes.

use bailiwick_core::object::Kind;
use bailiwick_core::reason::Code;
use bailiwick_testkit::{Need, Result, SECONDS, Seen, TestCluster, wait_for};
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::scene::{FENCE, Rights, Scene, Shot, assert_done, assert_refused, better_image, idle};

type Mutating = k8s_openapi::api::admissionregistration::v1::MutatingAdmissionPolicy;
type Bound = k8s_openapi::api::admissionregistration::v1::MutatingAdmissionPolicyBinding;

/// Stamps Deployments of one namespace at one place.
struct Stamper {
    name: String,
    cluster: TestCluster,
}

impl Stamper {
    async fn new(scene: &Scene, path: &str) -> Result<Self> {
        let name = format!("stamp-{}", scene.namespace.name());
        let expression = format!("[JSONPatch{{op: 'add', path: '{path}', value: params.data.stamp}}]");
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
            "spec": {
                "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
                "matchConstraints": {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": scene.namespace.name()}},
                    "resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}],
                },
                "matchConditions": [{"name": "one-shot", "expression": "request.userInfo.username.contains('bailiwick-grants')"}],
                "failurePolicy": "Fail", "reinvocationPolicy": "Never",
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": name, "paramRef": {
                "name": "stamp", "namespace": scene.namespace.name(), "parameterNotFoundAction": "Allow"}},
        });
        let made = Self { name, cluster: scene.cluster.clone() };
        made.stamp(scene, "one").await?;
        for object in [policy, binding] {
            bailiwick_testkit::apply(&scene.cluster.admin(), &object, None).await?;
        }
        Ok(made)
    }

    async fn stamp(&self, scene: &Scene, stamp: &str) -> Result<()> {
        let map =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stamp"}, "data": {"stamp": stamp}});
        scene.namespace.apply(&map).await?;
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
        let there = answer.body.to_string().contains(&format!("stamped-{stamp}"));
        Ok(Seen::when(there, answer.body.clone(), answer))
    })
    .await
}

async fn scene(prefix: &str) -> Result<Scene> {
    let scene = Scene::empty(prefix, Rights::Every).await?;
    let web = idle("web").env("STAMP", "none").spec_field("minReadySeconds", json!(0));
    scene.apply_and_settle(&web.deployment()).await?;
    Ok(scene)
}

const IN_TEMPLATE: &str = "/spec/template/spec/containers/0/image";
const IN_LABELS: &str = "/metadata/labels/stamp";

#[tokio::test]
async fn a_result_that_does_not_come_out_twice_is_not_planned() -> Result<()> {
    let scene = scene("mutate-plan").await?;
    let stamper = Stamper::new(&scene, IN_TEMPLATE).await?;
    let draft = scene.draft(Kind::Deployment, "web", better_image()?, false).await?;
    let shot = Shot::of(&draft);
    stamper.stamp(&scene, "stamped-a").await?;
    let entry = bailiwick_core::fence::Entry::planning(draft.operation, &draft.target, scene.labels());
    scene.account.grant(entry).await?;
    let first = stamped(&scene, &shot, "a").await?;
    stamper.stamp(&scene, "stamped-b").await?;
    let second = stamped(&scene, &shot, "b").await?;
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
        let scene = scene("mutate-write").await?;
        let audit = scene.cluster.audit()?;
        let approved = scene.armed(Kind::Deployment, "web", better_image()?).await?;
        scene.admitted(&approved.dry()).await?;
        let stamper = Stamper::new(&scene, path).await?;
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
