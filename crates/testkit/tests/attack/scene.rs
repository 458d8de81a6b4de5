//! What every attack needs: a territory with a workload, a plan for it made as the product makes plans, and words for answers.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bailiwick_core::action::Action;
use bailiwick_core::catalogue::Right;
use bailiwick_core::fence::Entry;
use bailiwick_core::names::{Namespace as Place, ObjectName, Uid};
use bailiwick_core::object::{Kind, ObjectRef};
use bailiwick_core::plan::{Baseline, Draft, Operation, Plan, Proposal, build};
use bailiwick_core::reason::Reason;
use bailiwick_testkit::{
    Answer, JSON_PATCH, Namespace, OneShot, Result, Seen, TestCluster, Workload, path_of, send, wait_for,
};
use http::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

pub(crate) const FENCE: &str = "bailiwick-executor-fence";
pub(crate) const FLOOR: &str = "bailiwick-executor-floor";
pub(crate) const GUARD: &str = "bailiwick-fence-guard";
pub(crate) const CAP: &str = "bailiwick-operator-cap";

/// Never pulled: workloads here have no replicas, so that nobody but the test writes to them.
pub(crate) const IMAGE: &str = "registry.example/app:1";
pub(crate) const BETTER: &str = "registry.example/app:2";

const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json";

/// The cluster with everything installed but the operator; installed once per process.
pub(crate) async fn cluster() -> Result<TestCluster> {
    static DONE: OnceLock<()> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::const_new(());
    let cluster = TestCluster::from_env().await?;
    let _turn = TURN.lock().await;
    if DONE.get().is_none() {
        cluster.install().await?;
        cluster.stop_operator().await?;
        cluster.fence().await?.establish().await?;
        let _first = DONE.set(());
    }
    Ok(cluster)
}

/// A workload in the territory and a one-shot account beside it.
pub(crate) struct Scene {
    pub(crate) cluster: TestCluster,
    pub(crate) namespace: Namespace,
    pub(crate) account: OneShot,
}

/// What the account of a scene may do by RBAC.
pub(crate) enum Rights {
    /// The one right of its catalogue role.
    Catalogue(Right),
    /// Everything, so that only admission is left.
    Every,
}

pub(crate) fn right(operation: Operation, kind: Kind) -> Right {
    Right { operation, kind }
}

impl Scene {
    /// A scene without any workload.
    pub(crate) async fn empty(prefix: &str, rights: Rights) -> Result<Self> {
        let cluster = cluster().await?;
        let namespace = cluster.namespace(prefix).in_territory().create().await?;
        let account = match rights {
            Rights::Catalogue(right) => cluster.one_shot(namespace.name(), Some(right)).await?,
            Rights::Every => cluster.one_shot(namespace.name(), None).await?.with_every_right().await?,
        };
        Ok(Self { cluster, namespace, account })
    }

    /// A scene with the Deployment `web`.
    pub(crate) async fn with_web(prefix: &str, rights: Rights) -> Result<Self> {
        let scene = Self::empty(prefix, rights).await?;
        scene.apply_and_settle(&idle("web").deployment()).await?;
        Ok(scene)
    }

    /// Applies a workload and returns it when its controller has written what it writes by itself.
    pub(crate) async fn apply_and_settle(&self, object: &Value) -> Result<Value> {
        self.namespace.apply(object).await?;
        let kind = kind_of(object)?;
        let name = object["metadata"]["name"].as_str().context("a workload without a name")?;
        wait_for("the controller to have looked", Duration::from_secs(30), async || {
            let live = self.live(kind, name).await?;
            let seen = live["status"]["observedGeneration"] == live["metadata"]["generation"];
            Ok(Seen::when(seen, live.clone(), &live["status"]))
        })
        .await
    }

    /// The object as it is.
    pub(crate) async fn live(&self, kind: Kind, name: &str) -> Result<Value> {
        let path = path_of(kind, self.namespace.name(), name);
        let answer = send(&self.cluster.admin(), Method::GET, &path, None).await?;
        ensure!(answer.is_success(), "read {path}: {answer:?}");
        Ok(answer.body)
    }

