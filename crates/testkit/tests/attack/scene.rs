//! What every attack needs: a territory with a workload, a plan for it made as the product makes plans, and words for answers.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bailiwick_core::action::Action;
use bailiwick_core::catalogue::Right;
use bailiwick_core::fence::{Entry, GRANTS_NAMESPACE, SUSPEND_REVISION};
use bailiwick_core::names::{Namespace as Place, ObjectName, Uid};
use bailiwick_core::object::{Kind, ObjectRef};
use bailiwick_core::plan::{Baseline, Draft, Operation, Plan, Proposal, build};
use bailiwick_core::reason::Reason;
use bailiwick_testkit::{
    Answer, Namespace, Need, OneShot, Result, Seen, TestCluster, Workload, path_of, send, wait_for,
};
use http::Method;
use serde_json::{Value, json};
use tokio::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(crate) use crate::shot::{
    Shot, allow, assert_done, assert_rbac, assert_refused, everything, extend, refused_meanwhile,
};

pub(crate) const FENCE: &str = "bailiwick-executor-fence";
pub(crate) const FLOOR: &str = "bailiwick-executor-floor";
pub(crate) const GUARD: &str = "bailiwick-fence-guard";
pub(crate) const CAP: &str = "bailiwick-operator-cap";

/// Never pulled: workloads here have no replicas, so that nobody but the test writes to them.
pub(crate) const IMAGE: &str = "registry.example/app:1";
pub(crate) const BETTER: &str = "registry.example/app:2";

/// Held by every test while it needs the installation as it is; alone by one that turns it upside down.
static CALM: RwLock<()> = RwLock::const_new(());
static INSTALLED: Mutex<bool> = Mutex::const_new(false);

/// The cluster with everything installed but the operator, and nobody suspended; it stays so while this is held. A test must not ask twice.
pub(crate) struct Calm {
    cluster: TestCluster,
    _held: RwLockReadGuard<'static, ()>,
}

impl Borrow<TestCluster> for Calm {
    fn borrow(&self) -> &TestCluster {
        &self.cluster
    }
}

impl Deref for Calm {
    type Target = TestCluster;

    fn deref(&self) -> &TestCluster {
        &self.cluster
    }
}

pub(crate) async fn cluster() -> Result<Calm> {
    let held = CALM.read().await;
    let cluster = TestCluster::from_env().await?;
    let mut installed = INSTALLED.lock().await;
    if !*installed {
        install(&cluster).await?;
        *installed = true;
    }
    Ok(Calm { cluster, _held: held })
}

async fn install(cluster: &TestCluster) -> Result<()> {
    cluster.install().await?;
    cluster.stop_operator().await?;
    resume(cluster).await?;
    cluster.fence().await?.establish().await
}

/// Takes the switch back, if it is thrown.
pub(crate) async fn resume(cluster: &TestCluster) -> Result<()> {
    let path = path_of(Kind::ControllerRevision, GRANTS_NAMESPACE, SUSPEND_REVISION);
    let answer = Shot::delete(path).sent(&cluster.admin()).await?;
    ensure!(answer.is_success() || answer.code == 404, "resume: {answer:?}");
    Ok(())
}

/// The same cluster for one test alone, which may turn the installation upside down: the next one installs again.
pub(crate) struct Upheaval {
    pub(crate) cluster: TestCluster,
    _held: RwLockWriteGuard<'static, ()>,
}

impl Upheaval {
    pub(crate) async fn begin(needs: &[Need]) -> Result<Option<Self>> {
        let held = CALM.write().await;
        let Some(cluster) = TestCluster::needing(needs).await? else {
            return Ok(None);
        };
        *INSTALLED.lock().await = false;
        install(&cluster).await?;
        Ok(Some(Self { cluster, _held: held }))
    }

    /// A scene with the Deployment `web`.
    pub(crate) async fn with_web(&self, prefix: &str, rights: Rights) -> Result<Scene<TestCluster>> {
        let scene = Scene::of(self.cluster.clone(), prefix, rights).await?;
        scene.apply_and_settle(&idle("web").deployment()).await?;
        Ok(scene)
    }
}

/// A workload in the territory and a one-shot account beside it.
pub(crate) struct Scene<C = Calm> {
    pub(crate) cluster: C,
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
        Self::of(cluster().await?, prefix, rights).await
    }

    /// A scene with the Deployment `web`.
    pub(crate) async fn with_web(prefix: &str, rights: Rights) -> Result<Self> {
        let scene = Self::empty(prefix, rights).await?;
        scene.apply_and_settle(&idle("web").deployment()).await?;
        Ok(scene)
    }
}

impl<C: Borrow<TestCluster>> Scene<C> {
    async fn of(held: C, prefix: &str, rights: Rights) -> Result<Self> {
        let cluster = held.borrow();
        let namespace = cluster.namespace(prefix).in_territory().create().await?;
        let account = match rights {
            Rights::Catalogue(right) => cluster.one_shot(namespace.name(), Some(right)).await?,
            Rights::Every => cluster.one_shot(namespace.name(), None).await?.with_every_right().await?,
        };
        Ok(Self { cluster: held, namespace, account })
    }

    /// Applies a workload and returns it when its controller has written what it writes by itself.
    pub(crate) async fn apply_and_settle(&self, object: &Value) -> Result<Value> {
        self.namespace.apply(object).await?;
        let name = object["metadata"]["name"].as_str().context("a workload without a name")?;
        self.settled(kind_of(object)?, name).await
    }

    /// The workload when its controller has written what it writes by itself.
    pub(crate) async fn settled(&self, kind: Kind, name: &str) -> Result<Value> {
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
        let answer = send(&self.cluster.borrow().admin(), Method::GET, &path, None).await?;
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
        if !kind.served().namespaced {
            return Ok(ObjectRef::cluster(kind, ObjectName::parse(name)?, uid));
        }
        Ok(ObjectRef::namespaced(kind, Place::parse(self.namespace.name())?, ObjectName::parse(name)?, uid))
    }

    /// Two dry runs as the account under a planning grant, and what the product makes of them.
    pub(crate) async fn plan(&self, draft: &Draft) -> Result<Result<Plan, Reason>> {
        let entry = Entry::planning(draft.operation, &draft.target, self.labels());
        self.account.grant(entry).await?;
        let first = self.admitted(&Shot::of(draft).dry()).await?;
        let second = Shot::of(draft).dry().by(self).await?;
        ensure!(second.is_success(), "the second dry run: {second:?}");
        // What a deletion answers is no object.
        let object = |answer: Answer| (draft.operation != Operation::Delete).then_some(answer.body);
        let (first, second) = (object(first), object(second));
        Ok(build::seal(&build::Outcome {
            draft,
            first: first.as_ref(),
            second: second.as_ref(),
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
        self.admitted_within(shot, Duration::from_secs(30)).await
    }

    /// The same where an API server has to come back first.
    pub(crate) async fn admitted_within(&self, shot: &Shot, patience: Duration) -> Result<Answer> {
        wait_for("the request to be admitted", patience, async || {
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

/// A CronJob that starts nothing.
pub(crate) fn cron_job(name: &str) -> Value {
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": IMAGE}]});
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name},
        "spec": {"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": {"template": {"spec": pod}}}},
    })
}

/// An Ingress of one path to the Service `name`; nobody serves it.
pub(crate) fn ingress(name: &str) -> Value {
    let backend = json!({"service": {"name": name, "port": {"number": 80}}});
    let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
        "spec": {"ingressClassName": "typo", "rules": [{"host": "web.example", "http": {"paths": [path]}}]},
    })
}

/// An autoscaler of the Deployment `name`, which has no replicas and so is left alone.
pub(crate) fn autoscaler(name: &str) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
        "spec": {"minReplicas": 1, "maxReplicas": 2,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}},
    })
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