    /// A draft as the product makes it.
    pub(crate) async fn draft(&self, kind: Kind, name: &str, action: Action, autoscaled: bool) -> Result<Draft> {
        let live = self.live(kind, name).await?;
        let target = self.target(kind, name, &live)?;
        let sources = build::Sources { target: Some(live), autoscaled, ..build::Sources::default() };
        let proposal = Proposal {
            namespace: Place::parse(self.namespace.name())?,
            name: ObjectName::parse("attacked")?,
            uid: Uid::parse("0b5e9d3c")?,
            created: "2026-01-01T00:00:00Z".parse()?,
            proposer: "anna@example.com".to_owned(),
            action,
            target,
        };
        build::draft(&proposal, &sources).map_err(|reason| anyhow::anyhow!("draft: {reason}"))
    }

    /// A reference to the object with its uid.
    pub(crate) fn target(&self, kind: Kind, name: &str, live: &Value) -> Result<ObjectRef> {
        let uid = live["metadata"]["uid"].as_str().map(Uid::parse).transpose()?;
        Ok(ObjectRef::namespaced(kind, Place::parse(self.namespace.name())?, ObjectName::parse(name)?, uid))
    }

    /// Two dry runs as the account under a planning grant, and what the product makes of them.
    pub(crate) async fn plan(&self, draft: &Draft) -> Result<Result<Plan, Reason>> {
        let entry = Entry::planning(draft.operation, &draft.target, self.labels());
        self.account.grant(entry).await?;
        let first = self.admitted(&Shot::of(draft).dry()).await?;
        let second = Shot::of(draft).dry().by(self).await?;
        ensure!(second.is_success(), "the second dry run: {second:?}");
        Ok(build::seal(&build::Outcome {
            draft,
            first: Some(&first.body),
            second: Some(&second.body),
            live: self.labels(),
            baseline: Baseline::default(),
        }))
    }

    /// The namespace labels that a grant needs.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("autofix".to_owned(), "true".to_owned())])
    }

    /// Plans the change and puts the grant of its real write into the fence; returns the request when a dry run of it passes.
    pub(crate) async fn armed(&self, kind: Kind, name: &str, action: Action) -> Result<Shot> {
        let draft = self.draft(kind, name, action, false).await?;
        let plan = self.plan(&draft).await?.map_err(|reason| anyhow::anyhow!("plan: {reason}"))?;
        self.arm(&plan).await?;
        Ok(Shot::of(&draft))
    }

    /// Puts the grant of the plan's real write into the fence.
    pub(crate) async fn arm(&self, plan: &Plan) -> Result<()> {
        let entry = Entry::executing(plan).context("the plan may not be executed")?;
        self.account.grant(entry).await
    }

    /// Sends the request until it is admitted: a grant takes milliseconds to be seen.
    pub(crate) async fn admitted(&self, shot: &Shot) -> Result<Answer> {
        wait_for("the request to be admitted", Duration::from_secs(5), async || {
            let answer = shot.by(self).await?;
            Ok(Seen::when(answer.is_success(), answer.clone(), answer))
        })
        .await
    }

    /// Ends the scene.
    pub(crate) async fn end(self) -> Result<()> {
        self.account.retire().await
    }
}

/// A workload that no pod ever runs for.
pub(crate) fn idle(name: &str) -> Workload {
    Workload::new(name, IMAGE).replicas(0)
}

pub(crate) fn kind_of(object: &Value) -> Result<Kind> {
    object["kind"].as_str().and_then(Kind::parse).context("an object of a kind that the product does not know")
}

/// The change that most attacks are about.
pub(crate) fn better_image() -> Result<Action> {
    Ok(serde_json::from_value(json!({
        "setImage": {"container": "main", "image": {"value": BETTER, "origin": {"human": {}}}},
    }))?)
}

/// One request, to be sent by whoever.
#[derive(Debug, Clone)]
pub(crate) struct Shot {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<(&'static str, Value)>,
}

impl Shot {
    /// The request of a draft, as the operator would send it.
    pub(crate) fn of(draft: &Draft) -> Self {
        let target = &draft.target;
        let path = path_of(target.kind, target.namespace_str(), target.name.as_str());
        match draft.operation {
            Operation::Update => Self::new(Method::PATCH, path, Some((JSON_PATCH, json!(draft.patch)))),
            Operation::Delete => {
                let uid = target.uid.as_ref().map(Uid::as_str);
                let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}});
                Self::new(Method::DELETE, path, Some((JSON, options)))
            }
            Operation::Create => {
                let path = path_of(target.kind, target.namespace_str(), "");
                Self::new(Method::POST, path, draft.body.clone().map(|body| (JSON, body)))
            }
        }
    }

    pub(crate) fn new(method: Method, path: impl Into<String>, body: Option<(&'static str, Value)>) -> Self {
        Self { method, path: path.into(), body }
    }

    pub(crate) fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path, Some((JSON, body)))
    }

    pub(crate) fn put(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PUT, path, Some((JSON, body)))
    }

    pub(crate) fn merge(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PATCH, path, Some((MERGE, body)))
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, None)
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, None)
    }

    /// The same as a dry run; a deletion says so in its body.
    #[must_use]
    pub(crate) fn dry(&self) -> Self {
        let mut dry = self.clone();
        match (&self.method, &mut dry.body) {
            (&Method::DELETE, Some((_, options))) => options["dryRun"] = json!(["All"]),
            _ => dry.path += "?dryRun=All",
        }
        dry
    }

    /// A patch with more operations after its own.
    #[must_use]
    pub(crate) fn and(&self, more: &[Value]) -> Self {
        let mut both = self.clone();
        if let Some((_, Value::Array(operations))) = &mut both.body {
            operations.extend(more.iter().cloned());
        }
        both
    }

    pub(crate) async fn sent(&self, client: &kube::Client) -> Result<Answer> {
        send(client, self.method.clone(), &self.path, self.body.as_ref().map(|(kind, body)| (*kind, body))).await
    }

    pub(crate) async fn by(&self, scene: &Scene) -> Result<Answer> {
        self.sent(scene.account.client()).await
    }
}

/// Fails unless `policy` refused with these words.
#[track_caller]
pub(crate) fn assert_refused(what: &str, answer: &Answer, policy: &str, words: &str) {
    assert!(answer.code == 403 && answer.refused_by(policy), "{what}: {policy} should have refused, but: {answer:?}");
    assert!(answer.message().contains(words), "{what}: refused for another reason than {words:?}: {answer:?}");
}

/// Returns when the policy refuses the request as a dry run with these words: what was just written takes milliseconds to be seen.
pub(crate) async fn refused_meanwhile(scene: &Scene, shot: &Shot, policy: &str, words: &str) -> Result<()> {
    wait_for(&format!("the refusal {words:?}"), Duration::from_secs(5), async || {
        let answer = shot.dry().by(scene).await?;
        Ok(Seen::when(answer.refused_by(policy) && answer.message().contains(words), (), answer))
    })
    .await
}

#[track_caller]
pub(crate) fn assert_rbac(what: &str, answer: &Answer) {
    assert!(answer.refused_by_rbac(), "{what}: RBAC should have refused, but: {answer:?}");
}

#[track_caller]
pub(crate) fn assert_done(what: &str, answer: &Answer) {
    assert!(answer.is_success(), "{what}: should have passed, but: {answer:?}");
}

/// Lets a user do what `rules` say in a namespace, as an administrator would; returns when RBAC has noticed.
pub(crate) async fn allow(cluster: &TestCluster, namespace: &str, user: &str, rules: Value) -> Result<()> {
    let name: String = user.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let rbac = "rbac.authorization.k8s.io";
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules});
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
        "subjects": [{"apiGroup": rbac, "kind": "User", "name": user}],
    });
    for object in [role, binding] {
        bailiwick_testkit::apply(&cluster.admin(), &object, Some(namespace)).await?;
    }
    let last = rules.as_array().and_then(|all| all.last()).context("no rules")?;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": {
            "namespace": namespace, "verb": last["verbs"][0], "group": last["apiGroups"][0], "resource": last["resources"][0],
        }},
    });
    let review = Shot::post("/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
    wait_for("RBAC to notice", Duration::from_secs(10), async || {
        let answer = review.sent(&cluster.admin()).await?;
        Ok(Seen::when(answer.body["status"]["allowed"] == true, (), answer.body))
    })
    .await
}

/// Every verb on everything.
pub(crate) fn everything() -> Value {
    json!([{"apiGroups": ["*"], "resources": ["*", "*/*"], "verbs": ["*"]}])
}
